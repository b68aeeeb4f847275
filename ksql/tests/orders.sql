-- The statements of customers.sql and orders.sql as they are deployed, with the declared schemas.

--@test: an order is joined to its customer, and one of an unknown customer stays with nulls
RUN SCRIPT '../customers.sql';
RUN SCRIPT '../orders.sql';
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME, LAST_NAME, EMAIL) VALUES (STRUCT(ID := 13), 13, 'Laney', 'Toopin', 'ltoopinc@icio.us');
INSERT INTO ORDERS (ORDER_ID, CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD) VALUES (1, 13, '2018-03-05T07:30:55Z', 'Wine - Sherry Dry Sack, William', '1.53');
INSERT INTO ORDERS (ORDER_ID, CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD) VALUES (200, 99999, '2018-03-13T01:50:53Z', 'Onions - Spanish', '9.44');
ASSERT VALUES ORDERS_ENRICHED (CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD, ID, FIRST_NAME, LAST_NAME, EMAIL) VALUES (13, '2018-03-05T07:30:55Z', 'Wine - Sherry Dry Sack, William', '1.53', 13, 'Laney', 'Toopin', 'ltoopinc@icio.us');
ASSERT VALUES ORDERS_ENRICHED (CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD, ID, FIRST_NAME, LAST_NAME, EMAIL) VALUES (99999, '2018-03-13T01:50:53Z', 'Onions - Spanish', '9.44', NULL, NULL, NULL, NULL);
