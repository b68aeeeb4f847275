# Creates the accounts when the database is initialized. The image's entrypoint sources this file, so its functions are available.
# READER_USER may read everything and follow the binary log (Debezium); APP_USER owns the database demo.

quoted() {
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\'\'}"
}

docker_process_sql --database=mysql <<SQL
CREATE USER $(quoted "$READER_USER")@'%' IDENTIFIED BY $(quoted "$READER_PASSWORD");
GRANT SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT, LOCK TABLES
  ON *.* TO $(quoted "$READER_USER")@'%';
CREATE USER $(quoted "$APP_USER")@'%' IDENTIFIED BY $(quoted "$APP_PASSWORD");
GRANT ALL PRIVILEGES ON demo.* TO $(quoted "$APP_USER")@'%';
SQL
