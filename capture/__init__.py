"""Captures Wi-Fi frames and sends them to Kafka as records."""
