-- Customers: reference data for ratings and orders, kept up to date by CDC from MySQL's table demo.CUSTOMERS.
SET 'auto.offset.reset' = 'earliest';

-- The change stream as Debezium writes it: the key is a struct, and a deleted row is a tombstone with its key.
-- The value columns come from the schema registry.
CREATE STREAM CUSTOMERS_SRC (K STRUCT<ID INT> KEY)
  WITH (KAFKA_TOPIC='asgard.demo.CUSTOMERS', KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO');

-- Keyed by the id alone, in one partition like the ratings that join it. The id comes from the key, not from the value,
-- so that a tombstone keeps its key and the deleted customer leaves the table.
CREATE STREAM CUSTOMERS_SRC_REKEY
  WITH (KAFKA_TOPIC='CUSTOMERS_SRC_REKEY', PARTITIONS=1, KEY_FORMAT='JSON', VALUE_FORMAT='AVRO') AS
  SELECT K->ID AS ID, FIRST_NAME, LAST_NAME, EMAIL, GENDER, CLUB_STATUS, COMMENTS, CREATE_TS, UPDATE_TS,
         MESSAGETOPIC, MESSAGESOURCE
  FROM CUSTOMERS_SRC
  PARTITION BY K->ID
  EMIT CHANGES;

-- The latest state of every customer.
CREATE TABLE CUSTOMERS (ID INT PRIMARY KEY)
  WITH (KAFKA_TOPIC='CUSTOMERS_SRC_REKEY', KEY_FORMAT='JSON', VALUE_FORMAT='AVRO');
