package bifrost.connect.syslog;

import bifrost.connect.config.Options;
import bifrost.connect.config.VendorKeys;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.Map;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;

/** The configuration of a connector and its task. */
final class SyslogConfig {
    /** Set by the connector for its task. */
    static final String PROTOCOL = "syslog.protocol";

    static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect("backoff.ms", "the task waits until messages arrive")
            .withoutEffect("syslog.shutdown.wait", "a stopped task delivers nothing more; the log counts the messages that are lost");

    static final ConfigDef UDP = common().vendor(VENDOR).definition();
    static final ConfigDef TCP = keystore(tcp(), false).vendor(VENDOR).definition();
    static final ConfigDef TLS = keystore(tcp(), true).vendor(VENDOR).definition();

    final boolean isTcp;
    final String topic;
    final String host;
    final int port;
    final Charset charset;
    final ZoneId zone;
    final boolean structuredData;
    final boolean reverseDns;
    final long reverseDnsCacheMs;
    final int batchSize;
    final int queueSize;
    final int maxMessageBytes;
    final int receiveBuffer;
    final int maxConnections;
    final boolean refusesExtraConnections;
    final int backlog;
    final int idleTimeoutMs;
    final Store keystore;
    final Store truststore;

    /** A keystore or truststore file. */
    record Store(Path path, char[] password) {}

    SyslogConfig(Map<String, String> given) {
        isTcp = "tcp".equals(given.get(PROTOCOL));
        AbstractConfig config = new AbstractConfig(isTcp ? TCP : UDP, given, false);
        topic = config.getString("kafka.topic");
        host = config.getString("syslog.host");
        port = config.getInt("syslog.port");
        charset = charset(config.getString("syslog.charset"));
        zone = zone(config.getString("syslog.timezone"));
        structuredData = config.getBoolean("syslog.structured.data");
        reverseDns = config.getBoolean("syslog.reverse.dns.remote.ip");
        reverseDnsCacheMs = config.getLong("syslog.reverse.dns.cache.ms");
        batchSize = config.getInt("batch.size");
        queueSize = config.getInt("syslog.queue.size");
        maxMessageBytes = config.getInt("syslog.max.message.bytes");
        receiveBuffer = config.getInt("syslog.receive.buffer.bytes");
        maxConnections = isTcp ? config.getInt("syslog.max.active.sockets") : 0;
        refusesExtraConnections = isTcp && config.getInt("syslog.max.active.sockets.behavior") == 1;
        backlog = isTcp ? config.getInt("syslog.backlog") : 0;
        idleTimeoutMs = isTcp ? config.getInt("syslog.timeout") : 0;
        keystore = isTcp ? store(config, "syslog.keystore") : null;
        truststore = isTcp ? store(config, "syslog.truststore") : null;
    }

    private static Options common() {
        return new Options().group("Syslog")
                .required("kafka.topic", Type.STRING).check(new ConfigDef.NonEmptyString())
                .doc("The topic that messages are written to.")
                .required("syslog.port", Type.INT).check(ConfigDef.Range.between(1, 65535))
                .doc("The port to listen on.")
                .optional("syslog.host", Type.STRING, "0.0.0.0").doc("The address to listen on.")
                .optional("syslog.charset", Type.STRING, "UTF-8").check((key, value) -> charset(value.toString()))
                .doc("The character set of messages.")
                .optional("syslog.timezone", Type.STRING, "").check((key, value) -> zone(value.toString()))
                .doc("The time zone of dates that name none. Default: the system's time zone.")
                .optional("syslog.structured.data", Type.BOOLEAN, false)
                .doc("Whether the structured data of RFC 5424 is kept in front of the text.")
                .optional("syslog.reverse.dns.remote.ip", Type.BOOLEAN, false)
                .doc("Whether hostname is looked up from the sender's address instead of taken from the message.")
                .optional("syslog.reverse.dns.cache.ms", Type.LONG, 60_000L).low().atLeast(0)
                .doc("How long the name of an address is cached, in milliseconds.")
                .optional("syslog.max.message.bytes", Type.INT, 65536).atLeast(480)
                .doc("The maximum size of a message in bytes; longer messages are cut and counted.")
                .optional("batch.size", Type.INT, 5000).atLeast(1)
                .doc("The maximum number of messages per batch.")
                .optional("syslog.queue.size", Type.INT, 50_000).low().atLeast(1)
                .doc("The maximum number of messages that wait for Kafka. When the queue is full, TCP senders are blocked and UDP"
                        + " messages stay in the receive buffer.")
                .optional("syslog.receive.buffer.bytes", Type.INT, 8 << 20).low().atLeast(1024)
                .doc("The size of the operating system's receive buffer. UDP messages that do not fit are dropped and counted.");
    }

    private static Options tcp() {
        return common().group("TCP")
                .optional("syslog.max.active.sockets", Type.INT, 1000).atLeast(0)
                .doc("The maximum number of connections; 0: no limit.")
                .optional("syslog.max.active.sockets.behavior", Type.INT, 0).check(ConfigDef.Range.between(0, 1))
                .doc("What to do with further connections: 0, they wait in the backlog; 1, they are refused and counted.")
                .optional("syslog.backlog", Type.INT, 50).low().atLeast(1)
                .doc("The maximum number of connections that wait to be accepted.")
                .optional("syslog.timeout", Type.INT, 0).atLeast(0)
                .doc("After how many milliseconds without a byte a connection is closed; 0: never.");
    }

    private static Options keystore(Options options, boolean isRequired) {
        String doc = "A PKCS12 or JKS file with this host's certificate and key, for TLS.";
        Options tls = options.group("TLS");
        Options keys = isRequired
                ? tls.required("syslog.keystore", Type.STRING).doc(doc)
                : tls.optional("syslog.keystore", Type.STRING, "").doc(doc);
        return keys.optional("syslog.keystore.password", Type.PASSWORD, null)
                .doc("The keystore's password.")
                .optional("syslog.truststore", Type.STRING, "")
                .doc("A file with certificates. If set, senders must present a certificate that it trusts.")
                .optional("syslog.truststore.password", Type.PASSWORD, null).doc("The truststore's password.");
    }

    private static Store store(AbstractConfig config, String key) {
        String path = config.getString(key);
        Password password = config.getPassword(key + ".password");
        char[] secret = password == null ? new char[0] : password.value().toCharArray();
        return path.isBlank() ? null : new Store(Path.of(path), secret);
    }

    private static Charset charset(String name) {
        try {
            return Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException problem) {
            throw new ConfigException("syslog.charset", name, "is not a character set of this Java");
        }
    }

    private static ZoneId zone(String name) {
        try {
            return name.isBlank() ? ZoneId.systemDefault() : ZoneId.of(name, ZoneId.SHORT_IDS);
        } catch (DateTimeException problem) {
            throw new ConfigException("syslog.timezone", name, "is not a time zone");
        }
    }
}
