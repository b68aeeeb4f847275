"""Running components as child processes: the decisions (`supervisor`), their effects (`daemon`), and their tools."""
