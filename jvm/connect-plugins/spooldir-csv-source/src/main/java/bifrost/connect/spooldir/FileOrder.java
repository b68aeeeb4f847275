package bifrost.connect.spooldir;

import java.util.Comparator;
import java.util.List;

/** An order in which files are read; the constants are the values of {@code files.sort.attributes}. */
enum FileOrder {
    NAMEASC(Comparator.comparing(FileSnapshot::name)),
    NAMEDESC(NAMEASC.order.reversed()),
    LENGTHASC(Comparator.comparingLong(FileSnapshot::length)),
    LENGTHDESC(LENGTHASC.order.reversed()),
    LASTMODIFIEDASC(Comparator.comparingLong(FileSnapshot::modifiedMs)),
    LASTMODIFIEDDESC(LASTMODIFIEDASC.order.reversed());

    private final Comparator<FileSnapshot> order;

    FileOrder(Comparator<FileSnapshot> order) {
        this.order = order;
    }

    /** Combines orders: each later order sorts the files that are equal in the earlier ones; the name comes last. */
    static Comparator<FileSnapshot> of(List<FileOrder> orders) {
        return orders.stream()
                .map(each -> each.order)
                .reduce(Comparator::thenComparing)
                .map(all -> all.thenComparing(NAMEASC.order))
                .orElse(NAMEASC.order);
    }
}
