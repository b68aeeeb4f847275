package bifrost.connect.jdbc.rows;

import bifrost.connect.jdbc.config.NumericMapping;
import bifrost.connect.jdbc.rows.Column.Type;
import java.math.BigDecimal;
import java.math.RoundingMode;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.SchemaBuilder;

/** The types of numbers. Limits of digits are those of the vendor's plugin. */
final class NumberTypes {
    /** The digits after the point of a NUMERIC that has no precision, as PostgreSQL allows. */
    private static final int SCALE_OF_ANY = 38;

    private static final int LONG_DIGITS = 18;
    private static final int INT_DIGITS = 9;
    private static final int SHORT_DIGITS = 4;
    private static final int BYTE_DIGITS = 2;

    private NumberTypes() {}

    /**
     * The type of a NUMERIC or DECIMAL column.
     *
     * @param precision its digits; 0 if it has no limit
     * @param scale its digits after the point
     */
    static Type decimal(NumericMapping mapping, int precision, int scale) {
        boolean isAny = precision == 0;
        boolean fitsLong = !isAny && precision <= LONG_DIGITS;
        boolean hasFraction = isAny || scale > 0;
        if (mapping != NumericMapping.NONE && fitsLong && !hasFraction) {
            return integer(precision);
        }
        boolean isDouble = mapping == NumericMapping.BEST_FIT && (fitsLong || isAny)
                || mapping == NumericMapping.BEST_FIT_EAGER_DOUBLE;
        if (isDouble && hasFraction) {
            return float64();
        }
        int digits = isAny ? SCALE_OF_ANY : Math.max(0, scale);
        return new Type(Decimal.builder(digits), (row, index) -> {
            BigDecimal value = row.getBigDecimal(index);
            return value == null ? null : value.setScale(digits, RoundingMode.UNNECESSARY);
        });
    }

    /** A bit as 0 or 1. */
    static Type bit() {
        return new Type(SchemaBuilder.int8(), Column.unlessNull((row, index) -> (byte) (row.getBoolean(index) ? 1 : 0)));
    }

    static Type int8() {
        return new Type(SchemaBuilder.int8(), Column.unlessNull((row, index) -> row.getByte(index)));
    }

    static Type int16() {
        return new Type(SchemaBuilder.int16(), Column.unlessNull((row, index) -> row.getShort(index)));
    }

    static Type int32() {
        return new Type(SchemaBuilder.int32(), Column.unlessNull((row, index) -> row.getInt(index)));
    }

    static Type int64() {
        return new Type(SchemaBuilder.int64(), Column.unlessNull((row, index) -> row.getLong(index)));
    }

    static Type float32() {
        return new Type(SchemaBuilder.float32(), Column.unlessNull((row, index) -> row.getFloat(index)));
    }

    static Type float64() {
        return new Type(SchemaBuilder.float64(), Column.unlessNull((row, index) -> row.getDouble(index)));
    }

    private static Type integer(int precision) {
        if (precision > INT_DIGITS) {
            return int64();
        }
        if (precision > SHORT_DIGITS) {
            return int32();
        }
        return precision > BYTE_DIGITS ? int16() : int8();
    }
}
