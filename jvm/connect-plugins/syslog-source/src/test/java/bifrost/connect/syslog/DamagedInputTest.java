package bifrost.connect.syslog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whatever arrives, nothing fails and no text is lost. The seeds are fixed, so that a failure repeats. */
class DamagedInputTest {
    private static final int ROUNDS = 20_000;
    private static final List<String> SAMPLES = List.of(
            "<38>Mar 12 13:30:59 rpi-03 sshd[30105]: Invalid user oracle from 185.55.218.153",
            "<165>1 2003-10-11T22:14:15.003Z host app 12 ID47 [a@1 b=\"\\]x\"][c@2] \uFEFFtext",
            "<14>2018-03-12T13:30:59.123+01:00 host text",
            "<14>Mar  2 2018 13:30:59.123456789: host text");
    private static final List<String> PARTS = List.of(
            "", "<", "<999>", "<0>", "1 ", "[", "]", "\\", "\"", "-", "\0", "\n", "\uFEFF", "\uD800", "\u2028", "Feb 30 ",
            "99999999999999999999 ", "24:61:61", "0000-00-00T00:00:00Z ", "[".repeat(3000), "[a b=\"" + "x".repeat(20_000));

    private static String damaged(Random random, String text) {
        StringBuilder found = new StringBuilder(text);
        for (int count = random.nextInt(4); count >= 0; count--) {
            int start = random.nextInt(found.length() + 1);
            int end = Math.min(found.length(), start + random.nextInt(6));
            found.replace(start, end, PARTS.get(random.nextInt(PARTS.size())));
        }
        return found.toString();
    }

    @Test
    void everyLineIsAMessageThatKeepsItsText() {
        Clock clock = Clock.fixed(Instant.parse("2018-03-12T14:00:00Z"), ZoneOffset.UTC);
        SyslogParser parser = new SyslogParser(ZoneOffset.UTC, clock, true);
        Random random = new Random(1);
        for (int round = 0; round < ROUNDS; round++) {
            String line = damaged(random, SAMPLES.get(random.nextInt(SAMPLES.size())));
            SyslogMessage message = parser.parse(line);
            String last = message.message().substring(message.message().lastIndexOf(' ') + 1);
            assertTrue(line.endsWith(last.replace("\uFEFF", "")) || line.contains(last), line);
        }
    }

    @Test
    void framesAreTheSameHoweverTheirBytesArrive() throws IOException {
        Random random = new Random(2);
        for (int round = 0; round < 2_000; round++) {
            StringBuilder stream = new StringBuilder();
            for (int count = random.nextInt(5); count >= 0; count--) {
                String line = damaged(random, SAMPLES.get(random.nextInt(SAMPLES.size())));
                stream.append(random.nextBoolean() ? line + "\n" : line.length() + " " + line);
            }
            byte[] bytes = stream.toString().getBytes(StandardCharsets.UTF_8);
            List<String> whole = frames(new ByteArrayInputStream(bytes));
            assertEquals(whole, frames(new Pieces(bytes, random)));
        }
    }

    private static List<String> frames(InputStream stream) throws IOException {
        FrameReader reader = new FrameReader(stream, 1000);
        List<String> found = new ArrayList<>();
        for (byte[] frame = reader.next(); frame != null; frame = reader.next()) {
            found.add(new String(frame, StandardCharsets.ISO_8859_1) + reader.wasCut());
        }
        return found;
    }

    /** Bytes that arrive in pieces, as over a network. */
    private static final class Pieces extends ByteArrayInputStream {
        private final Random random;

        Pieces(byte[] bytes, Random random) {
            super(bytes);
            this.random = random;
        }

        @Override
        public synchronized int read(byte[] target, int offset, int length) {
            return super.read(target, offset, Math.min(length, 1 + random.nextInt(7)));
        }
    }
}
