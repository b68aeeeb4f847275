/**
 * The S3 sink: every run of records of a partition becomes an object that is named after its first offset.
 *
 * <p>What ends an object follows from the records alone (but for schedules by the clock), and offsets are committed only
 * after the upload. So a task that starts again writes the same objects under the same names: exactly once.
 */
package bifrost.connect.s3;
