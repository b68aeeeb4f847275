/** The keys of the connector and what they mean together. */
package bifrost.connect.jdbc.config;
