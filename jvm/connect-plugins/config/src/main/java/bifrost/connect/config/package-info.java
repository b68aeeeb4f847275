/** What the plugins share: the definition of keys, the base of the sink connectors, the version. */
package bifrost.connect.config;
