package bifrost.connect.jdbc.config;

/** The values of {@code mode}: how the rows of the next poll are found. */
public enum Mode {
    BULK("bulk", false, false),
    INCREMENTING("incrementing", false, true),
    TIMESTAMP("timestamp", true, false),
    TIMESTAMP_INCREMENTING("timestamp+incrementing", true, true);

    /** The value of the key. */
    public final String text;

    /** Whether rows are found by the time of their last change. */
    public final boolean hasTimestamp;

    /** Whether rows are found by a number that grows from row to row. */
    public final boolean hasIncrementing;

    Mode(String text, boolean hasTimestamp, boolean hasIncrementing) {
        this.text = text;
        this.hasTimestamp = hasTimestamp;
        this.hasIncrementing = hasIncrementing;
    }

    /** The mode of a value that passed the check of its key. */
    public static Mode of(String text) {
        for (Mode mode : values()) {
            if (mode.text.equalsIgnoreCase(text)) {
                return mode;
            }
        }
        throw new IllegalArgumentException(text);
    }
}
