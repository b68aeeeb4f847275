package bifrost.connect.syslog;

import java.net.InetAddress;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Names of addresses, each asked for once in a while. */
final class HostNames {
    private static final int MOST = 10_000;

    private final long keepMs;
    private final Clock clock;
    private final Function<InetAddress, String> lookup;
    private final Map<InetAddress, Known> known = new LinkedHashMap<>(16, 0.75f, true);

    private record Known(String name, long since) {}

    HostNames(long keepMs, Clock clock, Function<InetAddress, String> lookup) {
        this.keepMs = keepMs;
        this.clock = clock;
        this.lookup = lookup;
    }

    String of(InetAddress address) {
        long now = clock.millis();
        Known found = known.get(address);
        if (found == null || now - found.since >= keepMs) {
            found = new Known(lookup.apply(address), now);
            known.put(address, found);
            forgetOldest();
        }
        return found.name;
    }

    private void forgetOldest() {
        if (known.size() > MOST) {
            known.remove(known.keySet().iterator().next());
        }
    }
}
