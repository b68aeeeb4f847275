package bifrost.connect.spooldir;

/** A file cannot be read as it is; the message names the line and the cause. */
final class BadFileException extends Exception {
    BadFileException(long line, String cause) {
        super("line " + line + ": " + cause);
    }
}
