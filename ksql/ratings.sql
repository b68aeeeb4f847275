-- Ratings by users of the app, enriched with the customer, and an alert for bad reviews by important customers.
-- Reads the table of customers.sql.
SET 'auto.offset.reset' = 'earliest';

-- As the web app produces them; the columns come from the schema registry.
CREATE STREAM RATINGS WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');

-- Ratings of unknown customers are dropped, because no one can be contacted. A JSON key is readable text.
CREATE STREAM RATINGS_ENRICHED
  WITH (KAFKA_TOPIC='ratings-with-customer-data', PARTITIONS=1, KEY_FORMAT='JSON', VALUE_FORMAT='AVRO') AS
  SELECT R.USER_ID AS USER_ID, R.RATING_ID AS RATING_ID, R.CHANNEL AS CHANNEL, R.STARS AS STARS, R.MESSAGE AS MESSAGE,
         C.ID AS ID, C.CLUB_STATUS AS CLUB_STATUS, C.EMAIL AS EMAIL, C.FIRST_NAME AS FIRST_NAME,
         C.LAST_NAME AS LAST_NAME
  FROM RATINGS R
  LEFT JOIN CUSTOMERS C ON R.USER_ID = C.ID
  WHERE C.FIRST_NAME IS NOT NULL
  EMIT CHANGES;

-- Three stars are not a bad review. JSON, so that any consumer can read the alert without a registry.
CREATE STREAM UNHAPPY_PLATINUM_CUSTOMERS
  WITH (VALUE_FORMAT='JSON', KEY_FORMAT='JSON', PARTITIONS=1) AS
  SELECT USER_ID, CLUB_STATUS, EMAIL, STARS, MESSAGE
  FROM RATINGS_ENRICHED
  WHERE STARS < 3 AND CLUB_STATUS = 'platinum'
  EMIT CHANGES;
