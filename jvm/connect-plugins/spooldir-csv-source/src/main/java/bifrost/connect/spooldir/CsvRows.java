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
import com.opencsv.validators.LineValidator;
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

/** Reads the rows of a file one by one, without loading the file into memory. */
final class CsvRows implements Closeable {
    private static final int BUFFER = 1 << 17;
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    /** Bounds a row, so that a quote that is never closed does not load the rest of a large file into memory. */
    private static final int MAX_LINES_PER_ROW = 10_000;

    private static final String INVALID_BYTES = "has bytes that are not valid in file.charset";

    private final Path file;
    private final Format format;
    private final CSVReader reader;
    private long line;
    private String lastLine = "";

    CsvRows(Path file, Format format) throws IOException, BadFileException {
        this.file = file;
        this.format = format;
        reader = new CSVReaderBuilder(text())
                .withCSVParser(parser(format))
                .withSkipLines(format.skipLines())
                .withKeepCarriageReturn(format.keepCarriageReturn())
                .withMultilineLimit(MAX_LINES_PER_ROW)
                .withVerifyReader(false)
                .withLineValidator(new LastLine())
                .build();
    }

    /** The next row that is not a blank line; {@code null} at the end of the file. */
    String[] next() throws IOException, BadFileException {
        String[] row;
        do {
            line = Math.max(format.skipLines(), reader.getLinesRead()) + 1;
            row = read();
        } while (row != null && lastLine.isBlank());
        return row;
    }

    /** The line of the file, counted from 1, on which the latest row begins. */
    long line() {
        return line;
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }

    /** Remembers each line as it is in the file: {@code ""} gives the same row as a blank line, but is not one. */
    private final class LastLine implements LineValidator {
        @Override
        public boolean isValid(String text) {
            lastLine = text == null ? "" : text;
            return true;
        }

        @Override
        public void validate(String text) {
            isValid(text);
        }
    }

    private String[] read() throws IOException, BadFileException {
        try {
            return reader.readNext();
        } catch (CsvMultilineLimitBrokenException problem) {
            throw new BadFileException(line, "a quote is not closed within " + MAX_LINES_PER_ROW + " lines");
        } catch (CsvMalformedLineException problem) {
            throw new BadFileException(line, "a quote is not closed before the end of the file");
        } catch (CharacterCodingException problem) {
            throw invalidBytes();
        } catch (LineTooLongException problem) {
            throw new BadFileException(line, "is longer than " + BoundedLines.MAX_LINE_CHARACTERS + " characters");
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
            throw invalidBytes();
        }
    }

    private CharsetDecoder decoder() {
        return format.charset()
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
    }

    /** Finds the line with the invalid bytes. The reader cannot name it, because it reads ahead. */
    private BadFileException invalidBytes() throws IOException {
        CharsetDecoder decoder = decoder();
        ByteBuffer bytes = ByteBuffer.allocate(BUFFER);
        CharBuffer text = CharBuffer.allocate(BUFFER);
        long badLine = 1;
        boolean isOver = false;
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            while (!isOver) {
                boolean isEnd = channel.read(bytes) < 0;
                isOver = decoder.decode(bytes.flip(), text, isEnd).isError() || isEnd;
                badLine += text.flip().chars().filter(character -> character == '\n').count();
                text.clear();
                bytes.compact();
            }
        }
        return new BadFileException(badLine, INVALID_BYTES);
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
