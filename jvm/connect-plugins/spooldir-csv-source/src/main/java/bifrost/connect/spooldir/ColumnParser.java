package bifrost.connect.spooldir;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.ZoneId;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;

/** Converts the text of a column to the type of its schema. */
final class ColumnParser {
    /** The logical types, whose text differs from the text of the type that they are stored as. */
    static final Set<String> LOGICAL = Set.of(
            Decimal.LOGICAL_NAME,
            Timestamp.LOGICAL_NAME,
            Date.LOGICAL_NAME,
            Time.LOGICAL_NAME);

    private final TimeFormats times;

    ColumnParser(List<String> timePatterns, ZoneId zone) {
        times = new TimeFormats(timePatterns, zone);
    }

    /**
     * Converts the text of a column.
     *
     * @param text {@code null} for a column that the file does not have
     * @throws IllegalArgumentException the text is not of the schema's type, or it is empty and the schema is not optional
     */
    Object value(Schema schema, String text) {
        boolean isText = schema.type() == Schema.Type.STRING;
        if (text == null || !isText && text.isBlank()) {
            return emptyValue(schema);
        }
        if (isText) {
            return text;
        }
        String trimmed = text.trim();
        try {
            return schema.name() == null ? primitive(schema, trimmed) : logical(schema, trimmed);
        } catch (NumberFormatException problem) {
            throw new IllegalArgumentException("'" + trimmed + "' is not of type " + schema.type());
        }
    }

    private static Object emptyValue(Schema schema) {
        if (schema.defaultValue() != null) {
            return schema.defaultValue();
        }
        if (schema.isOptional()) {
            return null;
        }
        throw new IllegalArgumentException("is empty, but not optional");
    }

    static Object primitive(Schema schema, String text) {
        return switch (schema.type()) {
            case STRING -> text;
            case INT8 -> Byte.valueOf(text);
            case INT16 -> Short.valueOf(text);
            case INT32 -> Integer.valueOf(text);
            case INT64 -> Long.valueOf(text);
            case FLOAT32 -> Float.valueOf(text);
            case FLOAT64 -> Double.valueOf(text);
            case BOOLEAN -> parseBoolean(text);
            case BYTES -> ByteBuffer.wrap(Base64.getDecoder().decode(text));
            default -> throw new IllegalArgumentException("a column cannot be of type " + schema.type());
        };
    }

    private Object logical(Schema schema, String text) {
        return switch (schema.name()) {
            case Decimal.LOGICAL_NAME -> decimal(schema, text);
            case Timestamp.LOGICAL_NAME -> times.timestamp(text);
            case Date.LOGICAL_NAME -> times.date(text);
            case Time.LOGICAL_NAME -> times.time(text);
            default -> primitive(schema, text);
        };
    }

    private static BigDecimal decimal(Schema schema, String text) {
        int scale = Integer.parseInt(schema.parameters().get(Decimal.SCALE_FIELD));
        try {
            return new BigDecimal(text).setScale(scale);
        } catch (ArithmeticException problem) {
            throw new IllegalArgumentException("'" + text + "' has more than " + scale + " decimals");
        }
    }

    private static Boolean parseBoolean(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("'" + text + "' is not true or false");
        };
    }
}
