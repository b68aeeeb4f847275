-- The statements of customers.sql and ratings.sql as they are deployed, with the declared schemas.

--@test: a platinum customer with two stars or less makes an alert, three stars do not
RUN SCRIPT '../customers.sql';
RUN SCRIPT '../ratings.sql';
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME, EMAIL, CLUB_STATUS) VALUES (STRUCT(ID := 13), 13, 'Laney', 'ltoopinc@icio.us', 'platinum');
INSERT INTO RATINGS (RATING_ID, USER_ID, STARS, ROUTE_ID, RATING_TIME, CHANNEL, MESSAGE) VALUES (1, 13, 2, 7, 0, 'web', 'meh');
INSERT INTO RATINGS (RATING_ID, USER_ID, STARS, ROUTE_ID, RATING_TIME, CHANNEL, MESSAGE) VALUES (2, 13, 3, 7, 0, 'web', 'so so');
INSERT INTO RATINGS (RATING_ID, USER_ID, STARS, ROUTE_ID, RATING_TIME, CHANNEL, MESSAGE) VALUES (3, 13, 1, 7, 0, 'ios', 'worst. flight. ever.');
ASSERT VALUES UNHAPPY_PLATINUM_CUSTOMERS (USER_ID, CLUB_STATUS, EMAIL, STARS, MESSAGE) VALUES (13, 'platinum', 'ltoopinc@icio.us', 2, 'meh');
ASSERT VALUES UNHAPPY_PLATINUM_CUSTOMERS (USER_ID, CLUB_STATUS, EMAIL, STARS, MESSAGE) VALUES (13, 'platinum', 'ltoopinc@icio.us', 1, 'worst. flight. ever.');

--@test: other club members and unknown users make none
--@expected.error: java.lang.AssertionError
--@expected.message: Expected another record
RUN SCRIPT '../customers.sql';
RUN SCRIPT '../ratings.sql';
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME, EMAIL, CLUB_STATUS) VALUES (STRUCT(ID := 1), 1, 'Rica', 'rblaisdell0@rambler.ru', 'bronze');
INSERT INTO RATINGS (RATING_ID, USER_ID, STARS, ROUTE_ID, RATING_TIME, CHANNEL, MESSAGE) VALUES (1, 1, 1, 7, 0, 'web', 'bad');
INSERT INTO RATINGS (RATING_ID, USER_ID, STARS, ROUTE_ID, RATING_TIME, CHANNEL, MESSAGE) VALUES (2, 0, 1, 7, 0, 'web', 'nobody knows me');
ASSERT VALUES RATINGS_ENRICHED (USER_ID, RATING_ID, STARS, CLUB_STATUS) VALUES (1, 1, 1, 'bronze');
ASSERT VALUES UNHAPPY_PLATINUM_CUSTOMERS (USER_ID) VALUES (1);

--@test: a change of the customer reaches the next rating
RUN SCRIPT '../customers.sql';
RUN SCRIPT '../ratings.sql';
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME, EMAIL, CLUB_STATUS) VALUES (STRUCT(ID := 9), 9, 'Neha', 'neha@example.com', 'gold');
INSERT INTO RATINGS (RATING_ID, USER_ID, STARS, ROUTE_ID, RATING_TIME, CHANNEL, MESSAGE) VALUES (1, 9, 1, 7, 0, 'web', 'bad');
INSERT INTO CUSTOMERS_SRC (K, ID, FIRST_NAME, EMAIL, CLUB_STATUS) VALUES (STRUCT(ID := 9), 9, 'Neha', 'neha@example.com', 'platinum');
INSERT INTO RATINGS (RATING_ID, USER_ID, STARS, ROUTE_ID, RATING_TIME, CHANNEL, MESSAGE) VALUES (2, 9, 1, 7, 0, 'web', 'still bad');
ASSERT VALUES UNHAPPY_PLATINUM_CUSTOMERS (USER_ID, EMAIL, STARS, MESSAGE) VALUES (9, 'neha@example.com', 1, 'still bad');
