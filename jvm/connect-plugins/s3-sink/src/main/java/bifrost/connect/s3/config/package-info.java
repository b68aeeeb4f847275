/** The keys of the S3 sink and their typed values. */
package bifrost.connect.s3.config;
