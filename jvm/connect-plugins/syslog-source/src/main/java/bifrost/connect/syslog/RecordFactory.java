package bifrost.connect.syslog;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/** Converts messages to records with the vendor's fields. */
final class RecordFactory {
    private static final String MODEL = "com.github.jcustenborder.kafka.connect.syslog.";

    static final Schema KEY = SchemaBuilder.struct()
            .name(MODEL + "SyslogKey")
            .field("remote_address", Schema.STRING_SCHEMA)
            .build();
    static final Schema VALUE = SchemaBuilder.struct()
            .name(MODEL + "SyslogValue")
            .field("date", Schema.OPTIONAL_INT64_SCHEMA)
            .field("facility", Schema.OPTIONAL_INT32_SCHEMA)
            .field("host", Schema.OPTIONAL_STRING_SCHEMA)
            .field("level", Schema.OPTIONAL_INT32_SCHEMA)
            .field("message", Schema.OPTIONAL_STRING_SCHEMA)
            .field("charset", Schema.OPTIONAL_STRING_SCHEMA)
            .field("remote_address", Schema.OPTIONAL_STRING_SCHEMA)
            .field("hostname", Schema.OPTIONAL_STRING_SCHEMA)
            .build();

    private final SyslogConfig config;
    private final SyslogParser parser;
    private final Map<String, ?> partition;
    private final HostNames names;
    private long count;

    RecordFactory(SyslogConfig config, Clock clock) {
        this.config = config;
        parser = new SyslogParser(config.zone, clock, config.structuredData);
        names = new HostNames(config.reverseDnsCacheMs, clock, InetAddress::getCanonicalHostName);
        partition = Map.of("listener", (config.isTcp ? "tcp:" : "udp:") + config.port);
    }

    SourceRecord record(ReceivedMessage received) {
        // Bytes that are invalid in the character set become U+FFFD, so that no message is lost.
        SyslogMessage message = parser.parse(new String(received.bytes(), config.charset));
        String sender = address(received.from());
        Struct value = new Struct(VALUE)
                .put("date", message.date())
                .put("facility", message.facility())
                .put("host", message.host())
                .put("level", message.level())
                .put("message", message.message())
                .put("charset", config.charset.name())
                .put("remote_address", sender)
                .put("hostname", config.reverseDns ? names.of(received.from().getAddress()) : message.host());
        // Syslog cannot be replayed: the offset is only a count.
        Map<String, ?> offset = Map.of("received", ++count);
        Struct key = new Struct(KEY).put("remote_address", sender);
        return new SourceRecord(partition, offset, config.topic, null, KEY, key, VALUE, value);
    }

    /** The address in the vendor's form: {@code /192.168.10.250:47823}. */
    private static String address(InetSocketAddress from) {
        return "/" + from.getAddress().getHostAddress() + ":" + from.getPort();
    }
}
