package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FrameReaderTest {
    private static List<String> frames(String stream, int longest) throws IOException {
        FrameReader reader =
                new FrameReader(new ByteArrayInputStream(stream.getBytes(StandardCharsets.UTF_8)), longest);
        List<String> found = new ArrayList<>();
        for (byte[] frame = reader.next(); frame != null; frame = reader.next()) {
            found.add(new String(frame, StandardCharsets.UTF_8) + (reader.wasCut() ? "(cut)" : ""));
        }
        return found;
    }

    @Test
    void linesAndCountedMessagesMayBeMixed() throws IOException {
        assertEquals(
                List.of("<13>one", "<13>two\nlines", "<13>three", "<13>four"),
                frames("<13>one\n13 <13>two\nlines<13>three\r\n\n\n<13>four", 100));
    }

    @Test
    void countedTerminatorsAreRemoved() throws IOException {
        assertEquals(
                List.of("<13>one", "<13>two\nlines", "<13>three", "<13>four", "<13>five"),
                frames("8 <13>one\n14 <13>two\nlines\n11 <13>three\r\n9 <13>four\0<13>five\r\n", 100));
        assertEquals(List.of("<13>a", "<13>b"), frames("5 <13>a\n5 <13>b\n", 100));
    }

    @Test
    void aLineMayBeginWithANumber() throws IOException {
        assertEquals(
                List.of("12 monkeys", "7", "99999999999 <x", "5"), frames("12 monkeys\n7\n99999999999 <x\n5", 100));
    }

    @Test
    void longMessagesAreCutAndTheNextOneIsComplete() throws IOException {
        assertEquals(
                List.of("<13>abcd(cut)", "<13>next", "<13>abcd(cut)", "<13>last"),
                frames("<13>abcdefgh\n<13>next\n12 <13>abcdefgh<13>last\n", 8));
    }

    @Test
    void anIncompleteMessageIsKept() throws IOException {
        assertEquals(List.of("<13>one", "<13>tw"), frames("<13>one\n99 <13>tw", 100));
        assertEquals(List.of("<13>abcd(cut)"), frames("99 <13>abcdefgh", 8));
    }
}
