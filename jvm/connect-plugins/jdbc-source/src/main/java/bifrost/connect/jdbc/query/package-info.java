/** Statements that find new rows, and the positions that they continue from. */
package bifrost.connect.jdbc.query;
