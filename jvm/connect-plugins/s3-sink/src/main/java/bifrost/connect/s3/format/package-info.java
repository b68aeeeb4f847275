/** What objects look like inside. Equal records give equal bytes. */
package bifrost.connect.s3.format;
