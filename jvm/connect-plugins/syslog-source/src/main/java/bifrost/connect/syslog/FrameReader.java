package bifrost.connect.syslog;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;

/**
 * Splits a TCP stream into messages as RFC 6587 specifies: a message begins with its length and a blank, or ends with a
 * line feed or a NUL byte. Both forms may be mixed. If the stream ends or fails within a message, its beginning is kept.
 * Terminators at the end of a message are removed, also if its length counts them.
 */
final class FrameReader {
    private static final int MAX_DIGITS = 7;

    private final PushbackInputStream input;
    private final int maxBytes;
    private boolean wasCut;
    private IOException failure;

    FrameReader(InputStream input, int maxBytes) {
        this.input = new PushbackInputStream(input, MAX_DIGITS + 2);
        this.maxBytes = maxBytes;
    }

    /** The next message that is not empty, cut to {@code maxBytes} bytes; {@code null} at the end of the stream. */
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

    /** Whether the latest message was cut. */
    boolean wasCut() {
        return wasCut;
    }

    /** Reads the length at the start of a message. If the stream does not continue with `LENGTH <`, reads nothing: 0. */
    private int length() throws IOException {
        byte[] seen = new byte[MAX_DIGITS + 2];
        int count = 0;
        int length = 0;
        int next = input.read();
        while (next >= '0' && next <= '9' && count < MAX_DIGITS) {
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

    /** Reads this number of bytes, or up to the end of the line. */
    private byte[] message(int length, boolean endsWithLine) {
        ByteArrayOutputStream message = new ByteArrayOutputStream(256);
        try {
            for (int count = 0; count < length; count++) {
                int next = input.read();
                if (next < 0 || endsWithLine && (next == '\n' || next == 0)) {
                    break;
                }
                append(next, message);
            }
        } catch (IOException problem) {
            failure = problem;
        }
        return Terminators.removed(message.toByteArray(), message.size());
    }

    private void append(int next, ByteArrayOutputStream message) {
        if (message.size() < maxBytes) {
            message.write(next);
        } else {
            wasCut = true;
        }
    }
}
