package bifrost.connect.avro;

/** Ends a wait when the worker stops. Connect makes dead letters of every exception, but not of an error. */
final class WorkerStoppedError extends Error {
    private static final long serialVersionUID = 1L;

    WorkerStoppedError(InterruptedException cause) {
        super("The worker stopped while a record waited for the schema registry; the next start reads it again.", cause);
    }
}
