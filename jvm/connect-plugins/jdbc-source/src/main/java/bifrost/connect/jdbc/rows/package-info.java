/** Rows of a result as records of Connect. */
package bifrost.connect.jdbc.rows;
