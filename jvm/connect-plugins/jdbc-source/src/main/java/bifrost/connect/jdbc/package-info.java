/**
 * The JDBC source: polls tables or a statement of a database, and writes the rows that are new since the last poll. Polling
 * sees neither deleted rows nor the states of a row between two polls.
 */
package bifrost.connect.jdbc;
