/**
 * Receives syslog messages over TCP and UDP, in the form of RFC 3164 and RFC 5424. Understands the configuration of
 * {@code com.github.jcustenborder.kafka.connect.syslog}'s connectors, and writes records with their fields.
 *
 * <p>The messages are parsed here and not by a library: every line must be kept with what can be read of it, and the
 * libraries there are refuse lines without a priority or a date (and Camel's takes UTF-8 for Latin-1).
 */
package bifrost.connect.syslog;
