/**
 * Receives syslog messages of RFC 3164 and RFC 5424 over TCP and UDP. Accepts the configuration of
 * {@code com.github.jcustenborder.kafka.connect.syslog}'s connectors, and writes records with their fields.
 *
 * <p>Messages are parsed here and not by a library: every line must be kept with all fields that can be read. Existing
 * libraries refuse lines without a priority or date, and Camel's library decodes UTF-8 as Latin-1.
 */
package bifrost.connect.syslog;
