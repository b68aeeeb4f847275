package bifrost.connect.avro;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.apicurio.registry.rest.client.exception.RestClientException;
import io.apicurio.registry.rest.v2.beans.Error;
import io.apicurio.rest.client.auth.exception.NotAuthorizedException;
import java.io.EOFException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Test;

/** What the log says about an outage, and what is none. */
class RegistryFailureTest {
    @Test
    void theReasonOfAnOutageIsTheStatusOrTheNameOfTheFailure() {
        assertEquals("ConnectException", RegistryFailure.reason(answer("ConnectException", null)));
        assertEquals("HTTP 503", RegistryFailure.reason(new RuntimeException(answer(null, 503))));
        assertEquals("NotAuthorizedException", RegistryFailure.reason(new NotAuthorizedException("no")));
    }

    @Test
    void anAnswerAboutTheRecordIsNoOutage() {
        assertTrue(RegistryFailure.isOutage(answer(null, 500)));
        assertFalse(RegistryFailure.isOutage(answer("ContentNotFoundException", 404)));
        assertFalse(RegistryFailure.isOutage(answer(null, null)));
        assertFalse(RegistryFailure.isOutage(new UncheckedIOException(new EOFException())));
    }

    private static RestClientException answer(String name, Integer status) {
        Error error = new Error();
        error.setName(name);
        error.setErrorCode(status);
        return new RestClientException(error);
    }
}
