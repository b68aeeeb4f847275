"""What `benchmarks.restored_backup` takes for a difference."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.restored_backup import Contents

BEFORE = Contents({"ratings": 10}, {"sink ratings": 10}, {"ratings": 9}, {"s3/b/k": 100}, {"mariadb CUSTOMERS": 30}, {})


def test_equal_contents_have_no_differences():
    assert list(BEFORE.differences(replace(BEFORE, topics={"ratings": 10}))) == []


def test_what_is_missing_added_or_changed_is_a_difference():
    after = replace(BEFORE, topics={"ratings": 11, "more": 1}, documents={})

    assert list(BEFORE.differences(after)) == [
        "topics: more has 1, and had None",
        "topics: ratings has 11, and had 10",
        "documents: ratings has None, and had 9",
    ]
