"""What the page of the editor calls: statements, rows and names, over the embedded engine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bifrost.clients.http import Connection
from bifrost.clients.ksqldb import KsqlClient
from bifrost.console.ksql_editor import editor_page
from bifrost.console.ksql_editor.live_rows import RowReader, RowsResponse, exact_in_browser
from bifrost.operations.action_log import ActionLog, Outcome
from tests.fakes.console import Client, running_console
from tests.fakes.ksql_engine import EARLIEST, RunningEngine
from tests.waiting import eventually


def execute(editor: Client, statement: str, **body: Any) -> Any:
    return editor.post("/api/ksqldb/statements", json={"statement": statement, "properties": EARLIEST, **body})


def rows(editor: Client, statement: str) -> list[dict[str, Any]]:
    """The lines of an answer that ends."""
    answer = editor.post("/api/ksqldb/rows", json={"statement": statement, "properties": EARLIEST})
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines() if line]


def test_an_answer_is_a_table_and_a_change_is_recorded(editor: Client, actions: ActionLog):
    done = execute(editor, "CREATE STREAM BIG AS SELECT ID, UNITS FROM ORDERS WHERE AMOUNT > 5;")
    assert done.status_code == 200, done.text
    assert done.json()["blocks"][0]["level"] == "good"
    newest = actions.newest(1)[0]
    assert (newest.action, newest.outcome) == ("ksqldb.statement", Outcome.DONE)
    assert newest.lines == ("CREATE STREAM BIG AS SELECT ID, UNITS FROM ORDERS WHERE AMOUNT > 5;",)
    assert newest.who.endswith(" from 127.0.0.1")

    (block,) = execute(editor, "SHOW STREAMS;").json()["blocks"]
    assert (block["kind"], "name" in block["columns"]) == ("table", True)
    assert {"ORDERS", "BIG"} <= {row[block["columns"].index("name")] for row in block["rows"]}
    assert actions.newest(1) == (newest,)


def test_nothing_is_lost_without_a_confirmation(editor: Client, engine: RunningEngine, actions: ActionLog):
    engine.run("CREATE STREAM DOOMED AS SELECT ID, UNITS FROM ORDERS;")
    before = actions.newest(9)

    for body in ({}, {"confirmed": False}, {"confirmed": "yes"}, {"confirmed": 1}):
        refused = execute(editor, "DROP STREAM DOOMED DELETE TOPIC;", **body)
        assert refused.status_code == 409
        assert "its topic with all records" in refused.json()["loses"]
    assert actions.newest(9) == before
    assert "DOOMED" in json.dumps(execute(editor, "SHOW STREAMS;").json())

    assert execute(editor, "DROP STREAM DOOMED DELETE TOPIC;", confirmed=True).status_code == 200
    assert actions.newest(1)[0].thing == "DROP STREAM DOOMED DELETE TOPIC;"
    assert "DOOMED" not in json.dumps(execute(editor, "SHOW STREAMS;").json())


def test_several_statements_in_one_request_cannot_hide_a_loss(editor: Client):
    refused = execute(editor, "SHOW STREAMS; DROP TABLE TOTALS;")
    assert refused.status_code == 400
    assert "only one statement" in refused.json()["error"]


def test_a_refused_change_is_recorded_with_its_cause(editor: Client, actions: ActionLog):
    refused = execute(editor, "CREATE STREAM X AS SELECT NOPE\n FROM ORDERS;")

    assert refused.status_code == 400
    assert "NOPE" in refused.json()["error"]
    assert (refused.json()["line"], refused.json()["column"]) == (1, 27)
    newest = actions.newest(1)[0]
    assert (newest.outcome, "NOPE" in newest.result) == (Outcome.FAILED, True)


def test_nothing_runs_that_cannot_be_logged(engine: RunningEngine, tmp_path: Path):
    (tmp_path / "file").write_text("")
    log = ActionLog(tmp_path / "file" / "actions.jsonl", lambda: 0.0)
    with engine.client() as client:
        pages = editor_page.routes(client, log)
        with running_console(tmp_path / "inbox.sqlite", lambda: 0.0, pages) as console:
            refused = execute(console, "DROP TABLE TOTALS;", confirmed=True)
    assert (refused.status_code, "nothing was changed" in refused.json()["error"]) == (400, True)
    assert "TOTALS" in json.dumps(engine.run("LIST TABLES;"))


def test_an_error_names_its_place(editor: Client):
    refused = editor.post("/api/ksqldb/steps", json={"text": "SHOW STREAMS;\n SELCT 1;", "variables": {}})
    found = refused.json()
    assert (refused.status_code, found["line"], found["column"]) == (400, 2, 2)

    refused = editor.post("/api/ksqldb/rows", json={"statement": "SELECT NOPE FROM ORDERS EMIT CHANGES;"})
    assert (refused.status_code, refused.json()["column"]) == (400, 8)


def test_variables_are_replaced_before_a_statement_runs(editor: Client):
    body = {"text": "DESCRIBE ${s}", "variables": {"S": "ORDERS"}}
    (step,) = editor.post("/api/ksqldb/steps", json=body).json()["steps"]
    assert execute(editor, step["text"]).json()["blocks"][0]["title"] == "ORDERS"


def test_a_pull_query_ends_with_its_rows_and_whole_numbers_stay_exact(editor: Client, engine: RunningEngine):
    engine.run("CREATE TABLE UNITS AS SELECT ID, MAX(UNITS) AS U FROM ORDERS GROUP BY ID;")
    engine.order("exact", 0.5, units=9007199254740993)
    eventually(lambda: engine.world.values("UNITS"))

    eventually(lambda: len(rows(editor, "SELECT * FROM UNITS WHERE ID = 'exact';")) == 3)
    head, found, end = rows(editor, "SELECT * FROM UNITS WHERE ID = 'exact';")

    assert (head["columns"], head["types"]) == (["ID", "U"], ["STRING", "BIGINT"])
    assert found["rows"] == [["exact", "9007199254740993"]]
    assert end == {"end": True, "truncated": False}


def test_a_pull_query_with_too_many_rows_says_that_there_are_more(
    editor: Client, engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(editor_page, "MAX_PULL_ROWS", 2)
    for number in range(3):
        engine.order(f"many{number}", 0.5)
    found = rows(editor, "SELECT ID FROM ORDERS;")

    assert sum(len(line.get("rows", ())) for line in found) == 2
    assert found[-1] == {"end": True, "truncated": True}


def test_a_push_query_sends_rows_as_they_come_and_ends_with_its_page(editor: Client, engine: RunningEngine):
    body = {"statement": "SELECT ID FROM ORDERS WHERE AMOUNT = 77.5 EMIT CHANGES;", "properties": EARLIEST}
    answer = editor.post("/api/ksqldb/rows", json=body, stream=True)
    lines = (json.loads(line) for line in answer.iter_lines(chunk_size=None) if line)
    assert next(lines)["columns"] == ["ID"]
    eventually(lambda: len(engine.open_queries()) == 1)

    engine.order("live", 77.5)
    assert next(lines) == {"rows": [["live"]]}

    answer.close()
    eventually(lambda: engine.open_queries() == [], "the query ends")


class Rows:
    """A query without end that remembers whether it was ended."""

    def __init__(self) -> None:
        self.was_interrupted = threading.Event()

    def __iter__(self) -> Iterator[list[str]]:
        yield ["first"]
        self.was_interrupted.wait(60)

    def interrupt(self) -> None:
        self.was_interrupted.set()

    def close(self) -> None:
        self.was_interrupted.set()


def test_a_page_that_closes_before_the_first_row_ends_its_query():
    rows = Rows()

    async def closed() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def cut(_message: object) -> None:
        raise OSError("the connection is closed")

    response = RowsResponse({"columns": ["A"]}, RowReader(rows))
    with suppress(Exception):
        asyncio.run(response({"type": "http", "asgi": {"spec_version": "2.3"}}, closed, cut))
    assert rows.was_interrupted.is_set()


async def _lines_of(rows: Any) -> list[dict[str, Any]]:
    response = RowsResponse({"columns": ["A"]}, RowReader(rows))
    return [json.loads(line) async for line in response.body_iterator if bytes(line).strip()]  # type: ignore[arg-type]


class FewRows(Rows):
    """Rows that end, with an error if there is one."""

    def __init__(self, *found: Any, error: Exception | None = None) -> None:
        super().__init__()
        self._found, self._error = found, error

    def __iter__(self) -> Iterator[Any]:
        yield from self._found
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("error", [ValueError("broken"), AttributeError("broken"), RecursionError()])
def test_rows_that_an_unexpected_fault_ends_do_not_look_complete(error: Exception):
    lines = asyncio.run(_lines_of(FewRows(["a"], error=error)))
    assert lines[1] == {"rows": [["a"]]}
    assert "could not be read" in lines[-1]["error"]


@pytest.mark.parametrize("row", [["cut \ud83d"], [{"\ude00": 1}], [2**70], [float("inf")]])
def test_a_row_that_the_fast_encoder_refuses_is_sent(row: list[Any]):
    lines = asyncio.run(_lines_of(FewRows(row, ["next"])))
    assert [len(line.get("rows", ())) for line in lines[1:-1]] == [2]
    assert lines[-1] == {"end": True, "truncated": False}


def test_a_topic_is_printed_until_its_page_closes(editor: Client, engine: RunningEngine):
    engine.order("printed", 1.5)
    body = {"statement": "PRINT orders FROM BEGINNING;", "properties": {}}
    answer = editor.post("/api/ksqldb/rows", json=body, stream=True)
    lines = (json.loads(line) for line in answer.iter_lines(chunk_size=None) if line)

    assert next(lines) == {"lines": True}
    assert any("key:" in text for text in next(lines)["rows"])
    answer.close()


def test_a_query_that_ends_early_reports_why(editor: Client, engine: RunningEngine):
    body = {"statement": "SELECT ID FROM ORDERS EMIT CHANGES LIMIT 1;", "properties": EARLIEST}
    engine.order("limited", 1.5)
    found = [json.loads(line) for line in editor.post("/api/ksqldb/rows", json=body).text.splitlines() if line]
    assert found[-1] == {"end": True, "truncated": False}
    assert sum(len(line.get("rows", ())) for line in found) == 1


def test_only_queries_have_rows(editor: Client):
    refused = editor.post("/api/ksqldb/rows", json={"statement": "DROP TABLE TOTALS;"})
    assert (refused.status_code, refused.json()["error"]) == (400, "Only SELECT and PRINT have rows.")


def test_names_are_live_and_written_as_statements_need_them(editor: Client, engine: RunningEngine):
    engine.run("CREATE STREAM `mixed Case` AS SELECT ID, AMOUNT AS `from` FROM ORDERS;")
    names = editor.get("/api/ksqldb/names").json()["names"]

    assert {"text": "`mixed Case`", "kind": "stream", "of": "", "type": ""} in names
    assert {"text": "`from`", "kind": "column", "of": "mixed Case", "type": "DOUBLE"} in names
    assert {"text": "SELECT", "kind": "keyword"} in names


def test_queries_come_with_state_and_the_explanation_with_a_picture(editor: Client):
    found = editor.get("/api/ksqldb/queries").json()["queries"]
    (query,) = (each for each in found if each["sinks"] == ["TOTALS"])
    assert query["state"] == "RUNNING"
    assert query["sources"] == ["ORDERS", "CUSTOMERS"]

    blocks = execute(editor, f"EXPLAIN {query['id']};").json()["blocks"]
    (picture,) = (block for block in blocks if block["kind"] == "picture")
    words = [picture["steps"][number]["word"] for number in picture["order"]]
    assert words[0] == "Source"
    assert words[-1] == "Sink"
    assert {"Inner join", "Filter", "Group", "Aggregate"} <= set(words)


def test_a_description_shows_columns_and_queries(editor: Client):
    blocks = execute(editor, "DESCRIBE ORDERS EXTENDED;").json()["blocks"]
    tables = {block["title"]: block["rows"] for block in blocks if block["kind"] == "table"}

    assert ["ID", "VARCHAR(STRING)", "key"] in tables["Columns"]
    assert any(row[0].startswith("CTAS_TOTALS") for row in tables["Queries that read it"])
    assert dict(blocks[0]["rows"])["Topic"] == "orders"


def test_functions_and_types_are_described(editor: Client, engine: RunningEngine):
    engine.run("CREATE TYPE POINT AS STRUCT<X INTEGER, Y ARRAY<DOUBLE>>;")
    (types,) = execute(editor, "LIST TYPES;").json()["blocks"]
    assert types["rows"] == [["POINT", "STRUCT<X INTEGER, Y ARRAY<DOUBLE>>"]]

    blocks = execute(editor, "DESCRIBE FUNCTION UCASE;").json()["blocks"]
    assert blocks[0]["title"] == "UCASE"
    assert blocks[1]["rows"][0][0].startswith("UCASE(")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b'{"statement": 7}', b'{"text": null}', b'{"statement": ""}']
)
@pytest.mark.parametrize("path", ["steps", "statements", "rows"])
def test_malformed_requests_are_refused(editor: Client, path: str, body: bytes):
    answer = editor.post(f"/api/ksqldb/{path}", data=body)
    assert answer.status_code == (200 if path == "steps" else 400)
    assert "steps" in answer.json() or answer.json()["error"]


def test_a_page_of_another_site_cannot_run_statements(editor: Client, engine: RunningEngine):
    body = {"statement": "DROP TABLE TOTALS;", "confirmed": True}
    refused = editor.post("/api/ksqldb/statements", json=body, headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403
    assert "TOTALS" in json.dumps(engine.run("LIST TABLES;"))


def test_without_a_server_keywords_still_complete_and_errors_name_it(tmp_path: Path):
    log = ActionLog(tmp_path / "actions.jsonl", lambda: 0.0)
    nowhere = KsqlClient(Connection("ksqlDB", "http://127.0.0.1:9", patience_s=0))
    with nowhere, running_console(tmp_path / "inbox.sqlite", lambda: 0.0, editor_page.routes(nowhere, log)) as console:
        found = console.get("/api/ksqldb/names").json()
        assert "no answer" in found["error"]
        assert {"text": "SELECT", "kind": "keyword"} in found["names"]
        for path, method in (("statements", console.post), ("rows", console.post), ("queries", console.get)):
            options = {"json": {"statement": "SELECT * FROM A;" if path == "rows" else "SHOW TABLES;"}}
            answer = method(f"/api/ksqldb/{path}", **(options if method == console.post else {}))
            assert (answer.status_code, "no answer" in answer.json()["error"]) == (503, True)


def test_numbers_that_a_browser_would_round_are_texts():
    large = 2**53
    assert exact_in_browser([large, -large, large - 1, True, None, "x", 1.5]) == [
        str(large),
        str(-large),
        large - 1,
        True,
        None,
        "x",
        1.5,
    ]
    assert exact_in_browser({"a": [{"b": large}]}) == {"a": [{"b": str(large)}]}
