/**
 * Reads the CSV files that are dropped into a folder, row by row, and moves each away when its rows are safe in Kafka.
 * Understands the configuration of {@code com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector}.
 */
package bifrost.connect.spooldir;
