package bifrost.connect.elasticsearch;

import bifrost.connect.config.PluginVersion;
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

/** Writes the records of its partitions; reports each record that cannot be written. */
public final class ElasticsearchSinkTask extends SinkTask {
    private static final Logger LOG = LoggerFactory.getLogger(ElasticsearchSinkTask.class);

    /** How long the worker waits before it delivers the same records again while the search engine is unavailable. */
    private static final long UNAVAILABLE_MILLIS = 2000;

    private ElasticsearchSinkConfig config;
    private SearchClient client;
    private DocumentFactory documents;
    private Indices indices;
    private BulkWriter writer;
    private ErrantRecordReporter reporter;
    private final List<Future<Void>> reports = new ArrayList<>();

    @Override
    public String version() {
        return PluginVersion.VERSION;
    }

    /** @throws ConnectException the search engine does not accept the user; an unavailable one is retried later */
    @Override
    public void start(Map<String, String> properties) {
        config = new ElasticsearchSinkConfig(properties);
        client = connect(config);
        documents = new DocumentFactory(config);
        indices = new Indices(config, client);
        writer = new BulkWriter(config, client, this::handleRefusal, System::nanoTime);
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

    private static SearchClient connect(ElasticsearchSinkConfig config) {
        try {
            return new RestSearchClient(config);
        } catch (SearchClient.CheckFailed failed) {
            throw new ConnectException(failed.key() + ": " + failed.getMessage(), failed);
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

    /** The offsets of answered records. Reported records among them are in the dead-letter queue when this returns. */
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
        } catch (RetriableException unavailable) {
            context.timeout(UNAVAILABLE_MILLIS);
            throw unavailable;
        }
    }

    private Optional<Document> documentOf(SinkRecord record) {
        try {
            return documents.of(record);
        } catch (DataException invalid) {
            String message = describe(record) + " " + invalid.getMessage();
            report(record, new DataException(message, invalid));
            if (!config.getBoolean(ElasticsearchSinkConfig.DROP_INVALID)) {
                throw new ConnectException(message + " (set drop.invalid.message=true to skip such records)", invalid);
            }
            LOG.warn("{}; skipped", message);
            return Optional.empty();
        }
    }

    private void handleRefusal(Refusal refusal) {
        SinkRecord record = refusal.document().record();
        String message = describe(record) + " was refused as a document of index " + refusal.document().index() + ": " + refusal.reason();
        report(record, new DataException(message));
        switch (config.malformed()) {
            case FAIL -> throw new ConnectException(message + " (set behavior.on.malformed.documents=warn to skip such documents)");
            case WARN -> LOG.warn("{}", message);
            case IGNORE -> LOG.debug("{}", message);
        }
    }

    private void report(SinkRecord record, DataException reason) {
        if (reporter != null) {
            reports.add(reporter.report(record, reason));
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
            throw new ConnectException("Stopped while records were written to the dead-letter queue", stopped);
        }
    }

    private static String describe(SinkRecord record) {
        return "Record " + record.originalTopic() + "-" + record.originalKafkaPartition() + "@" + record.originalKafkaOffset();
    }
}
