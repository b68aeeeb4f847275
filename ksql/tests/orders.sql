-- The statements of customers.sql and orders.sql as they are deployed, with the declared schemas.

--@test: an order is joined to its customer, and one of an unknown customer stays with nulls
RUN SCRIPT '../customers.sql';
RUN SCRIPT '../orders.sql';
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME, LAST_NAME, EMAIL) VALUES (STRUCT(ID := 13), 13, 'Laney', 'Toopin', 'ltoopinc@icio.us');
INSERT INTO ORDERS (ORDER_ID, CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD) VALUES (1, 13, '2018-03-05T07:30:55Z', 'Wine - Sherry Dry Sack, William', '1.53');
INSERT INTO ORDERS (ORDER_ID, CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD) VALUES (200, 99999, '2018-03-13T01:50:53Z', 'Onions - Spanish', '9.44');
ASSERT VALUES ORDERS_ENRICHED (CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD, ID, FIRST_NAME, LAST_NAME, EMAIL) VALUES (13, '2018-03-05T07:30:55Z', 'Wine - Sherry Dry Sack, William', '1.53', 13, 'Laney', 'Toopin', 'ltoopinc@icio.us');
ASSERT VALUES ORDERS_ENRICHED (CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD, ID, FIRST_NAME, LAST_NAME, EMAIL) VALUES (99999, '2018-03-13T01:50:53Z', 'Onions - Spanish', '9.44', NULL, NULL, NULL, NULL);

--@test: an order has the values that its customer had at that time
RUN SCRIPT '../customers.sql';
RUN SCRIPT '../orders.sql';
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME) VALUES (STRUCT(ID := 1), 1, 'Bob');
INSERT INTO ORDERS (ORDER_ID, CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD) VALUES (1, 1, '2018-03-05T07:30:55Z', 'Tea', '1.53');
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME) VALUES (STRUCT(ID := 1), 1, 'Bob2');
INSERT INTO ORDERS (ORDER_ID, CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD) VALUES (2, 1, '2018-03-05T07:30:55Z', 'Tea', '1.53');
ASSERT VALUES ORDERS_ENRICHED (CUSTOMER_ID, PRODUCT, ID, FIRST_NAME) VALUES (1, 'Tea', 1, 'Bob');
ASSERT VALUES ORDERS_ENRICHED (CUSTOMER_ID, PRODUCT, ID, FIRST_NAME) VALUES (1, 'Tea', 1, 'Bob2');

--@test: numbers and times keep the file's text, and a text keeps its line breaks
RUN SCRIPT '../customers.sql';
RUN SCRIPT '../orders.sql';
INSERT INTO ORDERS (ORDER_ID, CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD) VALUES (3, 1, 'last Monday', 'two
lines', '007.500');
ASSERT VALUES ORDERS_ENRICHED (CUSTOMER_ID, ORDER_TS, PRODUCT, ORDER_TOTAL_USD, ID) VALUES (1, 'last Monday', 'two
lines', '007.500', NULL);
