package bifrost.connect.spooldir;

/** A file has an error, for which it goes to {@code error.path}; the message names the line and the cause. */
final class BadFileException extends Exception {
    BadFileException(long line, String cause) {
        super("line " + line + ": " + cause);
    }
}
