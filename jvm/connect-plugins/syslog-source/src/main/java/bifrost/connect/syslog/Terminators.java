package bifrost.connect.syslog;

import java.util.Arrays;

/** Removes what senders put behind a message: line ends and NUL bytes, over UDP and in counted frames too. */
final class Terminators {
    private Terminators() {}

    /** The first {@code length} bytes of a message without the terminators at their end. */
    static byte[] removed(byte[] bytes, int length) {
        return Arrays.copyOf(bytes, lengthWithout(bytes, length));
    }

    /** The length of a message without the terminators at its end. */
    static int lengthWithout(byte[] bytes, int length) {
        int end = length;
        while (end > 0 && (bytes[end - 1] == '\n' || bytes[end - 1] == '\r' || bytes[end - 1] == 0)) {
            end--;
        }
        return end;
    }
}
