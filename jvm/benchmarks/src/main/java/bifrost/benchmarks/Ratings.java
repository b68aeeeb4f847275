package bifrost.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.Stores;

/**
 * One query over ratings, as a Kafka Streams program to compare with. Runs until it is killed.
 *
 * <p>Ends with exit code 1 if one of its threads fails: the others would never write all results.
 *
 * <p>Arguments: bootstrap servers, query (join, rejoin, filter, count, rekey), ratings topic, customers topic,
 * output topic, folder of rating.avsc, customer.avsc and joined.avsc, folder for state, threads.
 */
public final class Ratings {
    private static final Serde<Integer> KEY = Serdes.Integer();
    private static final long WINDOW_MS = 60_000;

    private final StreamsBuilder builder = new StreamsBuilder();
    private final String customers;
    private final String output;
    private final Path schemas;
    private final AvroSerde ratingSerde;
    private final KStream<Integer, GenericRecord> ratings;

    private Ratings(String ratings, String customers, String output, Path schemas) throws Exception {
        this.customers = customers;
        this.output = output;
        this.schemas = schemas;
        this.ratingSerde = new AvroSerde(schema("rating"));
        this.ratings = builder.stream(ratings, Consumed.with(KEY, ratingSerde));
    }

    public static void main(String[] arguments) throws Exception {
        Ratings program = new Ratings(arguments[2], arguments[3], arguments[4], Path.of(arguments[5]));
        program.add(arguments[1]);
        Properties settings = settings(arguments[0], arguments[4], arguments[6], arguments[7]);
        KafkaStreams streams = new KafkaStreams(program.builder.build(settings), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
    }

    private static Properties settings(String servers, String name, String state, String threads) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, name);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        // Emits every update and commits as often as the engine does.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "200");
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, "0");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        return settings;
    }

    private void add(String query) throws Exception {
        switch (query) {
            case "join" -> addJoin(ratings);
            case "rejoin" -> addJoin(ratings.selectKey((key, row) -> (Integer) row.get("USER_ID")));
            case "filter" -> ratings.filter((key, row) -> (Integer) row.get("STARS") < 4)
                    .to(output, Produced.with(KEY, ratingSerde));
            case "count" -> addCount();
            case "rekey" -> ratings.selectKey((key, row) -> row.get("CHANNEL").toString())
                    .to(output, Produced.with(Serdes.String(), ratingSerde));
            default -> throw new IllegalArgumentException("unknown query: " + query);
        }
    }

    private void addJoin(KStream<Integer, GenericRecord> rows) throws Exception {
        AvroSerde customerSerde = new AvroSerde(schema("customer"));
        Schema joined = schema("joined");
        KTable<Integer, GenericRecord> table = builder.table(
                customers,
                Consumed.with(KEY, customerSerde),
                Materialized.<Integer, GenericRecord>as(Stores.inMemoryKeyValueStore("customers"))
                        .withKeySerde(KEY)
                        .withValueSerde(customerSerde));
        rows.leftJoin(
                        table,
                        (rating, customer) -> merged(joined, rating, customer),
                        Joined.with(KEY, ratingSerde, customerSerde))
                .to(output, Produced.with(KEY, new AvroSerde(joined)));
    }

    private static GenericRecord merged(Schema joined, GenericRecord rating, GenericRecord customer) {
        GenericRecord row = new GenericData.Record(joined);
        for (String name : new String[] {"RATING_ID", "CHANNEL", "STARS", "MESSAGE"}) {
            row.put(name, rating.get(name));
        }
        if (customer != null) {
            for (String name : new String[] {"CLUB_STATUS", "EMAIL", "FIRST_NAME", "LAST_NAME"}) {
                row.put(name, customer.get(name));
            }
        }
        return row;
    }

    private void addCount() {
        ratings.groupByKey(Grouped.with(KEY, ratingSerde))
                .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofMillis(WINDOW_MS)))
                .count(Materialized.<Integer, Long>as(
                                Stores.inMemoryWindowStore(
                                        "counts", Duration.ofDays(1), Duration.ofMillis(WINDOW_MS), false))
                        .withKeySerde(KEY)
                        .withValueSerde(Serdes.Long()))
                .toStream()
                .to(output, Produced.with(WindowedSerdes.timeWindowedSerdeFrom(Integer.class, WINDOW_MS), Serdes.Long()));
    }

    private Schema schema(String name) throws Exception {
        return new Schema.Parser().parse(Files.readString(schemas.resolve(name + ".avsc")));
    }
}
