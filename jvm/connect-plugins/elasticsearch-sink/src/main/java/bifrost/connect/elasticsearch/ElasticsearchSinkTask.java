package bifrost.connect.elasticsearch;

import bifrost.connect.elasticsearch.Batch.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the records of its partitions; what cannot be written is reported record by record. */
public final class ElasticsearchSinkTask extends SinkTask {
    private static final Logger LOG = LoggerFactory.getLogger(ElasticsearchSinkTask.class);

    /** How long the worker waits before it hands the same records over again. */
    private static final long ABSENT_MILLIS = 2000;

    private ElasticsearchSinkConfig config;
    private SearchClient client;
    private DocumentFactory documents;
    private Indices indices;
    private BulkWriter writer;
    private ErrantRecordReporter reporter;
    private final List<Future<Void>> reports = new ArrayList<>();

    @Override
    public String version() {
        return ElasticsearchSinkConnector.VERSION;
    }

    /** @throws ConnectException the search engine does not accept the user; one that is away is waited for later */
    @Override
    public void start(Map<String, String> properties) {
        config = new ElasticsearchSinkConfig(properties);
        client = new RestSearchClient(config);
        documents = new DocumentFactory(config);
        indices = new Indices(config, client);
        writer = new BulkWriter(config, client, this::refused, System::nanoTime);
        reporter = context.errantRecordReporter();
        try {
            client.check();
        } catch (SearchClient.CheckFailed failed) {
            if (failed.key().equals(ElasticsearchSinkConfig.USERNAME)) {
                throw new ConnectException(failed.key() + ": " + failed.getMessage(), failed);
            }
            LOG.warn("{}: {}", failed.key(), failed.getMessage());
        }
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        for (SinkRecord record : records) {
            Optional<Document> document = documentOf(record);
            if (document.isPresent()) {
                ensureIndex(document.get());
                writer.add(document.get());
            } else {
                writer.skip(record);
            }
        }
        Duration wait = writer.sendDue();
        if (wait != null) {
            context.timeout(Math.max(1, wait.toMillis()));
        }
    }

    /** Offsets are behind records that were answered; what of them was reported is in the dead-letter queue by then. */
    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        if (config.getBoolean(ElasticsearchSinkConfig.FLUSH_SYNCHRONOUSLY)) {
            writer.flush();
        }
        Map<TopicPartition, OffsetAndMetadata> answered = writer.acknowledged();
        awaitReports();
        return answered;
    }

    @Override
    public void close(Collection<TopicPartition> partitions) {
        writer.forget(partitions);
    }

    @Override
    public void stop() {
        if (writer != null) {
            writer.close();
            client.close();
        }
    }

    private void ensureIndex(Document document) {
        try {
            indices.ensure(document);
        } catch (RetriableException absent) {
            context.timeout(ABSENT_MILLIS);
            throw absent;
        }
    }

    private Optional<Document> documentOf(SinkRecord record) {
        try {
            return documents.of(record);
        } catch (DataException invalid) {
            String message = place(record) + " " + invalid.getMessage();
            report(record, new DataException(message, invalid));
            if (!config.getBoolean(ElasticsearchSinkConfig.DROP_INVALID)) {
                throw new ConnectException(message + " (drop.invalid.message=true passes over such records)", invalid);
            }
            LOG.warn("{}: passed over", message);
            return Optional.empty();
        }
    }

    private void refused(Refusal refusal) {
        SinkRecord record = refusal.document().record();
        String message = place(record) + " is refused as a document of " + refusal.document().index() + ": " + refusal.reason();
        report(record, new DataException(message));
        switch (config.malformed()) {
            case FAIL -> throw new ConnectException(message + " (behavior.on.malformed.documents)");
            case WARN -> LOG.warn("{}", message);
            case IGNORE -> LOG.debug("{}", message);
        }
    }

    private void report(SinkRecord record, DataException why) {
        if (reporter != null) {
            reports.add(reporter.report(record, why));
        }
    }

    private void awaitReports() {
        try {
            for (Future<Void> report : reports) {
                report.get();
            }
            reports.clear();
        } catch (ExecutionException failed) {
            throw new ConnectException("A record could not be written to the dead-letter queue", failed.getCause());
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new ConnectException("Stopped while records were reported", stopped);
        }
    }

    private static String place(SinkRecord record) {
        return "Record " + record.topic() + "-" + record.kafkaPartition() + "@" + record.kafkaOffset();
    }
}
