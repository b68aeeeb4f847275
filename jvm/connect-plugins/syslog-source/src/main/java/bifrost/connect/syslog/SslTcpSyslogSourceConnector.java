package bifrost.connect.syslog;

/** Syslog over TCP with TLS always. */
public final class SslTcpSyslogSourceConnector extends SyslogSourceConnector {
    /** Made by Connect. */
    public SslTcpSyslogSourceConnector() {
        super("tcp", SyslogConfig.TLS);
    }
}
