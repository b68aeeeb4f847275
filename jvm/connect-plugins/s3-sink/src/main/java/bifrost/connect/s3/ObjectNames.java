package bifrost.connect.s3;

import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import org.apache.kafka.connect.sink.SinkRecord;

/** Names objects: {@code topics/<topic>/<folder>/<topic>+<partition>+<first offset>.<extension>}. */
final class ObjectNames {
    private final String topicsDir;
    private final String directoryDelim;
    private final String fileDelim;
    private final String offsetFormat;
    private final String extension;

    ObjectNames(S3SinkConfig config, String extension) {
        topicsDir = config.getString(S3Keys.TOPICS_DIR);
        directoryDelim = config.getString(S3Keys.DIRECTORY_DELIM);
        fileDelim = config.getString(S3Keys.FILE_DELIM);
        int width = config.getInt(S3Keys.PAD_WIDTH);
        offsetFormat = width == 0 ? "%d" : "%0" + width + "d";
        this.extension = extension;
    }

    /** The name of the object in this folder that begins with this record. */
    String of(SinkRecord first, String folder) {
        String file = first.topic() + fileDelim + first.kafkaPartition() + fileDelim + String.format(offsetFormat, first.kafkaOffset());
        String path = String.join(directoryDelim, first.topic(), folder, file + extension);
        return topicsDir.isEmpty() ? path : topicsDir + directoryDelim + path;
    }
}
