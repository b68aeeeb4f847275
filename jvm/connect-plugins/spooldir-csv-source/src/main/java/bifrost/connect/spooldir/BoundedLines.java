package bifrost.connect.spooldir;

import java.io.FilterReader;
import java.io.IOException;
import java.io.Reader;

/** Fails on a line that is too long, before a file without line ends fills the memory. */
final class BoundedLines extends FilterReader {
    static final int MAX_LINE_CHARACTERS = 1 << 24;

    private int length;

    /** Thrown when a line is longer than {@link #MAX_LINE_CHARACTERS} characters. */
    static final class LineTooLongException extends IOException {}

    BoundedLines(Reader text) {
        super(text);
    }

    @Override
    public int read() throws IOException {
        char[] one = new char[1];
        return read(one, 0, 1) < 0 ? -1 : one[0];
    }

    @Override
    public int read(char[] buffer, int offset, int most) throws IOException {
        int count = in.read(buffer, offset, most);
        for (int index = offset; index < offset + count; index++) {
            length = buffer[index] == '\n' || buffer[index] == '\r' ? 0 : length + 1;
            if (length > MAX_LINE_CHARACTERS) {
                throw new LineTooLongException();
            }
        }
        return count;
    }
}
