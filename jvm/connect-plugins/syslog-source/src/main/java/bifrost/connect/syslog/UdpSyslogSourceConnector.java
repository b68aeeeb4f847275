package bifrost.connect.syslog;

/** Receives syslog over UDP. */
public final class UdpSyslogSourceConnector extends SyslogSourceConnector {
    /** Created by Connect. */
    public UdpSyslogSourceConnector() {
        super("udp", SyslogConfig.UDP);
    }
}
