/** The worker's default converter, which waits for a schema registry that is unavailable. */
package bifrost.connect.avro;
