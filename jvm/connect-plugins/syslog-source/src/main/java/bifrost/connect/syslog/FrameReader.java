package bifrost.connect.syslog;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.util.Arrays;

/**
 * Takes a TCP stream apart as RFC 6587 says: a message begins with its length and a blank, or ends with a line feed (or
 * a zero byte). The two may be mixed.
 */
final class FrameReader {
    private static final int MOST_DIGITS = 7;

    private final PushbackInputStream input;
    private final int longest;
    private boolean wasCut;

    FrameReader(InputStream input, int longest) {
        this.input = new PushbackInputStream(input, MOST_DIGITS + 2);
        this.longest = longest;
    }

    /** The next message that is not empty, at most {@code longest} bytes of it; {@code null} at the end. */
    byte[] next() throws IOException {
        byte[] message;
        do {
            wasCut = false;
            int first = input.read();
            if (first < 0) {
                return null;
            }
            input.unread(first);
            int length = first >= '1' && first <= '9' ? length() : 0;
            message = length > 0 ? counted(length) : line();
        } while (message.length == 0);
        return message;
    }

    /** Whether the latest message was longer than it may be. */
    boolean wasCut() {
        return wasCut;
    }

    /** The length that a message begins with; 0, and nothing read, when what is there is not `LENGTH <`. */
    private int length() throws IOException {
        byte[] seen = new byte[MOST_DIGITS + 2];
        int count = 0;
        int length = 0;
        int next = input.read();
        while (next >= '0' && next <= '9' && count < MOST_DIGITS) {
            seen[count++] = (byte) next;
            length = length * 10 + next - '0';
            next = input.read();
        }
        int blank = next;
        int after = blank == ' ' ? input.read() : -1;
        if (after == '<') {
            input.unread(after);
            return length;
        }
        if (after >= 0) {
            input.unread(after);
        }
        if (blank >= 0) {
            input.unread(blank);
        }
        input.unread(seen, 0, count);
        return 0;
    }

    private byte[] counted(int length) throws IOException {
        byte[] message = input.readNBytes(Math.min(length, longest));
        if (length > longest) {
            wasCut = true;
            input.skipNBytes(length - longest);
        }
        return message;
    }

    private byte[] line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(256);
        int next = input.read();
        while (next > 0 && next != '\n') {
            if (line.size() < longest) {
                line.write(next);
            } else {
                wasCut = true;
            }
            next = input.read();
        }
        byte[] bytes = line.toByteArray();
        boolean hasReturn = bytes.length > 0 && bytes[bytes.length - 1] == '\r';
        return hasReturn ? Arrays.copyOf(bytes, bytes.length - 1) : bytes;
    }
}
