-- Syslog: every line is kept and enriched with its sender. Logins are parsed from the text and counted per host and
-- address, and likely break-ins become alerts. Windows use the time of arrival.
SET 'auto.offset.reset' = 'earliest';

-- As the syslog sources write it; the columns come from the schema registry.
CREATE STREAM SYSLOG WITH (KAFKA_TOPIC='syslog', VALUE_FORMAT='AVRO');

-- The login attack of the documents: LIKE is case-sensitive, so only one of sshd's lines counts each attempt.
-- lint: ignore BF510
CREATE STREAM SYSLOG_INVALID_USERS
  WITH (VALUE_FORMAT='AVRO') AS
  SELECT * FROM SYSLOG WHERE HOST='rpi-03' AND MESSAGE LIKE '%Invalid user%' EMIT CHANGES;

-- Attempts per minute, if three or more.
CREATE TABLE SYSLOG_INVALID_USER_ATTEMPTS
  WITH (VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS
  SELECT HOST, AS_VALUE(HOST) AS HOST_NAME, COUNT(*) AS ATTEMPTS,
         TIMESTAMPTOSTRING(WINDOWSTART, 'yyyy-MM-dd HH:mm:ss', 'Europe/London') AS WINDOW_START_TS
  FROM SYSLOG_INVALID_USERS
  WINDOW TUMBLING (SIZE 1 MINUTE)
  GROUP BY HOST
  HAVING COUNT(*) >= 3
  EMIT CHANGES;

-- The facilities by number (RFC 5424, 6.2.1).
CREATE TABLE SYSLOG_FACILITIES (CODE INT PRIMARY KEY, NAME VARCHAR, DESCRIPTION VARCHAR)
  WITH (KAFKA_TOPIC='syslog_facilities', VALUE_FORMAT='JSON');
INSERT INTO SYSLOG_FACILITIES VALUES (0, 'kern', 'kernel');
INSERT INTO SYSLOG_FACILITIES VALUES (1, 'user', 'programs of users');
INSERT INTO SYSLOG_FACILITIES VALUES (2, 'mail', 'mail system');
INSERT INTO SYSLOG_FACILITIES VALUES (3, 'daemon', 'system daemons');
INSERT INTO SYSLOG_FACILITIES VALUES (4, 'auth', 'security and authorization');
INSERT INTO SYSLOG_FACILITIES VALUES (5, 'syslog', 'the syslog daemon itself');
INSERT INTO SYSLOG_FACILITIES VALUES (6, 'lpr', 'printing');
INSERT INTO SYSLOG_FACILITIES VALUES (7, 'news', 'network news');
INSERT INTO SYSLOG_FACILITIES VALUES (8, 'uucp', 'UUCP');
INSERT INTO SYSLOG_FACILITIES VALUES (9, 'cron', 'clock daemon');
INSERT INTO SYSLOG_FACILITIES VALUES (10, 'authpriv', 'security and authorization, private');
INSERT INTO SYSLOG_FACILITIES VALUES (11, 'ftp', 'FTP daemon');
INSERT INTO SYSLOG_FACILITIES VALUES (12, 'ntp', 'NTP');
INSERT INTO SYSLOG_FACILITIES VALUES (13, 'security', 'log audit');
INSERT INTO SYSLOG_FACILITIES VALUES (14, 'console', 'log alert');
INSERT INTO SYSLOG_FACILITIES VALUES (15, 'solaris-cron', 'clock daemon of Solaris');
INSERT INTO SYSLOG_FACILITIES VALUES (16, 'local0', 'local use 0');
INSERT INTO SYSLOG_FACILITIES VALUES (17, 'local1', 'local use 1');
INSERT INTO SYSLOG_FACILITIES VALUES (18, 'local2', 'local use 2');
INSERT INTO SYSLOG_FACILITIES VALUES (19, 'local3', 'local use 3');
INSERT INTO SYSLOG_FACILITIES VALUES (20, 'local4', 'local use 4');
INSERT INTO SYSLOG_FACILITIES VALUES (21, 'local5', 'local use 5');
INSERT INTO SYSLOG_FACILITIES VALUES (22, 'local6', 'local use 6');
INSERT INTO SYSLOG_FACILITIES VALUES (23, 'local7', 'local use 7');

-- The names of MongoDB's devices (wifi.sql) in logs: MAC without colons, IP address, host name.
CREATE STREAM SYSLOG_SENDERS
  WITH (PARTITIONS=1, VALUE_FORMAT='JSON') AS
  SELECT EXPLODE(ARRAY[REPLACE(EXTRACTJSONFIELD(AFTER, '$.mac'), ':', ''), EXTRACTJSONFIELD(AFTER, '$.ip')]) AS SENDER,
         EXTRACTJSONFIELD(AFTER, '$.name') AS NAME, EXTRACTJSONFIELD(AFTER, '$.model') AS MODEL
  FROM DEVICES_RAW
  EMIT CHANGES;

INSERT INTO SYSLOG_SENDERS
  SELECT EXPLODE(ARRAY[REPLACE(EXTRACTJSONFIELD(AFTER, '$.mac'), ':', ''), EXTRACTJSONFIELD(AFTER, '$.ip'),
                       LCASE(EXTRACTJSONFIELD(AFTER, '$.hostname'))]) AS SENDER,
         COALESCE(EXTRACTJSONFIELD(AFTER, '$.name'), EXTRACTJSONFIELD(AFTER, '$.hostname')) AS NAME,
         EXTRACTJSONFIELD(AFTER, '$.oui') AS MODEL
  FROM USERS_RAW
  EMIT CHANGES;

CREATE TABLE SYSLOG_DEVICES
  WITH (PARTITIONS=1, VALUE_FORMAT='JSON') AS
  SELECT SENDER, LATEST_BY_OFFSET(NAME) AS NAME, LATEST_BY_OFFSET(MODEL) AS MODEL
  FROM SYSLOG_SENDERS
  WHERE SENDER IS NOT NULL
  GROUP BY SENDER
  EMIT CHANGES;

-- Every line with the names of facility, level and device. An access point's host is like
-- ("BZ2,24a43c000001,v3.7.40.6115"); a line without date or host is identified by its sender's address. Nulls that
-- would be a key are replaced, because joins drop records without a key.
CREATE STREAM SYSLOG_ENRICHED
  WITH (PARTITIONS=1, VALUE_FORMAT='JSON') AS
  SELECT D.SENDER AS SENDER, S.DATE AS DATE, S.HOST AS HOST, D.NAME AS DEVICE, D.MODEL AS MODEL,
         S.FACILITY AS FACILITY, F.NAME AS FACILITY_NAME, S.LEVEL AS LEVEL,
         ELT(S.LEVEL + 1, 'emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug') AS LEVEL_NAME,
         S.MESSAGE AS MESSAGE, S.REMOTE_ADDRESS AS REMOTE_ADDRESS
  FROM SYSLOG S
  LEFT JOIN SYSLOG_FACILITIES F ON IFNULL(S.FACILITY, -1) = F.CODE
  LEFT JOIN SYSLOG_DEVICES D ON
    CASE WHEN S.DATE IS NULL OR S.HOST IS NULL THEN IFNULL(REGEXP_EXTRACT('/(.*):[0-9]+$', S.REMOTE_ADDRESS, 1), '')
         WHEN S.HOST LIKE '("%,%,%")' THEN SPLIT(S.HOST, ',')[2]
         ELSE LCASE(S.HOST) END = D.SENDER
  EMIT CHANGES;

-- Logins by sshd, with their results; an unknown user causes a second line, `Failed`, which is not counted again.
-- An attacker chooses the user name, so the line must begin as sshd begins it, and the address is the text after the
-- last `from`.
CREATE STREAM SYSLOG_LOGINS
  WITH (PARTITIONS=1, KEY_FORMAT='JSON', VALUE_FORMAT='JSON') AS
  SELECT HOST, AS_VALUE(HOST) AS HOST_NAME, DATE, DEVICE, FACILITY_NAME, LEVEL_NAME, MESSAGE,
         CASE WHEN REGEXP_EXTRACT('^[^ ]+ sshd(?:-session)?(?:\[[0-9]+\])?: (Invalid user|Accepted [^ ]+ for|Failed [^ ]+ for(?! invalid user )) (.*) from ([^ ]+)', MESSAGE, 1) LIKE 'Invalid%' THEN 'unknown user'
              WHEN REGEXP_EXTRACT('^[^ ]+ sshd(?:-session)?(?:\[[0-9]+\])?: (Invalid user|Accepted [^ ]+ for|Failed [^ ]+ for(?! invalid user )) (.*) from ([^ ]+)', MESSAGE, 1) LIKE 'Accepted%' THEN 'accepted'
              ELSE 'failed' END AS OUTCOME,
         REGEXP_EXTRACT('^[^ ]+ sshd(?:-session)?(?:\[[0-9]+\])?: (Invalid user|Accepted [^ ]+ for|Failed [^ ]+ for(?! invalid user )) (.*) from ([^ ]+)', MESSAGE, 2) AS LOGIN_USER,
         REGEXP_EXTRACT('^[^ ]+ sshd(?:-session)?(?:\[[0-9]+\])?: (Invalid user|Accepted [^ ]+ for|Failed [^ ]+ for(?! invalid user )) (.*) from ([^ ]+)', MESSAGE, 3) AS ADDRESS
  FROM SYSLOG_ENRICHED
  WHERE MESSAGE LIKE '% sshd%' AND
        REGEXP_EXTRACT('^[^ ]+ sshd(?:-session)?(?:\[[0-9]+\])?: (Invalid user|Accepted [^ ]+ for|Failed [^ ]+ for(?! invalid user )) (.*) from ([^ ]+)', MESSAGE) IS NOT NULL
  PARTITION BY HOST
  EMIT CHANGES;

-- A break-in attempt: three failed logins from one address on a host within five minutes. Each further one changes the
-- row; the alert's file decides which changes are sent.
CREATE TABLE SYSLOG_LOGIN_ATTACKS
  WITH (PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS
  SELECT HOST, ADDRESS, AS_VALUE(HOST) AS HOST_NAME, AS_VALUE(ADDRESS) AS FROM_ADDRESS,
         LATEST_BY_OFFSET(DEVICE) AS DEVICE, COUNT(*) AS ATTEMPTS,
         ARRAY_JOIN(COLLECT_SET(LOGIN_USER), ', ') AS USERS, LATEST_BY_OFFSET(MESSAGE) AS MESSAGE,
         TIMESTAMPTOSTRING(WINDOWSTART, 'yyyy-MM-dd HH:mm:ss', 'UTC') AS SINCE,
         HOST + ' ' + ADDRESS + ' ' + CAST(WINDOWSTART AS VARCHAR) AS ATTACK_ID
  FROM SYSLOG_LOGINS
  WINDOW TUMBLING (SIZE 5 MINUTES)
  WHERE OUTCOME <> 'accepted'
  GROUP BY HOST, ADDRESS
  HAVING COUNT(*) >= 3
  EMIT CHANGES;

-- Closed windows, each emitted once: how often each address tried to log in, and how often it succeeded.
CREATE TABLE SYSLOG_LOGINS_BY_HOUR
  WITH (PARTITIONS=1, VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS
  SELECT HOST, ADDRESS, AS_VALUE(HOST) AS HOST_NAME, AS_VALUE(ADDRESS) AS FROM_ADDRESS, COUNT(*) AS LOGINS,
         SUM(CASE WHEN OUTCOME = 'accepted' THEN 1 ELSE 0 END) AS ACCEPTED
  FROM SYSLOG_LOGINS
  WINDOW TUMBLING (SIZE 1 HOUR, GRACE PERIOD 1 MINUTE)
  GROUP BY HOST, ADDRESS
  EMIT FINAL;
