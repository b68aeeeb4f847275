package bifrost.connect.s3;

import org.apache.kafka.connect.sink.SinkRecord;

/** Names objects: {@code topics/<topic>/<folder>/<topic>+<partition>+<first offset>.<extension>}. */
final class ObjectNames {
    private final String topicsDir;
    private final String directoryDelim;
    private final String fileDelim;
    private final String offset;
    private final String extension;

    ObjectNames(S3SinkConfig config, String extension) {
        topicsDir = config.getString(S3SinkConfig.TOPICS_DIR);
        directoryDelim = config.getString(S3SinkConfig.DIRECTORY_DELIM);
        fileDelim = config.getString(S3SinkConfig.FILE_DELIM);
        int width = config.getInt(S3SinkConfig.PAD_WIDTH);
        offset = width == 0 ? "%d" : "%0" + width + "d";
        this.extension = extension;
    }

    String of(SinkRecord first, String folder) {
        String file = first.topic() + fileDelim + first.kafkaPartition() + fileDelim + String.format(offset, first.kafkaOffset());
        String path = String.join(directoryDelim, first.topic(), folder, file + extension);
        return topicsDir.isEmpty() ? path : topicsDir + directoryDelim + path;
    }
}
