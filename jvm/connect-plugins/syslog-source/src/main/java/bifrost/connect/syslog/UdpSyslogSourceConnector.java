package bifrost.connect.syslog;

/** Syslog over UDP. */
public final class UdpSyslogSourceConnector extends SyslogSourceConnector {
    /** Made by Connect. */
    public UdpSyslogSourceConnector() {
        super("udp", SyslogConfig.UDP);
    }
}
