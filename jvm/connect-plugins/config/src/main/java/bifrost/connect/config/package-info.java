/** How plugins define their keys. */
package bifrost.connect.config;
