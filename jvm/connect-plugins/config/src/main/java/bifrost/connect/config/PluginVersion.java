package bifrost.connect.config;

/** The version that all plugins report to the worker. */
public final class PluginVersion {
    public static final String VERSION = "1";

    private PluginVersion() {}
}
