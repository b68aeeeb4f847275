package bifrost.connect.syslog;

/**
 * The fields of a message.
 *
 * @param date milliseconds since 1970; {@code null} if the message has no date
 * @param host the host name in the message; {@code null} if it has none
 * @param message the text from the host name on, for example {@code rpi-03 sshd[1]: Invalid user}
 */
record SyslogMessage(Long date, int facility, String host, int level, String message) {}
