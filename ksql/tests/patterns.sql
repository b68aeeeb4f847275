-- The patterns at their borders: what is just enough to be reported, and what is not.

--@test: the fourth attempt on a card within five minutes is a possible fraud, and so is the fifth
RUN SCRIPT '../patterns.sql';
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000200000, 'A', 1.0);
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000210000, 'A', 1.0);
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000220000, 'A', 1.0);
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000230000, 'A', 1.0);
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000499999, 'A', 1.0);
ASSERT VALUES possible_fraud (WINDOWSTART, WINDOWEND, card_number, attempts) VALUES (1600000200000, 1600000500000, 'A', 4);
ASSERT VALUES possible_fraud (WINDOWSTART, WINDOWEND, card_number, attempts) VALUES (1600000200000, 1600000500000, 'A', 5);

--@test: four attempts over the border of two windows are none
--@expected.error: java.lang.AssertionError
--@expected.message: Expected another record
RUN SCRIPT '../patterns.sql';
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000490000, 'B', 1.0);
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000495000, 'B', 1.0);
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000501000, 'B', 1.0);
INSERT INTO authorization_attempts (ROWTIME, card_number, amount) VALUES (1600000502000, 'B', 1.0);
ASSERT VALUES possible_fraud (card_number, attempts) VALUES ('B', 4);

--@test: the third error of a vehicle within a minute is a failure; other events do not count
RUN SCRIPT '../patterns.sql';
INSERT INTO vehicle_monitoring_stream (ROWTIME, vehicle, event_type) VALUES (1600000200000, 'V1', 'ERROR');
INSERT INTO vehicle_monitoring_stream (ROWTIME, vehicle, event_type) VALUES (1600000205000, 'V1', 'OK');
INSERT INTO vehicle_monitoring_stream (ROWTIME, vehicle, event_type) VALUES (1600000210000, 'V1', 'ERROR');
INSERT INTO vehicle_monitoring_stream (ROWTIME, vehicle, event_type) VALUES (1600000211000, 'V2', 'ERROR');
INSERT INTO vehicle_monitoring_stream (ROWTIME, vehicle, event_type) VALUES (1600000212000, 'V2', 'ERROR');
INSERT INTO vehicle_monitoring_stream (ROWTIME, vehicle, event_type) VALUES (1600000259000, 'V1', 'ERROR');
INSERT INTO vehicle_monitoring_stream (ROWTIME, vehicle, event_type) VALUES (1600000261000, 'V2', 'ERROR');
ASSERT VALUES failing_vehicles (WINDOWSTART, WINDOWEND, vehicle, errors) VALUES (1600000200000, 1600000260000, 'V1', 3);

--@test: more than three saturation events within five seconds
RUN SCRIPT '../patterns.sql';
INSERT INTO saturation_events (ROWTIME, device_id) VALUES (1600000200000, 'D');
INSERT INTO saturation_events (ROWTIME, device_id) VALUES (1600000201000, 'D');
INSERT INTO saturation_events (ROWTIME, device_id) VALUES (1600000202000, 'D');
INSERT INTO saturation_events (ROWTIME, device_id) VALUES (1600000204000, 'D');
ASSERT VALUES possible_malfunction (WINDOWSTART, WINDOWEND, device_id, events) VALUES (1600000200000, 1600000205000, 'D', 4);

--@test: only residential clients with a score over 750 qualify
RUN SCRIPT '../patterns.sql';
INSERT INTO clients (user_id, type, credit_score) VALUES (1, 'Residential', 751);
INSERT INTO clients (user_id, type, credit_score) VALUES (2, 'Residential', 750);
INSERT INTO clients (user_id, type, credit_score) VALUES (3, 'Commercial', 800);
INSERT INTO mortgages (client_id, city, action) VALUES (4, 'Leeds', 'apply');
INSERT INTO mortgages (client_id, city, action) VALUES (3, 'Leeds', 'apply');
INSERT INTO mortgages (client_id, city, action) VALUES (2, 'Leeds', 'apply');
INSERT INTO mortgages (client_id, city, action) VALUES (1, 'Leeds', 'apply');
ASSERT VALUES qualified_clients (client_id, city, action) VALUES (1, 'Leeds', 'apply');

--@test: a payment of an unknown user has no country
RUN SCRIPT '../patterns.sql';
INSERT INTO users_table (user_id, country) VALUES (1, 'UK');
INSERT INTO payments_stream (payment_id, user_id, total) VALUES (10, 1, 9.5);
INSERT INTO payments_stream (payment_id, user_id, total) VALUES (11, 2, 1.5);
ASSERT VALUES enriched_payments (user_id, payment_id, country, total) VALUES (1, 10, 'UK', 9.5);
ASSERT VALUES enriched_payments (user_id, payment_id, country, total) VALUES (2, 11, NULL, 1.5);

--@test: clicks of platinum users, and all clicks by user on the time of the click
RUN SCRIPT '../patterns.sql';
INSERT INTO users (user_id, country, level) VALUES (7, 'UK', 'Platinum');
INSERT INTO users (user_id, country, level) VALUES (8, 'UK', 'Gold');
INSERT INTO clickstream (user_id, page, action, view_time) VALUES (8, '/a', 'view', 1600000200000);
INSERT INTO clickstream (user_id, page, action, view_time) VALUES (7, '/b', 'buy', 1600000201000);
ASSERT VALUES clicks_from_vip_users (user_id, country, page, action) VALUES (7, 'UK', '/b', 'buy');
ASSERT VALUES clicks_by_user_id (ROWTIME, user_id, page, view_time) VALUES (1600000200000, 8, '/a', 1600000200000);
ASSERT VALUES clicks_by_user_id (ROWTIME, user_id, page, view_time) VALUES (1600000201000, 7, '/b', 1600000201000);

--@test: an order without a shipment for two hours is late
RUN SCRIPT '../patterns.sql';
INSERT INTO p_orders (ROWTIME, orderid, itemid) VALUES (1600000200000, 1, 11);
INSERT INTO p_orders (ROWTIME, orderid, itemid) VALUES (1600000200000, 2, 12);
INSERT INTO shipments (ROWTIME, orderid, shipmentid) VALUES (1600003800000, 1, 91);
INSERT INTO shipments (ROWTIME, orderid, shipmentid) VALUES (1600011000000, 3, 93);
INSERT INTO p_orders (ROWTIME, orderid, itemid) VALUES (1600021800000, 4, 14);
ASSERT VALUES late_orders (order_key, orderid, itemid) VALUES (2, 2, 12);

--@test: both channels are merged, and a day's sales of an item add up
RUN SCRIPT '../patterns.sql';
INSERT INTO sales_online (ROWTIME, itemId, price, shipmentId) VALUES (1600000200000, 5, 10, 1);
INSERT INTO sales_offline (ROWTIME, itemId, price, storeId) VALUES (1600000201000, 5, 7, 2);
INSERT INTO sales_offline (ROWTIME, itemId, price, storeId) VALUES (1600086600000, 5, 1, 2);
ASSERT VALUES all_sales (itemId, price) VALUES (5, 10);
ASSERT VALUES all_sales (itemId, price) VALUES (5, 7);
ASSERT VALUES all_sales (itemId, price) VALUES (5, 1);
ASSERT VALUES daily_sales_per_item (itemId, total) VALUES (5, 10);
ASSERT VALUES daily_sales_per_item (itemId, total) VALUES (5, 17);
ASSERT VALUES daily_sales_per_item (itemId, total) VALUES (5, 1);
