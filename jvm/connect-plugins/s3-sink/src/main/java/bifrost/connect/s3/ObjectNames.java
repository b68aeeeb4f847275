package bifrost.connect.s3;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Names objects: {@code topics/<topic>/<folder>/<source topic>+<partition>+<first offset>.<extension>}.
 *
 * <p>The topic of the path is the one that transforms gave the record. The file name has the topic that the record was
 * read from: if a transform merges topics, only the source topic keeps their objects apart.
 */
final class ObjectNames {
    private final String topicsDir;
    private final String directoryDelim;
    private final String fileDelim;
    private final String offsetFormat;
    private final String extension;

    ObjectNames(S3SinkConfig config, String extension) {
        topicsDir = config.withoutTrailingDelim(S3Keys.TOPICS_DIR);
        directoryDelim = config.getString(S3Keys.DIRECTORY_DELIM);
        fileDelim = config.getString(S3Keys.FILE_DELIM);
        int width = config.getInt(S3Keys.PAD_WIDTH);
        offsetFormat = width == 0 ? "%d" : "%0" + width + "d";
        this.extension = extension;
    }

    /** The path of all objects of a topic and folder. */
    String path(SinkRecord record, String folder) {
        String path = record.topic() + directoryDelim + folder;
        return topicsDir.isEmpty() ? path : topicsDir + directoryDelim + path;
    }

    /** The name of the object in this path that begins with this record. */
    String name(String path, SinkRecord first) {
        String offset = String.format(offsetFormat, first.originalKafkaOffset());
        String file = String.join(fileDelim, first.originalTopic(), first.originalKafkaPartition().toString(), offset);
        return path + directoryDelim + file + extension;
    }
}
