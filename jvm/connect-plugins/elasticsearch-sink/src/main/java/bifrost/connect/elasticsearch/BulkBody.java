package bifrost.connect.elasticsearch;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** Builds the body of a bulk request: for each document a line with the action and a line with the source. */
final class BulkBody {
    private static final JsonFactory FACTORY = new JsonFactory();
    private static final byte[] UPDATE_BEGIN = "{\"doc\":".getBytes(StandardCharsets.UTF_8);
    private static final byte[] UPDATE_END = ",\"doc_as_upsert\":true}".getBytes(StandardCharsets.UTF_8);
    private static final int UPDATE_CONFLICT_RETRIES = 5;

    private BulkBody() {}

    static byte[] of(List<Document> documents) {
        ByteArrayOutputStream body = new ByteArrayOutputStream(documents.stream().mapToInt(Document::bytes).sum());
        for (Document document : documents) {
            writeAction(body, document);
            body.write('\n');
            if (document.source() != null) {
                writeSource(body, document);
                body.write('\n');
            }
        }
        return body.toByteArray();
    }

    private static void writeAction(ByteArrayOutputStream body, Document document) {
        try (JsonGenerator out = FACTORY.createGenerator(body)) {
            out.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            out.writeStartObject();
            out.writeObjectFieldStart(document.action().name().toLowerCase(Locale.ROOT));
            out.writeStringField("_index", document.index());
            out.writeStringField("_id", document.id());
            if (document.version() != Document.NO_VERSION) {
                out.writeNumberField("version", document.version());
                out.writeStringField("version_type", "external");
            }
            if (document.action() == Document.Action.UPDATE) {
                out.writeNumberField("retry_on_conflict", UPDATE_CONFLICT_RETRIES);
            }
            out.writeEndObject();
            out.writeEndObject();
        } catch (IOException impossible) { // the stream is in memory
            throw new UncheckedIOException(impossible);
        }
    }

    private static void writeSource(ByteArrayOutputStream body, Document document) {
        boolean isUpdate = document.action() == Document.Action.UPDATE;
        if (isUpdate) {
            body.writeBytes(UPDATE_BEGIN);
        }
        body.writeBytes(document.source());
        if (isUpdate) {
            body.writeBytes(UPDATE_END);
        }
    }
}
