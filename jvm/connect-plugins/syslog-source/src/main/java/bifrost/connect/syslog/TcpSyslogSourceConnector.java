package bifrost.connect.syslog;

/** Syslog over TCP, with TLS where there is a keystore. */
public final class TcpSyslogSourceConnector extends SyslogSourceConnector {
    /** Made by Connect. */
    public TcpSyslogSourceConnector() {
        super("tcp", SyslogConfig.TCP);
    }
}
