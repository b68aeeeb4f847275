package bifrost.connect.s3;

import bifrost.connect.config.Finding;
import bifrost.connect.config.VendorSinkConnector;
import bifrost.connect.s3.config.S3Keys;
import bifrost.connect.s3.config.S3SinkConfig;
import bifrost.connect.s3.partition.Partitioners;
import bifrost.connect.s3.store.AwsObjectStore;
import bifrost.connect.s3.store.ObjectStore;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes topics as objects into an S3 bucket; reads the configuration of the vendor's plugin. */
public final class S3SinkConnector extends VendorSinkConnector {
    /** Created by Connect. */
    public S3SinkConnector() {
        super(S3Keys.DEFINITION, S3Keys.VENDOR, S3SinkTask.class);
    }

    @Override
    protected List<Finding> conflicts(Map<String, String> given) {
        return Partitioners.conflicts(given);
    }

    @Override
    protected Optional<Finding> checkRemote(Map<String, String> given) {
        try (ObjectStore store = AwsObjectStore.withoutRetries(new S3SinkConfig(given))) {
            store.check();
            return Optional.empty();
        } catch (ObjectStore.CheckFailed failed) {
            return Optional.of(new Finding(failed.key(), failed.getMessage()));
        }
    }
}
