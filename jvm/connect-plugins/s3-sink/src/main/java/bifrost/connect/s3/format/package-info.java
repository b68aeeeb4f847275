/**
 * The formats of objects. The same records always give the same bytes.
 *
 * <p>Avro schemas are created here and not by the AvroData of a converter: AvroData replaces nulls by defaults, refuses
 * names that Avro does not allow, and writes two nested schemas of one name as if they were one.
 */
package bifrost.connect.s3.format;
