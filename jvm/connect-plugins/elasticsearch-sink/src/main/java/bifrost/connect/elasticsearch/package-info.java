/**
 * The Elasticsearch sink: records become documents, in bulk requests.
 *
 * <p>{@link bifrost.connect.elasticsearch.DocumentFactory} makes documents of records,
 * {@link bifrost.connect.elasticsearch.BulkWriter} gathers, sends and repeats them, and an offset is committed only
 * after everything up to it was accepted. A replayed record finds its document there with the same version.
 */
package bifrost.connect.elasticsearch;
