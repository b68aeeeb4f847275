package bifrost.connect.s3.format;

import java.io.OutputStream;
import org.apache.kafka.connect.data.Schema;

/** A form of objects. */
public interface Format {
    /** How names of objects end, with the dot. */
    String extension();

    /**
     * Begins an object.
     *
     * @param name the object's; formats that need something random make it of the name
     * @param schema of its values; {@code null} where values have none
     */
    RecordWriter open(String name, Schema schema, OutputStream out);
}
