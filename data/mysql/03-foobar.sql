-- A table to poll with JDBC, beside customers, whose changes are captured.
CREATE TABLE foobar (
  foobar_pk INT AUTO_INCREMENT PRIMARY KEY,
  note VARCHAR(100)
) DEFAULT CHARSET = utf8mb4;

INSERT INTO foobar (note) VALUES ('polled, not captured'), ('rows that change or go are not noticed');
