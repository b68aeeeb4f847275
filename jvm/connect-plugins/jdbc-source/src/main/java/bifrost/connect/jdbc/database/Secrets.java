package bifrost.connect.jdbc.database;

import bifrost.connect.jdbc.config.JdbcSourceConfig.Connecting;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Removes the passwords of a configuration from texts: drivers repeat URLs and properties in their messages. */
final class Secrets {
    private static final String HIDDEN = "********";
    private static final Pattern SECRET_NAME = Pattern.compile("pass|pwd|secret|token", Pattern.CASE_INSENSITIVE);
    private static final Pattern PARAMETER = Pattern.compile("[?&;]([^=&;?]+)=([^&;]*)");
    private static final Pattern USER_INFO = Pattern.compile("//[^/@:?]*:([^/?]*)@");

    private final Set<String> values = new LinkedHashSet<>();
    private final String place;

    Secrets(Connecting connecting) {
        connecting.properties().forEach((name, value) -> addIfSecret(name, value));
        Matcher parameters = PARAMETER.matcher(connecting.url());
        while (parameters.find()) {
            addIfSecret(parameters.group(1), parameters.group(2));
        }
        Matcher user = USER_INFO.matcher(connecting.url());
        if (user.find()) {
            add(user.group(1));
        }
        place = USER_INFO.matcher(connecting.url().replaceFirst("[?;].*", "")).replaceFirst("//");
    }

    /** The URL up to its parameters, without a user. */
    String place() {
        return place;
    }

    /** A text without the passwords. */
    String hide(String text) {
        String hidden = text;
        for (String value : values) {
            hidden = hidden.replace(value, HIDDEN);
        }
        return hidden;
    }

    private void addIfSecret(String name, String value) {
        if (SECRET_NAME.matcher(name.toLowerCase(Locale.ROOT)).find()) {
            add(value);
        }
    }

    private void add(String value) {
        if (!value.isEmpty()) {
            values.add(value);
            try {
                values.add(URLDecoder.decode(value, StandardCharsets.UTF_8));
            } catch (IllegalArgumentException notEncoded) {
                // The value as it is has been added.
            }
        }
    }
}
