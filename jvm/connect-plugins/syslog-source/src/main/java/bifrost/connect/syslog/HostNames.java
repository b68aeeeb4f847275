package bifrost.connect.syslog;

import java.net.InetAddress;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Caches the host names of addresses. */
final class HostNames {
    private static final int MAX_ENTRIES = 10_000;

    private final long cacheMs;
    private final Clock clock;
    private final Function<InetAddress, String> lookup;
    private final Map<InetAddress, CachedName> known = new LinkedHashMap<>(16, 0.75f, true);

    private record CachedName(String name, long since) {}

    HostNames(long cacheMs, Clock clock, Function<InetAddress, String> lookup) {
        this.cacheMs = cacheMs;
        this.clock = clock;
        this.lookup = lookup;
    }

    /** The name of an address; looked up again when the cached name is older than {@code cacheMs}. */
    String of(InetAddress address) {
        long now = clock.millis();
        CachedName found = known.get(address);
        if (found == null || now - found.since >= cacheMs) {
            found = new CachedName(lookup.apply(address), now);
            known.put(address, found);
            forgetOldest();
        }
        return found.name;
    }

    private void forgetOldest() {
        if (known.size() > MAX_ENTRIES) {
            known.remove(known.keySet().iterator().next());
        }
    }
}
