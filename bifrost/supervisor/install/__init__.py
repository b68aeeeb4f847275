"""Installing what the platform needs: system packages (a table), the JVM parts and our Connect plugins (by Maven)."""
