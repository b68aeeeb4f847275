package bifrost.connect.syslog;

/**
 * What can be read of a message.
 *
 * @param date milliseconds since 1970, {@code null} when the message says none
 * @param host the sender's name as the message gives it, {@code null} when there is none
 * @param message the text from the host on, as in {@code rpi-03 sshd[1]: Invalid user}
 */
record SyslogMessage(Long date, int facility, String host, int level, String message) {}
