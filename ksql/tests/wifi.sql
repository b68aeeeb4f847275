-- The statements of wifi.sql as they are deployed, with the declared schemas.

--@test: only probe requests are counted, by sender, and a probe for any network counts as ''
RUN SCRIPT '../wifi.sql';
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1587225867000, ARRAY[4], ARRAY['a4:83:e7:4e:39:15'], ARRAY['']);
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1587225868000, ARRAY[8], ARRAY['a4:83:e7:4e:39:15'], ARRAY['FULLERS']);
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1587562980000, ARRAY[4], ARRAY['a4:83:e7:4e:39:15'], ARRAY['RNM0']);
ASSERT VALUES PCAP_STATS_01 (SOURCE_DEVICE, PROBE_COUNT, FIRST_PROBE, LAST_PROBE, UNIQUE_SSIDS_PROBED, SSIDS_PROBED) VALUES ('a4:83:e7:4e:39:15', 1, '2020-04-18 17:04:27', '2020-04-18 17:04:27', 1, ARRAY['']);
ASSERT VALUES PCAP_STATS_01 (SOURCE_DEVICE, PROBE_COUNT, FIRST_PROBE, LAST_PROBE, UNIQUE_SSIDS_PROBED, SSIDS_PROBED) VALUES ('a4:83:e7:4e:39:15', 2, '2020-04-18 17:04:27', '2020-04-22 14:43:00', 2, ARRAY['', 'RNM0']);

--@test: a network on the list makes an alert in London's time, another one does not
RUN SCRIPT '../wifi.sql';
INSERT INTO SSID_ALERT_LIST (SSID, REASON) VALUES ('RNM0', 'home network');
INSERT INTO SSID_ALERT_LIST (SSID, REASON) VALUES ('RNM-GUEST', 'guest network');
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1587662096000, ARRAY[4], ARRAY['78:67:d7:48:e5:c7'], ARRAY['RNM-GUEST']);
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1587662097000, ARRAY[4], ARRAY['78:67:d7:48:e5:c7'], ARRAY['skyclub']);
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1587662100000, ARRAY[4], ARRAY['78:67:d7:48:e5:c7'], ARRAY['RNM0']);
ASSERT VALUES SSID_ALERTS (SSID_KEY, TS, MAC, SSID, REASON) VALUES ('RNM-GUEST', '2020-04-23 18:14:56', '78:67:d7:48:e5:c7', 'RNM-GUEST', 'guest network');
ASSERT VALUES SSID_ALERTS (SSID_KEY, TS, MAC, SSID, REASON) VALUES ('RNM0', '2020-04-23 18:15:00', '78:67:d7:48:e5:c7', 'RNM0', 'home network');

--@test: a changed reason appears from the next probe on
RUN SCRIPT '../wifi.sql';
INSERT INTO SSID_ALERT_LIST (SSID, REASON) VALUES ('RNM0', 'somebody is home');
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1587662100000, ARRAY[4], ARRAY['78:67:d7:48:e5:c7'], ARRAY['RNM0']);
ASSERT VALUES SSID_ALERTS (SSID, REASON) VALUES ('RNM0', 'somebody is home');

--@test: devices are named by name, host name and vendor
RUN SCRIPT '../wifi.sql';
INSERT INTO DEVICES_RAW (AFTER) VALUES ('{"mac": "24:a4:3c:00:00:01", "ip": "192.168.10.67", "name": "Attic AP", "model": "BZ2", "type": "uap"}');
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "3c:07:71:a0:2b:11", "oui": "Sony", "hostname": "sony-vaio", "is_guest": true}');
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "b8:27:eb:8a:4c:01", "oui": "Raspberr", "hostname": "rpi-03", "name": "Sensors", "is_guest": false}');
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "e0:aa:96:44:d2:10", "oui": "SamsungE", "is_guest": true}');
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "00:0e:c6:11:22:33", "oui": "AsixElec", "is_guest": false}');
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "f0:9f:c2:aa:0b:03", "oui": "Ubiquiti", "hostname": "UBNT", "is_guest": false}');
ASSERT VALUES DEVICES (MAC, SOURCE, NAME, IS_GUEST) VALUES ('24:a4:3c:00:00:01', 'ace.device', 'Attic AP', false);
ASSERT VALUES DEVICES (MAC, SOURCE, NAME, IS_GUEST) VALUES ('3c:07:71:a0:2b:11', 'ace.user', 'sony-vaio', true);
ASSERT VALUES DEVICES (MAC, SOURCE, NAME, IS_GUEST) VALUES ('b8:27:eb:8a:4c:01', 'ace.user', 'Sensors (rpi-03)', false);
ASSERT VALUES DEVICES (MAC, SOURCE, NAME, IS_GUEST) VALUES ('e0:aa:96:44:d2:10', 'ace.user', 'guest_SamsungE', true);
ASSERT VALUES DEVICES (MAC, SOURCE, NAME, IS_GUEST) VALUES ('00:0e:c6:11:22:33', 'ace.user', 'nonguest_AsixElec', false);

--@test: probes are counted by the name of the device, once it is known
RUN SCRIPT '../wifi.sql';
INSERT INTO USERS_RAW (AFTER) VALUES ('{"mac": "3c:07:71:a0:2b:11", "oui": "Sony", "hostname": "sony-vaio", "is_guest": true}');
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1584696097000, ARRAY[4], ARRAY['3c:07:71:a0:2b:11'], ARRAY['RNM-GUEST']);
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1584696098000, ARRAY[4], ARRAY['12:34:56:78:9a:bc'], ARRAY['RNM-GUEST']);
INSERT INTO PCAP_RAW (timestamp, wlan_fc_type_subtype, wlan_sa, wlan_ssid) VALUES (1586609593000, ARRAY[4], ARRAY['3c:07:71:a0:2b:11'], ARRAY['']);
ASSERT VALUES PCAP_STATS_ENRICHED_01 (DEVICE_NAME, PROBE_COUNT, FIRST_PROBE, LAST_PROBE, UNIQUE_SSIDS_PROBED, SSIDS_PROBED) VALUES ('sony-vaio', 1, 1584696097000, 1584696097000, 1, ARRAY['RNM-GUEST']);
ASSERT VALUES PCAP_STATS_ENRICHED_01 (DEVICE_NAME, PROBE_COUNT, FIRST_PROBE, LAST_PROBE, UNIQUE_SSIDS_PROBED, SSIDS_PROBED) VALUES ('sony-vaio', 2, 1584696097000, 1586609593000, 2, ARRAY['RNM-GUEST', '']);
