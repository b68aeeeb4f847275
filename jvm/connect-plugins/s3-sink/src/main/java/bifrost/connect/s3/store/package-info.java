/** The bucket: what the sink asks of it, and AWS's client behind it. */
package bifrost.connect.s3.store;
