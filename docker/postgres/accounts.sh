# Creates the connectors' account when the database is initialized. The image's entrypoint sources this file before the SQL
# files. READER_USER may follow changes (Debezium) and has the role to which those files grant rights.

quoted() {
  printf "'%s'" "${1//\'/\'\'}"
}

docker_process_sql <<SQL
CREATE ROLE connectors;
CREATE ROLE "${READER_USER//\"/\"\"}" LOGIN REPLICATION IN ROLE connectors PASSWORD $(quoted "$READER_PASSWORD");
SQL
