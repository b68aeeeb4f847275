import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/**
 * Writes what java.lang.Math computes, with JDK 17:
 *
 * <pre>java tests/engine/functions/java/MathTable.java tests/engine/functions/java</pre>
 *
 * math.tsv: function, arguments and result as hexadecimal floating point numbers.
 */
public class MathTable {
    static final double[] FIXED = {0.0, -0.0, 1, -1, 2, 0.5, -0.5, 27, -27, 64, 8, 1000, 1e-5, 1e5, 1e300, -1e300, Double.MIN_VALUE,
        Double.MAX_VALUE, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Math.PI, Math.PI / 2, Math.E, 0.1, 0.3, 0.7, 10,
        100, 710, -710, 710.4, 22, 1e22, 0.999999, 1.0000001, 3, 5, 7, 45, 90, 180, 360};

    public static void main(String[] arguments) throws Exception {
        Random random = new Random(5);
        Map<String, DoubleUnaryOperator> functions = new LinkedHashMap<>();
        functions.put("SQRT", Math::sqrt);
        functions.put("CBRT", Math::cbrt);
        functions.put("EXP", Math::exp);
        functions.put("LN", Math::log);
        functions.put("LOG", Math::log);
        functions.put("SIN", Math::sin);
        functions.put("COS", Math::cos);
        functions.put("TAN", Math::tan);
        functions.put("COT", x -> Math.cos(x) / Math.sin(x));
        functions.put("ASIN", Math::asin);
        functions.put("ACOS", Math::acos);
        functions.put("ATAN", Math::atan);
        functions.put("SINH", Math::sinh);
        functions.put("COSH", Math::cosh);
        functions.put("TANH", Math::tanh);
        functions.put("DEGREES", Math::toDegrees);
        functions.put("RADIANS", Math::toRadians);
        functions.put("CEIL", Math::ceil);
        functions.put("FLOOR", Math::floor);
        functions.put("ABS", Math::abs);
        try (PrintWriter out = new PrintWriter(Path.of(arguments[0], "math.tsv").toFile(), StandardCharsets.UTF_8)) {
            functions.forEach((name, function) -> {
                for (int i = 0; i < FIXED.length + 60; i++) {
                    double x = i < FIXED.length ? FIXED[i] : i % 3 == 0 ? random.nextDouble() * 2 - 1
                        : i % 3 == 1 ? (random.nextDouble() - 0.5) * 100 : Math.scalb(random.nextDouble() - 0.5, random.nextInt(60) - 30);
                    row(out, name, function.applyAsDouble(x), x);
                }
                for (double x : new double[] {2.5, -2.5, 3.49999, -3.5}) {
                    row(out, name, function.applyAsDouble(x), x);
                }
            });
            for (int i = 0; i < 300; i++) {
                double x = i % 2 == 0 ? Math.round((random.nextDouble() - 0.3) * 20) : random.nextDouble() * 50;
                double y = i % 3 == 0 ? Math.round((random.nextDouble() - 0.5) * 20) : (random.nextDouble() - 0.5) * 20;
                row(out, "POWER", Math.pow(x, y), x, y);
                row(out, "ATAN2", Math.atan2(x, y), x, y);
            }
            for (double x : FIXED) {
                for (double y : new double[] {0.0, -0.0, 1, -1, 2, -3, 0.5, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                    row(out, "POWER", Math.pow(x, y), x, y);
                    row(out, "ATAN2", Math.atan2(x, y), x, y);
                }
            }
        }
    }

    static void row(PrintWriter out, String name, double result, double... arguments) {
        StringBuilder line = new StringBuilder(name);
        for (double argument : arguments) {
            line.append('\t').append(Double.toHexString(argument));
        }
        out.println(line.append('\t').append(Double.toHexString(result)).toString().toLowerCase(Locale.ROOT).replace("infinity", "inf"));
    }
}
