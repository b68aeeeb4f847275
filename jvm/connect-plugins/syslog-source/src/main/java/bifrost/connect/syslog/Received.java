package bifrost.connect.syslog;

import java.net.InetSocketAddress;

/** A message as it came, and from where. */
record Received(byte[] bytes, InetSocketAddress from) {}
