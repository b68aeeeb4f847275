/** The database: connections, what differs between databases, and which tables exist. */
package bifrost.connect.jdbc.database;
