package bifrost.connect.syslog;

import java.net.InetSocketAddress;

/** The bytes of a message and the address of its sender. */
record ReceivedMessage(byte[] bytes, InetSocketAddress from) {}
