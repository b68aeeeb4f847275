-- Syslog: every line is kept; attempts to log in as a user that does not exist are counted per host and address.
SET 'auto.offset.reset' = 'earliest';

-- As the syslog sources write it; the columns come from the schema registry.
CREATE STREAM SYSLOG WITH (KAFKA_TOPIC='syslog', VALUE_FORMAT='AVRO');

-- The login attack of the documents: LIKE tells capitals apart, so each attempt is counted by one line of sshd's.
CREATE STREAM SYSLOG_INVALID_USERS
  WITH (VALUE_FORMAT='AVRO') AS
  SELECT * FROM SYSLOG WHERE HOST='rpi-03' AND MESSAGE LIKE '%Invalid user%' EMIT CHANGES;

-- Attempts per minute, from three on.
CREATE TABLE SYSLOG_INVALID_USER_ATTEMPTS
  WITH (VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS
  SELECT HOST, AS_VALUE(HOST) AS HOST_NAME, COUNT(*) AS ATTEMPTS,
         TIMESTAMPTOSTRING(WINDOWSTART, 'yyyy-MM-dd HH:mm:ss', 'Europe/London') AS WINDOW_START_TS
  FROM SYSLOG_INVALID_USERS
  WINDOW TUMBLING (SIZE 1 MINUTE)
  GROUP BY HOST
  HAVING COUNT(*) >= 3
  EMIT CHANGES;

-- The same line from any host, with user and address out of the text, and the facility by its name (RFC 5424, 6.2.1).
CREATE STREAM SYSLOG_LOGIN_ATTEMPTS
  WITH (PARTITIONS=1, KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS
  SELECT HOST, DATE, LEVEL, MESSAGE,
         ARRAY['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp',
               'ntp', 'security', 'console', 'solaris-cron', 'local0', 'local1', 'local2', 'local3', 'local4',
               'local5', 'local6', 'local7'][FACILITY + 1] AS FACILITY_NAME,
         REGEXP_EXTRACT('Invalid user (.*) from ([^ ]+)', MESSAGE, 1) AS LOGIN_USER,
         REGEXP_EXTRACT('Invalid user (.*) from ([^ ]+)', MESSAGE, 2) AS ADDRESS
  FROM SYSLOG
  WHERE MESSAGE LIKE '%Invalid user % from %'
  PARTITION BY HOST
  EMIT CHANGES;

-- A break-in attempt: a host's third attempt from one address within five minutes. A fourth one takes the row out of
-- the table again (a tombstone, which says nothing), so that each window makes one alert, and makes it at once.
CREATE TABLE SYSLOG_LOGIN_ATTACKS
  WITH (PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS
  SELECT HOST, ADDRESS, AS_VALUE(HOST) AS HOST_NAME, AS_VALUE(ADDRESS) AS FROM_ADDRESS, COUNT(*) AS ATTEMPTS,
         COLLECT_SET(LOGIN_USER) AS USERS, LATEST_BY_OFFSET(MESSAGE) AS MESSAGE,
         TIMESTAMPTOSTRING(WINDOWSTART, 'yyyy-MM-dd HH:mm:ss', 'UTC') AS SINCE
  FROM SYSLOG_LOGIN_ATTEMPTS
  WINDOW TUMBLING (SIZE 5 MINUTES)
  GROUP BY HOST, ADDRESS
  HAVING COUNT(*) = 3
  EMIT CHANGES;

-- What is over, counted once per window when it closes: who came how often.
CREATE TABLE SYSLOG_LOGINS_BY_HOUR
  WITH (PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS
  SELECT HOST, ADDRESS, AS_VALUE(HOST) AS HOST_NAME, AS_VALUE(ADDRESS) AS FROM_ADDRESS, COUNT(*) AS ATTEMPTS
  FROM SYSLOG_LOGIN_ATTEMPTS
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 1 MINUTE)
  GROUP BY HOST, ADDRESS
  EMIT FINAL;
