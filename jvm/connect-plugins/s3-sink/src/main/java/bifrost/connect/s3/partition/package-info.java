/** Which folder a record belongs in, and which time it has. */
package bifrost.connect.s3.partition;
