/** The folders and the times of records. */
package bifrost.connect.s3.partition;
