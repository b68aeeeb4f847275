package bifrost.connect.s3.format;

import java.io.OutputStream;
import org.apache.kafka.connect.data.Schema;

/** The format of the objects in the bucket. */
public interface Format {
    /** The file extension of objects, with the dot. */
    String extension();

    /**
     * Starts an object.
     *
     * @param name the name of the object; a format that needs random bytes derives them from it
     * @param schema the schema of its values; {@code null} for values without a schema
     */
    RecordWriter open(String name, Schema schema, OutputStream out);
}
