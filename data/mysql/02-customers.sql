-- Customers 1 to 19; ratings also come from user 0, who is no customer. Rows that are there already stay as they are.
USE demo;

INSERT IGNORE INTO CUSTOMERS (id, first_name, last_name, email, gender, club_status, comments) VALUES
  (1, 'Rica', 'Blaisdell', 'rblaisdell0@rambler.ru', 'Female', 'bronze', 'Universal optimal hierarchy'),
  (2, 'Jonas', 'Lindqvist', 'jlindqvist@example.org', 'Male', 'gold', 'Prefers an aisle seat'),
  (3, 'Amara', 'Okafor', 'amara.okafor@example.com', 'Female', 'silver', 'Vegetarian meals'),
  (4, 'Tomás', 'Herrera', 'therrera@example.net', 'Male', 'bronze', 'Joined at the airport'),
  (5, 'Yuki', 'Tanabe', 'yuki.tanabe@example.com', 'Female', 'platinum', 'Weekly commuter'),
  (6, 'Niamh', 'Gallagher', 'niamh.g@example.org', 'Female', 'silver', 'Travels with a cello'),
  (7, 'Piotr', 'Zawada', 'pzawada@example.net', 'Male', 'bronze', 'Newsletter only'),
  (8, 'Leïla', 'Benali', 'lbenali@example.com', 'Female', 'gold', 'Family account'),
  (9, 'Neha', 'Raman', 'neha.raman@example.com', 'Female', 'platinum', 'Palo Alto office'),
  (10, 'Oskar', 'Weiss', 'oweiss@example.org', 'Male', 'silver', 'Late check-in'),
  (11, 'Grace', 'Mbeki', 'grace.mbeki@example.net', 'Female', 'bronze', 'Student fare'),
  (12, 'Hamish', 'Drummond', 'hdrummond@example.com', 'Male', 'gold', 'Lounge access'),
  (13, 'Laney', 'Toopin', 'ltoopinc@icio.us', 'Female', 'platinum', 'Phased coherent alliance'),
  (14, 'Isabelita', 'Talboy', 'italboyd@imageshack.us', 'Female', 'platinum', 'Cloned transitional synergy'),
  (15, 'Mateo', 'Ferrari', 'mferrari@example.org', 'Male', 'silver', 'Pays by invoice'),
  (16, 'Ingrid', 'Solberg', 'ingrid.solberg@example.net', 'Female', 'bronze', 'Flies twice a year'),
  (17, 'Kwame', 'Boateng', 'kboateng@example.com', 'Male', 'gold', 'Window seat, always'),
  (18, 'Zofia', 'Nowicka', 'znowicka@example.org', 'Female', 'platinum', 'Upgraded in spring'),
  (19, 'Rafael', 'Duarte', 'rduarte@example.net', 'Male', 'silver', 'Complained once, was right');
