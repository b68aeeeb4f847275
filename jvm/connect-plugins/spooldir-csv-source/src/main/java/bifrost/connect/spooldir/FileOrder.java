package bifrost.connect.spooldir;

import java.util.Comparator;
import java.util.List;

/** Which of several files is read first; named as in the configuration. */
enum FileOrder {
    NAMEASC(Comparator.comparing(Look::name)),
    NAMEDESC(NAMEASC.order.reversed()),
    LENGTHASC(Comparator.comparingLong(Look::length)),
    LENGTHDESC(LENGTHASC.order.reversed()),
    LASTMODIFIEDASC(Comparator.comparingLong(Look::modifiedMs)),
    LASTMODIFIEDDESC(LASTMODIFIEDASC.order.reversed());

    private final Comparator<Look> order;

    FileOrder(Comparator<Look> order) {
        this.order = order;
    }

    /** The first one counts, the next among equals, and so on; the name in the end. */
    static Comparator<Look> of(List<FileOrder> orders) {
        return orders.stream()
                .map(each -> each.order)
                .reduce(Comparator::thenComparing)
                .map(all -> all.thenComparing(NAMEASC.order))
                .orElse(NAMEASC.order);
    }
}
