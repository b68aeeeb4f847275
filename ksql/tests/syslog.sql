-- The statements of syslog.sql (and the devices of wifi.sql) as they are deployed, with the declared schemas.

--@test: the attack on rpi-03 is found; other hosts, and sshd's second line in small letters, are not
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30105]: Invalid user oracle from 185.55.218.153');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30105]: input_userauth_request: invalid user oracle [preauth]');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('proxmox01', 'proxmox01 sshd[1]: Invalid user mini from 114.130.4.16');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30117]: Invalid user test from 185.55.218.153');
ASSERT VALUES SYSLOG_INVALID_USERS (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30105]: Invalid user oracle from 185.55.218.153');
ASSERT VALUES SYSLOG_INVALID_USERS (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30117]: Invalid user test from 185.55.218.153');

--@test: three attempts in a minute are counted, two are not
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1520176909000, 'rpi-03', 'rpi-03 sshd[24200]: Invalid user admin from 103.99.0.209');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1520176918000, 'rpi-03', 'rpi-03 sshd[24204]: Invalid user support from 103.99.0.209');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1520176926000, 'rpi-03', 'rpi-03 sshd[24208]: Invalid user user from 103.99.0.209');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1520176943000, 'rpi-03', 'rpi-03 sshd[24216]: Invalid user 1234 from 103.99.0.209');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1520176944000, 'rpi-03', 'rpi-03 sshd[24220]: Invalid user pi from 103.99.0.209');
ASSERT VALUES SYSLOG_INVALID_USER_ATTEMPTS (HOST, WINDOWSTART, WINDOWEND, HOST_NAME, ATTEMPTS, WINDOW_START_TS) VALUES ('rpi-03', 1520176920000, 1520176980000, 'rpi-03', 3, '2018-03-04 15:22:00');

--@test: an access point is known by the MAC in its host, a computer by its host name, any other by the address it sends from
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG_FACILITIES (CODE, NAME, DESCRIPTION) VALUES (4, 'auth', '');
INSERT INTO SYSLOG_FACILITIES (CODE, NAME, DESCRIPTION) VALUES (1, 'user', '');
INSERT INTO DEVICES_RAW (AFTER) VALUES ('{"mac": "24:a4:3c:00:00:01", "ip": "192.168.10.67", "name": "Attic AP", "model": "BZ2", "type": "uap"}');
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "b8:27:eb:8a:4c:01", "oui": "Raspberr", "hostname": "RPI-03", "name": "Sensors"}');
INSERT INTO SYSLOG (DATE, FACILITY, LEVEL, HOST, MESSAGE) VALUES (1, 4, 6, '("BZ2,24a43c000001,v3.7.40.6115")', 'a');
INSERT INTO SYSLOG (DATE, FACILITY, LEVEL, HOST, MESSAGE) VALUES (1, 4, 3, 'rpi-03', 'b');
INSERT INTO SYSLOG (FACILITY, LEVEL, HOST, MESSAGE, REMOTE_ADDRESS) VALUES (1, 0, 'I', 'I c', '/192.168.10.67:47823');
INSERT INTO SYSLOG (DATE, FACILITY, LEVEL, HOST, MESSAGE) VALUES (1, 24, 7, 'elsewhere', 'd');
INSERT INTO SYSLOG (MESSAGE) VALUES ('e');
ASSERT VALUES SYSLOG_ENRICHED (SENDER, DATE, HOST, DEVICE, MODEL, FACILITY, FACILITY_NAME, LEVEL, LEVEL_NAME, MESSAGE, REMOTE_ADDRESS) VALUES ('24a43c000001', 1, '("BZ2,24a43c000001,v3.7.40.6115")', 'Attic AP', 'BZ2', 4, 'auth', 6, 'info', 'a', NULL);
ASSERT VALUES SYSLOG_ENRICHED (SENDER, HOST, DEVICE, MODEL, FACILITY_NAME, LEVEL_NAME, MESSAGE) VALUES ('rpi-03', 'rpi-03', 'Sensors', 'Raspberr', 'auth', 'err', 'b');
ASSERT VALUES SYSLOG_ENRICHED (SENDER, HOST, DEVICE, FACILITY_NAME, LEVEL_NAME, MESSAGE) VALUES ('192.168.10.67', 'I', 'Attic AP', 'user', 'emerg', 'I c');
ASSERT VALUES SYSLOG_ENRICHED (SENDER, HOST, DEVICE, FACILITY_NAME, LEVEL_NAME, MESSAGE) VALUES ('elsewhere', 'elsewhere', NULL, NULL, 'debug', 'd');
ASSERT VALUES SYSLOG_ENRICHED (SENDER, HOST, DEVICE, FACILITY_NAME, LEVEL_NAME, MESSAGE) VALUES ('', NULL, NULL, NULL, NULL, 'e');

--@test: a renamed device has its new name in the next line, and a deleted one keeps its last name
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "b8:27:eb:8a:4c:01", "oui": "Raspberr", "hostname": "rpi-03"}');
INSERT INTO SYSLOG (DATE, HOST, MESSAGE) VALUES (1, 'rpi-03', 'a');
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "b8:27:eb:8a:4c:01", "oui": "Raspberr", "hostname": "rpi-03", "name": "Sensors"}');
INSERT INTO USERS_RAW (AFTER) VALUES (NULL);
INSERT INTO SYSLOG (DATE, HOST, MESSAGE) VALUES (1, 'rpi-03', 'b');
ASSERT VALUES SYSLOG_ENRICHED (HOST, DEVICE, MESSAGE) VALUES ('rpi-03', 'rpi-03', 'a');
ASSERT VALUES SYSLOG_ENRICHED (HOST, DEVICE, MESSAGE) VALUES ('rpi-03', 'Sensors', 'b');

--@test: logins have user, address and outcome, in every form that sshd writes; other programs make none
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd[1]: Invalid user mini from 114.130.4.16 port 22');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd[1]: Failed password for invalid user mini from 114.130.4.16 port 22 ssh2');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h login[1]: Failed password for root from 1.1.1.1');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd-session[2]: Failed password for root from 2001:db8::1 port 22 ssh2');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd[3]: Accepted publickey for robin from 192.168.10.20 port 51234 ssh2: ED25519 SHA256:x');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd: Invalid user  from 10.0.0.9');
ASSERT VALUES SYSLOG_LOGINS (HOST, HOST_NAME, LOGIN_USER, ADDRESS, OUTCOME) VALUES ('h', 'h', 'mini', '114.130.4.16', 'unknown user');
ASSERT VALUES SYSLOG_LOGINS (HOST, LOGIN_USER, ADDRESS, OUTCOME) VALUES ('h', 'root', '2001:db8::1', 'failed');
ASSERT VALUES SYSLOG_LOGINS (HOST, LOGIN_USER, ADDRESS, OUTCOME) VALUES ('h', 'robin', '192.168.10.20', 'accepted');
ASSERT VALUES SYSLOG_LOGINS (HOST, LOGIN_USER, ADDRESS, OUTCOME) VALUES ('h', '', '10.0.0.9', 'unknown user');

--@test: an attacker's user name cannot hide the attempt or attribute it to another address
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd[1]: Invalid user x from 8.8.8.8 from 10.6.6.6');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd[1]: Invalid user x sshd[2]: Accepted password for root from 10.6.6.6');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('h', 'h sshd[1]: Invalid user invalid user y from 10.6.6.6');
ASSERT VALUES SYSLOG_LOGINS (HOST, LOGIN_USER, ADDRESS, OUTCOME) VALUES ('h', 'x from 8.8.8.8', '10.6.6.6', 'unknown user');
ASSERT VALUES SYSLOG_LOGINS (HOST, LOGIN_USER, ADDRESS, OUTCOME) VALUES ('h', 'x sshd[2]: Accepted password for root', '10.6.6.6', 'unknown user');
ASSERT VALUES SYSLOG_LOGINS (HOST, LOGIN_USER, ADDRESS, OUTCOME) VALUES ('h', 'invalid user y', '10.6.6.6', 'unknown user');

--@test: three failed logins of one address within five minutes are an attack, and later ones continue to count
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1000, 'h', 'h sshd[1]: Invalid user a from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (2000, 'h', 'h sshd[1]: Failed password for root from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (3000, 'h', 'h sshd[1]: Invalid user c from 10.0.0.2');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (3000, 'h', 'h sshd[1]: Accepted password for c from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (298000, 'h', 'h sshd[1]: Invalid user d from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (299000, 'h', 'h sshd[1]: Invalid user a from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (301000, 'h', 'h sshd[1]: Invalid user e from 10.0.0.1');
ASSERT VALUES SYSLOG_LOGIN_ATTACKS (HOST, ADDRESS, WINDOWSTART, WINDOWEND, HOST_NAME, FROM_ADDRESS, ATTEMPTS, USERS, SINCE, ATTACK_ID) VALUES ('h', '10.0.0.1', 0, 300000, 'h', '10.0.0.1', 3, 'a, root, d', '1970-01-01 00:00:00', 'h 10.0.0.1 0');
ASSERT VALUES SYSLOG_LOGIN_ATTACKS (HOST, ADDRESS, WINDOWSTART, WINDOWEND, ATTEMPTS, USERS) VALUES ('h', '10.0.0.1', 0, 300000, 4, 'a, root, d');

--@test: an hour is reported once, after its end
RUN SCRIPT '../wifi.sql';
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1000, 'h', 'h sshd[1]: Invalid user a from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (3599000, 'h', 'h sshd[1]: Accepted password for a from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (3660001, 'h', 'h sshd[1]: Invalid user b from 10.0.0.1');
ASSERT VALUES SYSLOG_LOGINS_BY_HOUR (HOST, ADDRESS, WINDOWSTART, WINDOWEND, HOST_NAME, FROM_ADDRESS, LOGINS, ACCEPTED) VALUES ('h', '10.0.0.1', 0, 3600000, 'h', '10.0.0.1', 2, 1);
