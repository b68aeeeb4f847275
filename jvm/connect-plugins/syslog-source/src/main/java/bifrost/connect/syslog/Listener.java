package bifrost.connect.syslog;

import java.io.Closeable;

/** Receives messages until it is closed. */
interface Listener extends Closeable {
    /** The port that this listens on. */
    int port();

    /** The number of messages that the operating system dropped, if it can be determined. */
    long dropped();
}
