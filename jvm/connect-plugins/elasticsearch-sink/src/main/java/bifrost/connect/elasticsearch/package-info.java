/**
 * The Elasticsearch sink: records become documents, in bulk requests.
 *
 * <p>{@link bifrost.connect.elasticsearch.DocumentFactory} converts records to documents,
 * {@link bifrost.connect.elasticsearch.BulkWriter} batches, sends and retries them. An offset is committed only after
 * every document up to it was answered. A replayed record finds its document with the same version and changes nothing.
 */
package bifrost.connect.elasticsearch;
