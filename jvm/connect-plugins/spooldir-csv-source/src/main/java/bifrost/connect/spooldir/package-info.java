/**
 * Reads the CSV files of a folder row by row and moves each file to another folder when its rows are in Kafka. Accepts
 * the configuration of {@code com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector}.
 */
package bifrost.connect.spooldir;
