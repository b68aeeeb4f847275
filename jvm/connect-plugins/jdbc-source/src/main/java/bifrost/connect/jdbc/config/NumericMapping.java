package bifrost.connect.jdbc.config;

/** The values of {@code numeric.mapping}: the types of NUMERIC and DECIMAL columns. */
public enum NumericMapping {
    /** Always Decimal. */
    NONE,
    /** Integers where the column has no fraction. */
    PRECISION_ONLY,
    /** Integers, and doubles for columns of up to 18 digits. */
    BEST_FIT,
    /** Integers, and doubles for all columns with a fraction. */
    BEST_FIT_EAGER_DOUBLE
}
