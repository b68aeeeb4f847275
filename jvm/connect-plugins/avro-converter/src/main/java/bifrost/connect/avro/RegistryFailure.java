package bifrost.connect.avro;

import io.apicurio.registry.rest.client.exception.RateLimitedClientException;
import io.apicurio.registry.rest.client.exception.RestClientException;
import io.apicurio.rest.client.auth.exception.AuthException;
import io.apicurio.rest.client.auth.exception.ForbiddenException;
import io.apicurio.rest.client.auth.exception.NotAuthorizedException;
import java.io.IOException;
import java.util.Set;
import java.util.stream.Stream;

/** Decides whether a conversion failed because of the registry or because of the record. */
final class RegistryFailure {
    private static final Set<Class<?>> OUTAGES =
            Set.of(
                    AuthException.class,
                    ForbiddenException.class,
                    NotAuthorizedException.class,
                    RateLimitedClientException.class);
    private static final int REQUEST_TIMEOUT = 408;
    private static final int FIRST_SERVER_ERROR = 500;

    private RegistryFailure() {}

    /**
     * Whether the registry did not answer, or answered that it cannot serve now: HTTP 5xx, 408, 429. A refused login
     * (401, 403) counts too, because it says nothing about the record.
     */
    static boolean isOutage(Throwable failure) {
        return causes(failure).anyMatch(RegistryFailure::isOutageItself);
    }

    /**
     * Whether reading failed. The client throws this when a connection closes in the middle of an answer, and Avro
     * when a record ends too early.
     */
    static boolean isBrokenRead(Throwable failure) {
        return causes(failure).anyMatch(IOException.class::isInstance);
    }

    /** Why the registry did not serve, for the log: {@code ConnectException}, {@code HTTP 503}. */
    static String reason(Throwable outage) {
        Throwable cause = causes(outage).filter(RegistryFailure::isOutageItself).findFirst().orElse(outage);
        if (!(cause instanceof RestClientException answer) || answer.getError() == null) {
            return cause.getClass().getSimpleName();
        }
        Integer status = answer.getError().getErrorCode();
        return status == null ? answer.getError().getName() : "HTTP " + status;
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, cause -> cause != null, Throwable::getCause);
    }

    private static boolean isOutageItself(Throwable cause) {
        if (OUTAGES.contains(cause.getClass())) {
            return true;
        }
        if (!(cause instanceof RestClientException answer) || answer.getError() == null) {
            return false;
        }
        Integer status = answer.getError().getErrorCode();
        if (status == null) {
            // The client puts an IOException's name here and drops the exception. The error of an answer is of a subclass.
            return answer.getClass() == RestClientException.class && answer.getError().getName() != null;
        }
        return status >= FIRST_SERVER_ERROR || status == REQUEST_TIMEOUT;
    }
}
