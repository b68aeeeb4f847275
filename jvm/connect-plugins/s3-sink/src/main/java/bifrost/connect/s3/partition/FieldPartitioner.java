package bifrost.connect.s3.partition;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/** Names folders after the values of fields: {@code field=value}. */
record FieldPartitioner(List<String> fields, String delim) implements Partitioner {
    @Override
    public String folder(SinkRecord record) {
        return fields.stream()
                .map(field -> field + "=" + text(field, Fields.of(record, field)))
                .collect(Collectors.joining(delim));
    }

    private static String text(String field, Object value) {
        if (value instanceof Struct || value instanceof Iterable || value instanceof byte[]) {
            throw new DataException("field " + field + " cannot name a folder: it is not a text, number or boolean");
        }
        return value.toString();
    }
}
