/**
 * The Elasticsearch sink: records become documents, in bulk requests.
 *
 * <p>{@link bifrost.connect.elasticsearch.DocumentFactory} converts records to documents,
 * {@link bifrost.connect.elasticsearch.BulkWriter} batches, sends and retries them. An offset is committed only after
 * every document up to it was answered. A replayed record finds its document with the same version and changes nothing.
 *
 * <p>Bulk requests are managed here and not by the BulkIngester of Elasticsearch's client: that client accepts
 * Elasticsearch only, not OpenSearch, and its ingester reports requests as they finish, while offsets need the order of
 * the records.
 */
package bifrost.connect.elasticsearch;
