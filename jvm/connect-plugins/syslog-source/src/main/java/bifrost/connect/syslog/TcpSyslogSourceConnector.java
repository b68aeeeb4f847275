package bifrost.connect.syslog;

/** Receives syslog over TCP, with TLS if a keystore is configured. */
public final class TcpSyslogSourceConnector extends SyslogSourceConnector {
    /** Created by Connect. */
    public TcpSyslogSourceConnector() {
        super("tcp", SyslogConfig.TCP);
    }
}
