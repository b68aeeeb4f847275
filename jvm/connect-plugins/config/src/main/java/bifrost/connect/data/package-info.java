/** What the sinks share to read records. */
package bifrost.connect.data;
