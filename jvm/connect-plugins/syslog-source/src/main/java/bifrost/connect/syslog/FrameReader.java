package bifrost.connect.syslog;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.util.Arrays;

/**
 * Takes a TCP stream apart as RFC 6587 says: a message begins with its length and a blank, or ends with a line feed (or
 * a zero byte). The two may be mixed. A message that breaks off, by the stream's end or a failure, is kept as it is.
 */
final class FrameReader {
    private static final int MOST_DIGITS = 7;

    private final PushbackInputStream input;
    private final int longest;
    private boolean wasCut;
    private IOException failure;

    FrameReader(InputStream input, int longest) {
        this.input = new PushbackInputStream(input, MOST_DIGITS + 2);
        this.longest = longest;
    }

    /** The next message that is not empty, at most {@code longest} bytes of it; {@code null} at the end. */
    byte[] next() throws IOException {
        byte[] message;
        do {
            if (failure != null) {
                throw failure;
            }
            wasCut = false;
            int first = input.read();
            if (first < 0) {
                return null;
            }
            input.unread(first);
            int length = first >= '1' && first <= '9' ? length() : 0;
            message = length > 0 ? message(length, false) : message(Integer.MAX_VALUE, true);
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

    /** This many bytes, or as many as there are before the line ends. */
    private byte[] message(int length, boolean endsWithLine) {
        ByteArrayOutputStream message = new ByteArrayOutputStream(256);
        try {
            for (int count = 0; count < length; count++) {
                int next = input.read();
                if (next < 0 || endsWithLine && (next == '\n' || next == 0)) {
                    break;
                }
                keep(next, message);
            }
        } catch (IOException problem) {
            failure = problem;
        }
        byte[] bytes = message.toByteArray();
        boolean hasReturn = endsWithLine && bytes.length > 0 && bytes[bytes.length - 1] == '\r';
        return hasReturn ? Arrays.copyOf(bytes, bytes.length - 1) : bytes;
    }

    private void keep(int next, ByteArrayOutputStream message) {
        if (message.size() < longest) {
            message.write(next);
        } else {
            wasCut = true;
        }
    }
}
