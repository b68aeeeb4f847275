"""A query that joins tables starts when they hold what their sources have: else first rows would find nothing."""

from __future__ import annotations

from bifrost.deployer.apply.joined_tables import FIRST_RECORDS_PATIENCE_S, STALLED_S

SNAPSHOT = "asgard.demo.CUSTOMERS"
ROWS = 20


class Filling:
    """The snapshot grows by a row, and the query that rekeys it commits `step` more, each time somebody waits."""

    def __init__(self, fakes, step: int) -> None:
        self._fakes = fakes
        self._step = step
        self.most = ROWS
        self._sleep, self._create = fakes.clock.sleep, fakes.ksqldb._create
        self.at_creation: dict[str, tuple[int, int]] = {}
        fakes.clock.sleep, fakes.ksqldb._create = self._pass_time, self._create_and_note

    def _rekeyed(self) -> int:
        return self._committed().get(SNAPSHOT, {}).get(0, 0)

    def _committed(self) -> dict:
        group = next((query for query in self._fakes.ksqldb.queries if "CUSTOMERS_SRC_REKEY" in query), "")
        return self._fakes.kafka.committed.setdefault(f"_confluent-ksql-default_query_{group}", {}) if group else {}

    def _pass_time(self, seconds: float) -> None:
        self._sleep(seconds)
        written = self._fakes.kafka.records.get(SNAPSHOT, 0)
        self._fakes.kafka.records[SNAPSHOT] = min(written + 1, ROWS)
        self._committed()[SNAPSHOT] = {0: min(self._rekeyed() + self._step, written, self.most)}

    def _create_and_note(self, tree, text):
        self.at_creation[tree.name] = (self._fakes.kafka.records.get(SNAPSHOT, 0), self._rekeyed())
        return self._create(tree, text)


def test_a_join_starts_when_the_snapshot_is_complete_and_its_table_has_read_it(project, fakes):
    filling = Filling(fakes, step=1)

    fakes.up(project.declared())

    assert filling.at_creation["ALERTS"] == (ROWS, ROWS)


def test_what_joins_no_table_does_not_wait(project, fakes):
    filling = Filling(fakes, step=1)

    fakes.up(project.declared())

    assert filling.at_creation["CUSTOMERS_SRC_REKEY"] == filling.at_creation["CUSTOMERS"] == (0, 0)


def test_the_rows_between_the_parts_of_a_query_are_awaited_too(project, fakes):
    filling = Filling(fakes, step=ROWS)
    create = fakes.ksqldb._create
    read: list[bool] = []

    def repartition(tree, text):
        answer = create(tree, text)
        if tree.name == "CUSTOMERS_SRC_REKEY":
            (query,) = (query for query in fakes.ksqldb.queries if "CUSTOMERS_SRC_REKEY" in query)
            topic = f"_confluent-ksql-default_query_{query}-Rekey-repartition"
            fakes.kafka.there[topic] = fakes.kafka.there[SNAPSHOT]
            fakes.kafka.records[topic] = 5
            sleep = fakes.clock.sleep

            def read_on(seconds):
                sleep(seconds)
                if len(fakes.clock.slept) > 2 * ROWS:
                    fakes.kafka.committed[f"_confluent-ksql-default_query_{query}"][topic] = {0: 5}
                    read.append(True)

            fakes.clock.sleep = read_on
        if tree.name == "ALERTS":
            assert read
        return answer

    fakes.ksqldb._create = repartition

    fakes.up(project.declared())

    assert filling.at_creation["ALERTS"] == (ROWS, ROWS)


def test_the_next_run_waits_for_what_an_interrupted_one_began(project, fakes):
    fakes.up(project.declared())
    fakes.ksqldb.sources.pop("ALERTS")
    fakes.ksqldb.queries = {query: found for query, found in fakes.ksqldb.queries.items() if "ALERTS" not in query}
    fakes.kafka.records[SNAPSHOT] = 1
    filling = Filling(fakes, step=1)

    fakes.up(project.declared())

    assert filling.at_creation["ALERTS"] == (ROWS, ROWS)


def test_a_query_that_makes_no_progress_does_not_stop_the_deployment(project, fakes):
    filling = Filling(fakes, step=0)
    began = fakes.clock.monotonic()

    fakes.up(project.declared())

    assert filling.at_creation["ALERTS"] == (ROWS, 0)
    assert fakes.clock.monotonic() - began < STALLED_S + FIRST_RECORDS_PATIENCE_S + 10


def test_an_empty_table_is_awaited_for_a_limited_time(project, fakes):
    began = fakes.clock.monotonic()

    fakes.up(project.declared())

    assert fakes.clock.monotonic() - began < FIRST_RECORDS_PATIENCE_S + 10
    assert "ALERTS" in fakes.ksqldb.sources


def test_markers_behind_the_last_record_are_not_waited_for(project, fakes):
    filling = Filling(fakes, step=1)
    fakes.kafka.markers[SNAPSHOT] = 2
    filling.most = ROWS - 2
    began = fakes.clock.monotonic()

    fakes.up(project.declared())

    assert filling.at_creation["ALERTS"] == (ROWS, ROWS - 2)
    assert fakes.clock.monotonic() - began < STALLED_S


COUNTRIES = """CREATE TABLE COUNTRIES (CODE INT PRIMARY KEY, NAME STRING)
  WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='JSON');
"""
JOIN = """CREATE STREAM NAMED WITH (VALUE_FORMAT='JSON') AS
  SELECT R.USER_ID, C.NAME FROM RATINGS R JOIN COUNTRIES C ON R.USER_ID = C.CODE;
"""


def created(fakes) -> list[str]:
    texts = [text for text in fakes.ksqldb.statements if text.startswith(("CREATE", "INSERT"))]
    return [" ".join(text.split()[:3]) for text in texts]


def test_rows_of_a_joined_table_are_inserted_before_the_join_starts(project, fakes):
    project.write("ksql/a.sql", COUNTRIES + JOIN + "INSERT INTO COUNTRIES VALUES (1, 'Norway');")

    fakes.up(project.declared())

    order = created(fakes)
    assert order.index("INSERT INTO COUNTRIES") < order.index("CREATE STREAM NAMED")


def test_a_query_that_inserts_into_what_feeds_a_joined_table_starts_before_the_join(project, fakes):
    more = "INSERT INTO CUSTOMERS_SRC_REKEY SELECT K->ID AS ID, EMAIL FROM CUSTOMERS_SRC PARTITION BY K->ID;"
    project.write("ksql/zz.sql", more)

    fakes.up(project.declared())

    order = created(fakes)
    assert order.index("INSERT INTO CUSTOMERS_SRC_REKEY") < order.index("CREATE STREAM ALERTS")


def test_inserts_that_feed_the_table_of_the_query_that_they_read_do_not_block(project, fakes):
    project.write("ksql/zz.sql", "INSERT INTO CUSTOMERS_SRC_REKEY SELECT USER_ID AS ID, EMAIL FROM ALERTS;")

    fakes.up(project.declared())

    assert created(fakes)[-1] == "INSERT INTO CUSTOMERS_SRC_REKEY"


def test_an_insert_is_not_awaited_at_the_end_of_the_topic_that_it_writes(project, fakes):
    more = "INSERT INTO CUSTOMERS_SRC_REKEY SELECT K->ID AS ID, EMAIL FROM CUSTOMERS_SRC PARTITION BY K->ID;"
    project.write("ksql/zz.sql", more)
    Filling(fakes, step=ROWS)
    sleep = fakes.clock.sleep

    def pass_time(seconds: float) -> None:
        sleep(seconds)
        fakes.kafka.records["CUSTOMERS_SRC_REKEY"] = ROWS
        for query in fakes.ksqldb.queries:
            fakes.kafka.committed.setdefault(f"_confluent-ksql-default_query_{query}", {})[SNAPSHOT] = {0: ROWS}

    fakes.clock.sleep = pass_time
    began = fakes.clock.monotonic()

    fakes.up(project.declared())

    assert fakes.clock.monotonic() - began < STALLED_S
