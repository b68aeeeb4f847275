# Makes the connectors' account when the database is first set up. The image's entrypoint reads this file in, with its own
# functions, before the SQL files: READER_USER may follow changes (Debezium), and has the role that those files grant to.

quoted() {
  printf "'%s'" "${1//\'/\'\'}"
}

docker_process_sql <<SQL
CREATE ROLE connectors;
CREATE ROLE "${READER_USER//\"/\"\"}" LOGIN REPLICATION IN ROLE connectors PASSWORD $(quoted "$READER_PASSWORD");
SQL
