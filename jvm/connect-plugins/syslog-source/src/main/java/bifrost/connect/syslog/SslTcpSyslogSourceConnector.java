package bifrost.connect.syslog;

/** Receives syslog over TCP, always with TLS. */
public final class SslTcpSyslogSourceConnector extends SyslogSourceConnector {
    /** Created by Connect. */
    public SslTcpSyslogSourceConnector() {
        super("tcp", SyslogConfig.TLS);
    }
}
