-- The query patterns of the documents: counting in windows, joins, merging streams. All values are JSON.
SET 'auto.offset.reset' = 'earliest';

-- Fraud: more than three attempts on one card within five minutes.
CREATE STREAM authorization_attempts (card_number VARCHAR, amount DOUBLE)
  WITH (KAFKA_TOPIC='authorization_attempts', VALUE_FORMAT='JSON');
CREATE TABLE possible_fraud AS
  SELECT card_number, COUNT(*) AS attempts
  FROM authorization_attempts
  WINDOW TUMBLING (SIZE 5 MINUTES)
  GROUP BY card_number
  HAVING COUNT(*) > 3
  EMIT CHANGES;

-- Vehicles: at least three errors within a minute.
CREATE STREAM vehicle_monitoring_stream (vehicle VARCHAR, event_type VARCHAR)
  WITH (KAFKA_TOPIC='vehicle_monitoring', VALUE_FORMAT='JSON');
CREATE TABLE failing_vehicles AS
  SELECT vehicle, COUNT(*) AS errors
  FROM vehicle_monitoring_stream
  WINDOW TUMBLING (SIZE 1 MINUTE)
  WHERE event_type = 'ERROR'
  GROUP BY vehicle
  HAVING COUNT(*) >= 3
  EMIT CHANGES;

-- Devices: more than three saturation events within five seconds.
CREATE STREAM saturation_events (device_id VARCHAR)
  WITH (KAFKA_TOPIC='saturation_events', VALUE_FORMAT='JSON');
CREATE TABLE possible_malfunction AS
  SELECT device_id, COUNT(*) AS events
  FROM saturation_events
  WINDOW TUMBLING (SIZE 5 SECONDS)
  GROUP BY device_id
  HAVING COUNT(*) > 3
  EMIT CHANGES;

-- Mortgages: clients with enough credit for a house.
CREATE STREAM mortgages (client_id INT, city VARCHAR, action VARCHAR)
  WITH (KAFKA_TOPIC='mortgages', VALUE_FORMAT='JSON');
CREATE TABLE clients (user_id INT PRIMARY KEY, type VARCHAR, credit_score INT)
  WITH (KAFKA_TOPIC='clients', VALUE_FORMAT='JSON');
CREATE STREAM qualified_clients AS
  SELECT m.client_id AS client_id, m.city AS city, m.action AS action
  FROM mortgages m
  LEFT JOIN clients c ON m.client_id = c.user_id
  WHERE c.type = 'Residential' AND c.credit_score > 750
  EMIT CHANGES;

-- Payments with the country of the user; payments of unknown users are kept.
CREATE STREAM payments_stream (payment_id BIGINT, user_id INT, total DOUBLE)
  WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON');
CREATE TABLE users_table (user_id INT PRIMARY KEY, country VARCHAR)
  WITH (KAFKA_TOPIC='users_table', VALUE_FORMAT='JSON');
CREATE STREAM enriched_payments AS
  SELECT p.user_id AS user_id, p.payment_id AS payment_id, u.country AS country, p.total AS total
  FROM payments_stream p
  LEFT JOIN users_table u ON p.user_id = u.user_id
  EMIT CHANGES;

-- Clicks: those of the best customers, and all clicks by user, with the time of the click.
CREATE STREAM clickstream
  (user_id INT, page VARCHAR, action VARCHAR, status INT, bytes BIGINT, user_agent VARCHAR, view_time BIGINT)
  WITH (KAFKA_TOPIC='clickstream', VALUE_FORMAT='JSON');
CREATE TABLE users (user_id INT PRIMARY KEY, country VARCHAR, level VARCHAR)
  WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON');
CREATE STREAM clicks_from_vip_users AS
  SELECT c.user_id AS user_id, u.country AS country, c.page AS page, c.action AS action
  FROM clickstream c
  LEFT JOIN users u ON c.user_id = u.user_id
  WHERE u.level = 'Platinum'
  EMIT CHANGES;
-- lint: ignore BF510
CREATE STREAM clicks_by_user_id
  WITH (PARTITIONS=6, TIMESTAMP='view_time', VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS
  SELECT * FROM clickstream
  PARTITION BY user_id
  EMIT CHANGES;

-- Orders that were not shipped within two hours. The prefix distinguishes them from the orders of other pipelines. With
-- a grace period, the join reports an order after its window; without one, it would report every order as late at first.
CREATE STREAM p_orders (orderid BIGINT KEY, itemid BIGINT)
  WITH (KAFKA_TOPIC='p_orders', VALUE_FORMAT='JSON');
CREATE STREAM shipments (orderid BIGINT KEY, shipmentid BIGINT)
  WITH (KAFKA_TOPIC='p_shipments', VALUE_FORMAT='JSON');
CREATE STREAM late_orders AS
  SELECT ROWKEY AS order_key, o.orderid AS orderid, o.itemid AS itemid
  FROM p_orders o
  FULL OUTER JOIN shipments s WITHIN 2 HOURS GRACE PERIOD 1 MINUTE ON s.orderid = o.orderid
  WHERE s.orderid IS NULL
  EMIT CHANGES;

-- Sales of both channels in one stream, and the revenue of each item per day.
CREATE STREAM sales_online (itemId BIGINT, price INT, shipmentId BIGINT)
  WITH (KAFKA_TOPIC='sales_online', VALUE_FORMAT='JSON');
CREATE STREAM sales_offline (itemId BIGINT, price INT, storeId BIGINT)
  WITH (KAFKA_TOPIC='sales_offline', VALUE_FORMAT='JSON');
CREATE STREAM all_sales (itemId BIGINT, price INT)
  WITH (KAFKA_TOPIC='all_sales', VALUE_FORMAT='JSON');
INSERT INTO all_sales SELECT itemId, price FROM sales_online EMIT CHANGES;
INSERT INTO all_sales SELECT itemId, price FROM sales_offline EMIT CHANGES;
CREATE TABLE daily_sales_per_item AS
  SELECT itemId, SUM(price) AS total
  FROM all_sales
  WINDOW TUMBLING (SIZE 1 DAY)
  GROUP BY itemId
  EMIT CHANGES;
