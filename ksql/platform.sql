-- The platform itself: what its watcher reports about failures, restarts and recoveries, as alerts/platform.toml sends it.
CREATE STREAM PLATFORM_EVENTS
  (EVENT VARCHAR, KIND VARCHAR, NAME VARCHAR, CAUSE VARCHAR, RESTARTS INT, RESTART_IN_S INT, AT_MS BIGINT, WHAT VARCHAR)
  WITH (KAFKA_TOPIC='platform_events', VALUE_FORMAT='JSON');
