-- Enough to see every part at work at once; `demo logons` makes more.
INSERT INTO soe.customers
  (customer_id, cust_first_name, cust_last_name, nls_language, nls_territory, credit_limit, cust_email,
   account_mgr_id, customer_since, customer_class, suggestions, dob, mailshot, partner_mailshot,
   preferred_address, preferred_card)
VALUES
  (74999, 'lee', 'murray', 'RC', 'New Mexico', 6000, 'lee.murray@ntlworld.com',
   561, '2009-06-05', 'Business', 'Electronics', '1974-02-27', 'Y', 'N', 49851, 49851),
  (75000, 'larry', 'perez', 'VX', 'Lithuania', 6000, 'larry.perez@googlemail.com',
   514, '2011-04-01', 'Occasional', 'Health', '1960-11-30', 'Y', 'Y', 114470, 114470),
  (75515, 'earl', 'butler', 'US', 'America', 4000, 'earl.butler@example.com',
   505, '2002-07-19', 'Occasional', 'Garden', '1951-05-02', 'N', 'N', 75515, 75515),
  (76851, 'cesar', 'mckinney', 'US', 'America', 3000, 'cesar.mckinney@example.com',
   530, '2000-10-07', 'Regular', 'Books', '1969-01-15', 'Y', 'N', 76851, 76851),
  (78742, 'lloyd', 'black', 'GB', 'Scotland', 9000, 'lloyd.black@example.com',
   512, '2000-01-15', 'Business', 'Electronics', '1958-08-21', 'Y', 'Y', 78742, 78742),
  (83280, 'rick', 'hansen', 'DK', 'Denmark', 5000, 'rick.hansen@googlemail.com',
   517, '2006-12-16', 'Occasional', 'Music', '1972-03-09', 'N', 'Y', 83280, 83280);

INSERT INTO soe.logon (logon_id, customer_id, logon_date) VALUES
  (178724, 75515, '2000-11-08 23:08:51'),
  (178725, 76851, '2009-06-29 02:38:11'),
  (178726, 78742, '2007-11-06 15:29:38'),
  (178727, 74999, '2010-03-25 09:31:44'),
  (178728, 83280, '2003-07-03 05:53:03');

INSERT INTO soe.orders (order_id, order_date, order_mode, customer_id, order_status, order_total) VALUES
  (71490, '2009-01-05 23:00:00', 'online', 74999, 1, 5511),
  (71491, '2011-07-26 01:00:00', 'online', 75000, 1, 5141),
  (71492, '2008-04-23 15:00:00', 'direct', 75515, 1, 4735),
  (71493, '2009-04-03 09:00:00', 'online', 76851, 4, 3753),
  (71494, '2009-06-22 23:00:00', 'direct', 78742, 1, 3867);
