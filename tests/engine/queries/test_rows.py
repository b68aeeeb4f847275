import threading

from bifrost.engine.queries.rows import ResultColumn, ResultHeader, RowBuffer
from bifrost.sql.types import BIGINT, STRING


def test_the_header_shows_its_columns_as_ksqldb_does():
    header = ResultHeader("q", (ResultColumn("ID", STRING, True), ResultColumn("N", BIGINT)))
    assert str(header) == "`ID` STRING KEY, `N` BIGINT"


def test_rows_leave_in_the_order_of_arrival():
    buffer = RowBuffer()
    assert buffer.put((1,))
    assert buffer.put((2,))
    assert buffer.take() == [(1,), (2,)]
    assert buffer.take() == []


def test_a_full_buffer_makes_its_writer_wait_until_someone_reads():
    buffer = RowBuffer(capacity=2)
    written = []
    writer = threading.Thread(target=lambda: written.extend(buffer.put((n,)) for n in range(4)))
    writer.start()
    taken = []
    while len(taken) < 4:
        taken += buffer.take(1.0)
    writer.join(5)
    assert taken == [(0,), (1,), (2,), (3,)]
    assert written == [True] * 4


def test_a_client_that_is_gone_frees_the_query():
    buffer = RowBuffer(capacity=1)
    answers = []
    writer = threading.Thread(target=lambda: answers.extend(buffer.put((n,)) for n in range(3)))
    writer.start()
    while len(answers) < 1:
        pass
    buffer.close()
    writer.join(5)
    assert answers == [True, False, False]


def test_the_callback_reports_the_first_row_and_the_end():
    calls = []
    buffer = RowBuffer()
    buffer.on_ready = lambda: calls.append(len(calls))
    buffer.put((1,))
    buffer.put((2,))
    buffer.close()
    assert len(calls) == 2
