-- Frames by day and kind, kept up to date from the ksqlDB table PCAP_STATS.
CREATE SCHEMA wifi;

CREATE TABLE wifi.pcap_stats (
  subtype       INTEGER,
  window_day    TEXT,
  packet_count  BIGINT NOT NULL,
  earliest_time TEXT NOT NULL,
  latest_time   TEXT NOT NULL,
  PRIMARY KEY (subtype, window_day)
);

GRANT USAGE ON SCHEMA wifi TO connectors;
GRANT SELECT, INSERT, UPDATE ON wifi.pcap_stats TO connectors;
