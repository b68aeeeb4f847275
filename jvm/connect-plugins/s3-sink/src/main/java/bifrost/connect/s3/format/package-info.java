/** The formats of objects. The same records always give the same bytes. */
package bifrost.connect.s3.format;
