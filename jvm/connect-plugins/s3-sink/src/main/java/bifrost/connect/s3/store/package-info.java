/** The bucket: the operations that the sink needs, and their implementation with the AWS client. */
package bifrost.connect.s3.store;
