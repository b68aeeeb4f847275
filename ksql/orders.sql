-- Orders: CSV files from a folder, enriched with the customer. Reads the table of customers.sql.
SET 'auto.offset.reset' = 'earliest';

-- As the CSV source writes them; the columns come from the schema registry.
CREATE STREAM ORDERS WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='AVRO');

-- Keyed like the customers: their id is an INT, while the file's customer_id is read as a BIGINT.
CREATE STREAM ORDERS_BY_CUSTOMER
  WITH (PARTITIONS=1, KEY_FORMAT='JSON', VALUE_FORMAT='AVRO') AS
  SELECT CAST(CUSTOMER_ID AS INT) AS CUSTOMER_ID, ORDER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD
  FROM ORDERS
  PARTITION BY CAST(CUSTOMER_ID AS INT)
  EMIT CHANGES;

-- An order of an unknown customer is kept, without a name.
CREATE STREAM ORDERS_ENRICHED
  WITH (PARTITIONS=1, KEY_FORMAT='JSON', VALUE_FORMAT='AVRO') AS
  SELECT O.CUSTOMER_ID AS CUSTOMER_ID, O.ORDER_TS AS ORDER_TS, O.PRODUCT AS PRODUCT,
         O.ORDER_TOTAL_USD AS ORDER_TOTAL_USD, C.ID AS ID, C.FIRST_NAME AS FIRST_NAME, C.LAST_NAME AS LAST_NAME,
         C.EMAIL AS EMAIL
  FROM ORDERS_BY_CUSTOMER O
  LEFT OUTER JOIN CUSTOMERS C ON O.CUSTOMER_ID = C.ID
  EMIT CHANGES;
