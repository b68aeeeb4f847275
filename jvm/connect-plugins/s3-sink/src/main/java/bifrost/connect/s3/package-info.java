/**
 * The S3 sink. Consecutive records of a partition become an object that is named after its first offset.
 *
 * <p>The records alone decide where an object ends (except for schedules by the clock), and offsets are committed only
 * after the upload. A restarted task therefore writes the same objects under the same names: exactly once.
 */
package bifrost.connect.s3;
