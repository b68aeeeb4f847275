"""What the generators count for `/metrics`."""

from __future__ import annotations

from bifrost.metrics.families import Counter

GENERATED = Counter("bifrost_generated_records_total", "Records sent, or rows written, by destination", "destination")
NOT_DELIVERED = Counter("bifrost_generated_records_lost_total", "Records that were not delivered", "destination")
