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

/** The configuration of a source and its task. */
final class SyslogConfig {
    /** Set by the connector for its task. */
    static final String PROTOCOL = "syslog.protocol";

    static final VendorKeys VENDOR = new VendorKeys()
            .withoutEffect("backoff.ms", "the task waits for messages, not for a time")
            .withoutEffect("syslog.shutdown.wait", "what was received is handed over first in any case")
            .withoutEffect("syslog.backlog", "the system's is used")
            .withoutEffect("syslog.reverse.dns.cache.ms", "names are kept for as long as Java does");

    static final ConfigDef UDP = common(new Options()).vendor(VENDOR).definition();
    static final ConfigDef TCP = tcp(common(new Options())).vendor(VENDOR).definition();

    final boolean isTcp;
    final String topic;
    final String host;
    final int port;
    final Charset charset;
    final ZoneId zone;
    final boolean structuredData;
    final boolean reverseDns;
    final int batchSize;
    final int queueSize;
    final int longestMessage;
    final int receiveBuffer;
    final int mostConnections;
    final int idleTimeoutMs;
    final Path keystore;
    final char[] keystorePassword;

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
        batchSize = config.getInt("batch.size");
        queueSize = config.getInt("syslog.queue.size");
        longestMessage = config.getInt("syslog.max.message.bytes");
        receiveBuffer = config.getInt("syslog.receive.buffer.bytes");
        mostConnections = isTcp ? config.getInt("syslog.max.active.sockets") : 0;
        idleTimeoutMs = isTcp ? config.getInt("syslog.timeout") : 0;
        String store = isTcp ? config.getString("syslog.keystore") : "";
        keystore = store.isBlank() ? null : Path.of(store);
        Password password = isTcp ? config.getPassword("syslog.keystore.password") : null;
        keystorePassword = password == null ? new char[0] : password.value().toCharArray();
    }

    private static Options common(Options options) {
        return options.group("Syslog")
                .required("kafka.topic", Type.STRING).doc("The topic that messages are written to.")
                .required("syslog.port", Type.INT).check(ConfigDef.Range.between(1, 65535))
                .doc("The port to listen on.")
                .optional("syslog.host", Type.STRING, "0.0.0.0").doc("The address to listen on.")
                .optional("syslog.charset", Type.STRING, "UTF-8").doc("The messages' character set.")
                .optional("syslog.timezone", Type.STRING, "")
                .doc("The time zone of dates that name none; the system's.")
                .optional("syslog.structured.data", Type.BOOLEAN, false)
                .doc("Whether RFC 5424's structured data stands before the text.")
                .optional("syslog.reverse.dns.remote.ip", Type.BOOLEAN, false)
                .doc("Whether hostname is the name of the sender's address instead of the host in the message.")
                .optional("syslog.max.message.bytes", Type.INT, 65536).atLeast(480)
                .doc("Longer messages are cut, and counted.")
                .optional("batch.size", Type.INT, 5000).atLeast(1)
                .doc("The most messages that are handed over at once.")
                .optional("syslog.queue.size", Type.INT, 50_000).low().atLeast(1)
                .doc("How many messages may wait for Kafka. Then a TCP sender is made to wait; UDP has its buffer.")
                .optional("syslog.receive.buffer.bytes", Type.INT, 8 << 20).low().atLeast(1024)
                .doc("What the system may hold for us; of UDP, what comes on top of it is dropped, and counted.")
                .optional(PROTOCOL, Type.STRING, null).low().doc("Set by the connector.");
    }

    private static Options tcp(Options options) {
        return options.group("TCP")
                .optional("syslog.max.active.sockets", Type.INT, 1000).atLeast(1)
                .doc("How many may be connected; further ones are refused.")
                .optional("syslog.timeout", Type.INT, 0).atLeast(0)
                .doc("Milliseconds without a byte after which a connection is closed; 0 for never.")
                .optional("syslog.keystore", Type.STRING, "").doc("A PKCS12 or JKS file with the certificate, for TLS.")
                .optional("syslog.keystore.password", Type.PASSWORD, null).doc("The keystore's password.");
    }

    private static Charset charset(String name) {
        try {
            return Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException problem) {
            throw new ConfigException("syslog.charset", name, "not a character set of this Java");
        }
    }

    private static ZoneId zone(String name) {
        try {
            return name.isBlank() ? ZoneId.systemDefault() : ZoneId.of(name);
        } catch (DateTimeException problem) {
            throw new ConfigException("syslog.timezone", name, "not a time zone");
        }
    }
}
