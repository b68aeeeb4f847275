-- The statements of syslog.sql as they are deployed, with the declared schemas.

--@test: the attack on rpi-03 is found; other hosts, and sshd's second line in small letters, are not
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30105]: Invalid user oracle from 185.55.218.153');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30105]: input_userauth_request: invalid user oracle [preauth]');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('proxmox01', 'proxmox01 sshd[1]: Invalid user mini from 114.130.4.16');
INSERT INTO SYSLOG (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30117]: Invalid user test from 185.55.218.153');
ASSERT VALUES SYSLOG_INVALID_USERS (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30105]: Invalid user oracle from 185.55.218.153');
ASSERT VALUES SYSLOG_INVALID_USERS (HOST, MESSAGE) VALUES ('rpi-03', 'rpi-03 sshd[30117]: Invalid user test from 185.55.218.153');

--@test: user, address and the facility's name are taken out of every host's attempts
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (FACILITY, HOST, MESSAGE) VALUES (4, 'proxmox01', 'proxmox01 sshd[1]: Invalid user mini from 114.130.4.16 port 22');
ASSERT VALUES SYSLOG_LOGIN_ATTEMPTS (HOST, FACILITY_NAME, LOGIN_USER, ADDRESS) VALUES ('proxmox01', 'auth', 'mini', '114.130.4.16');

--@test: the third attempt within five minutes is an attack, from that address only
RUN SCRIPT '../syslog.sql';
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (1000, 'h', 'h sshd[1]: Invalid user a from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (2000, 'h', 'h sshd[1]: Invalid user b from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (3000, 'h', 'h sshd[1]: Invalid user c from 10.0.0.2');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (299000, 'h', 'h sshd[1]: Invalid user d from 10.0.0.1');
INSERT INTO SYSLOG (ROWTIME, HOST, MESSAGE) VALUES (301000, 'h', 'h sshd[1]: Invalid user e from 10.0.0.1');
ASSERT VALUES SYSLOG_LOGIN_ATTACKS (HOST, ADDRESS, WINDOWSTART, WINDOWEND, HOST_NAME, FROM_ADDRESS, ATTEMPTS, USERS, SINCE) VALUES ('h', '10.0.0.1', 0, 300000, 'h', '10.0.0.1', 3, ARRAY['a', 'b', 'd'], '1970-01-01 00:00:00');
