package bifrost.connect.spooldir;

import bifrost.connect.spooldir.BoundedLines.LineTooLongException;
import bifrost.connect.spooldir.SpoolDirConfig.Format;
import com.opencsv.CSVParserBuilder;
import com.opencsv.CSVReader;
import com.opencsv.CSVReaderBuilder;
import com.opencsv.ICSVParser;
import com.opencsv.RFC4180ParserBuilder;
import com.opencsv.exceptions.CsvException;
import com.opencsv.exceptions.CsvMalformedLineException;
import com.opencsv.exceptions.CsvMultilineLimitBrokenException;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.file.Files;
import java.nio.file.Path;

/** The rows of a file, one after the other, however long it is. */
final class CsvRows implements Closeable {
    private static final int BUFFER = 1 << 17;
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    /** A quote that is never closed must not take the rest of a huge file into memory. */
    private static final int LONGEST_ROW_IN_LINES = 10_000;

    private static final String UNKNOWN_BYTES = "there are bytes that file.charset does not know";

    private final Path file;
    private final Format format;
    private final CSVReader reader;
    private long line;

    CsvRows(Path file, Format format) throws IOException, BadFileException {
        this.file = file;
        this.format = format;
        reader = new CSVReaderBuilder(text())
                .withCSVParser(parser(format))
                .withSkipLines(format.skipLines())
                .withKeepCarriageReturn(format.keepCarriageReturn())
                .withMultilineLimit(LONGEST_ROW_IN_LINES)
                .withVerifyReader(false)
                .build();
    }

    /** The next row that is not a blank line, {@code null} at the end. */
    String[] next() throws IOException, BadFileException {
        String[] row;
        do {
            line = Math.max(format.skipLines(), reader.getLinesRead()) + 1;
            row = read();
        } while (row != null && row.length == 1 && (row[0] == null || row[0].isBlank()));
        return row;
    }

    /** The line in the file, from 1, that the latest row began on. */
    long line() {
        return line;
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }

    private String[] read() throws IOException, BadFileException {
        try {
            return reader.readNext();
        } catch (CsvMultilineLimitBrokenException problem) {
            throw new BadFileException(line, "a quote is not closed within " + LONGEST_ROW_IN_LINES + " lines");
        } catch (CsvMalformedLineException problem) {
            throw new BadFileException(line, "a quote is not closed before the end of the file");
        } catch (CharacterCodingException problem) {
            throw unknownBytes();
        } catch (LineTooLongException problem) {
            throw new BadFileException(line, "is longer than " + BoundedLines.LONGEST + " characters");
        } catch (CsvException problem) {
            throw new BadFileException(line, problem.getMessage());
        }
    }

    private BufferedReader text() throws IOException, BadFileException {
        BufferedReader text = new BufferedReader(
                new BoundedLines(new InputStreamReader(Files.newInputStream(file), decoder())), BUFFER);
        try {
            text.mark(1);
            if (text.read() != BYTE_ORDER_MARK) {
                text.reset();
            }
            return text;
        } catch (CharacterCodingException problem) {
            text.close();
            throw unknownBytes();
        }
    }

    private CharsetDecoder decoder() {
        return format.charset()
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
    }

    /** Says where; the reader does not, as it reads ahead. */
    private BadFileException unknownBytes() throws IOException {
        CharsetDecoder decoder = decoder();
        ByteBuffer bytes = ByteBuffer.allocate(BUFFER);
        CharBuffer text = CharBuffer.allocate(BUFFER);
        long found = 1;
        boolean isOver = false;
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            while (!isOver) {
                boolean isEnd = channel.read(bytes) < 0;
                isOver = decoder.decode(bytes.flip(), text, isEnd).isError() || isEnd;
                found += text.flip().chars().filter(sign -> sign == '\n').count();
                text.clear();
                bytes.compact();
            }
        }
        return new BadFileException(found, UNKNOWN_BYTES);
    }

    private static ICSVParser parser(Format format) {
        if (format.rfc4180()) {
            return new RFC4180ParserBuilder()
                    .withSeparator(format.separator())
                    .withQuoteChar(format.quote())
                    .withFieldAsNull(format.nulls())
                    .build();
        }
        return new CSVParserBuilder()
                .withSeparator(format.separator())
                .withQuoteChar(format.quote())
                .withEscapeChar(format.escape())
                .withStrictQuotes(format.strictQuotes())
                .withIgnoreLeadingWhiteSpace(format.ignoreLeadingWhitespace())
                .withIgnoreQuotations(format.ignoreQuotations())
                .withFieldAsNull(format.nulls())
                .build();
    }
}
