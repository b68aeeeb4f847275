package bifrost.connect.avro;

import io.apicurio.registry.utils.converter.AvroConverter;
import java.time.Duration;
import java.util.function.Supplier;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Apicurio's converter, which waits for as long as the schema registry is unavailable instead of failing. A failed
 * record would become a dead letter of a sink with {@code errors.tolerance=all}, although nothing is wrong with it.
 *
 * <p>Connect's own retry ({@code errors.retry.timeout}, for a {@code RetriableException}) does not protect the record:
 * a task that is stopped during that retry also writes it to the dead-letter topic, and commits its offset.
 */
public final class WaitingAvroConverter extends AvroConverter<Object> {
    private static final Logger LOG = LoggerFactory.getLogger(WaitingAvroConverter.class);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration REPORT = Duration.ofMinutes(1);

    private final long retryMillis;

    /** Asks the registry again every second. */
    public WaitingAvroConverter() {
        this(RETRY);
    }

    WaitingAvroConverter(Duration retry) {
        retryMillis = retry.toMillis();
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
        return waiting(topic, () -> super.toConnectData(topic, value));
    }

    @Override
    public SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
        return waiting(topic, () -> super.toConnectData(topic, headers, value));
    }

    @Override
    public byte[] fromConnectData(String topic, Schema schema, Object value) {
        return waiting(topic, () -> super.fromConnectData(topic, schema, value));
    }

    @Override
    public byte[] fromConnectData(String topic, Headers headers, Schema schema, Object value) {
        return waiting(topic, () -> super.fromConnectData(topic, headers, schema, value));
    }

    private <R> R waiting(String topic, Supplier<R> conversion) {
        long reported = 0;
        boolean isRepeated = false;
        for (long attempts = 0; ; attempts++) {
            try {
                R converted = conversion.get();
                if (reported > 0) {
                    LOG.info("The schema registry answers again; records of {} are converted.", topic);
                }
                return converted;
            } catch (RuntimeException failure) {
                if (RegistryFailure.isOutage(failure)) {
                    if (attempts * retryMillis >= reported * REPORT.toMillis()) {
                        reported++;
                        String reason = RegistryFailure.reason(failure);
                        LOG.warn("The schema registry is unavailable ({}): records of {} wait for it.", reason, topic);
                    }
                } else if (RegistryFailure.isBrokenRead(failure) && !isRepeated) {
                    // A record that ends too early fails again; a registry that was killed is then known to be one.
                    isRepeated = true;
                } else {
                    throw failure;
                }
            }
            pause();
        }
    }

    private void pause() {
        try {
            Thread.sleep(retryMillis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new WorkerStoppedError(interrupted);
        }
    }
}
