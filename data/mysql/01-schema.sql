-- The user database of the ratings pipeline. Accounts are made by the platform, from settings.
CREATE DATABASE IF NOT EXISTS demo CHARACTER SET utf8mb4;

USE demo;

CREATE TABLE IF NOT EXISTS CUSTOMERS (
  id INT NOT NULL PRIMARY KEY,
  first_name VARCHAR(50),
  last_name VARCHAR(50),
  email VARCHAR(50),
  gender VARCHAR(50),
  club_status VARCHAR(8),
  comments VARCHAR(90),
  create_ts TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
  update_ts TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);
