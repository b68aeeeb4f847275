package bifrost.connect.syslog;

import java.io.Closeable;

/** Receives until it is closed. */
interface Listener extends Closeable {
    /** The port that it listens on. */
    int port();

    /** How many messages the system has dropped, as far as it can be known. */
    long dropped();
}
