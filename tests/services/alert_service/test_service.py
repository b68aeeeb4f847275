"""The service of all alerts: changed files, broken files, and alerts that fail."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bifrost.alerts import Alert, read_problems
from bifrost.errors import DeclarationError, SettingError, Unreachable
from services.alert_service import service as service_module
from services.alert_service.record_columns import RecordLayout
from services.alert_service.service import MAX_SETTLE_S, MISFIT_CHECK_INTERVAL_S, AlertService
from services.alert_service.worker import check_alert_fits
from tests.fakes.clock import FakeClock

ALERT = 'topic = "T"\nchannel = "slack"\nto = "room"\ntemplate = "{A} happened"\n'
SHAPE = RecordLayout((("ID", "STRING"),), "JSON", "JSON", "TUMBLING", "T", ("A", "B"))


@dataclass
class FakeWorker:
    alert: Alert
    error: Exception | None = None
    ended: bool = False
    is_settled: bool = True
    reads_from_beginning: bool = False

    def start(self) -> None: ...

    def request_stop(self) -> None:
        self.ended = True

    def join(self) -> None: ...


@dataclass
class Stage:
    """A folder of alerts, the service over it, and the workers that it opened."""

    folder: Path
    shape: RecordLayout = SHAPE
    clock: FakeClock = field(default_factory=FakeClock)
    opened: list[FakeWorker] = field(default_factory=list)
    settled: bool = True

    def __post_init__(self) -> None:
        (self.folder / "alerts").mkdir()
        self.service = AlertService(
            self.folder / "alerts",
            self.folder / "run" / "alerts.json",
            self._open,
            lambda alert: check_alert_fits(alert, self.shape),
            clock=self.clock.monotonic,
        )

    def _open(self, alert: Alert, from_beginning: bool) -> FakeWorker:
        self.opened.append(FakeWorker(alert, is_settled=self.settled, reads_from_beginning=from_beginning))
        return self.opened[-1]

    def write(self, text: str, name: str = "it.toml") -> None:
        (self.folder / "alerts" / name).write_text(text)
        self.service.update()

    def running(self) -> list[str]:
        """The running alerts, each with its name and the end of its template."""
        return [
            f"{worker.alert.name}: {worker.alert.template.pieces[-1]}" for worker in self.opened if not worker.ended
        ]

    def problems(self) -> dict[str, str]:
        """The problems that `status` shows."""
        return read_problems(self.folder / "run" / "alerts.json")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_new_changed_and_removed_files_are_picked_up(stage: Stage):
    stage.write(ALERT)
    stage.write(ALERT, "other.toml")
    stage.write(ALERT.replace("happened", "was seen"))
    assert stage.running() == ["other:  happened", "it:  was seen"]

    (stage.folder / "alerts" / "other.toml").unlink()
    stage.service.update()
    assert stage.running() == ["it:  was seen"]
    assert len(stage.opened) == 3


def test_a_change_of_comments_restarts_nothing(stage: Stage):
    stage.write(ALERT)
    stage.service.update()
    stage.write("# only a comment\n" + ALERT.replace("\n", "\n\n"))

    assert len(stage.opened) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("topic =", "is not TOML"),
        (ALERT.replace("{A}", "{C}"), "it.toml:4: template: T has no column C; its columns are ID, A, B, WINDOWSTART"),
        (ALERT.replace("{A}", "{a}"), "T has no column a; did you mean A?"),
        (ALERT + '[once]\nby = ["WINDOWEND"]\nwithin = "1 hour"\n', "it.toml:6: by: T has no column WINDOWEND"),
    ],
)
def test_a_faulty_change_keeps_the_running_alert_and_is_reported(
    stage: Stage, caplog: pytest.LogCaptureFixture, text: str, problem: str
):
    stage.write(ALERT)
    stage.write(text)

    assert stage.running() == ["it:  happened"]
    assert problem in caplog.messages[-1] and caplog.messages[-1].endswith("; its previous version keeps running")
    assert problem in stage.problems()["it"]
    stage.write(ALERT)
    assert stage.problems() == {}
    assert len(stage.opened) == 1


def test_a_file_that_is_faulty_from_the_start_is_reported(stage: Stage, caplog: pytest.LogCaptureFixture):
    stage.write("topic =")

    assert stage.running() == []
    assert caplog.messages[-1].endswith("; the alert is not sent")


def test_a_changed_alert_is_picked_up_when_its_statement_changes(stage: Stage, caplog: pytest.LogCaptureFixture):
    stage.write(ALERT)
    stage.write(ALERT.replace("{A}", "{C}"))
    stage.clock.now += MISFIT_CHECK_INTERVAL_S
    stage.service.update()
    assert stage.running() == ["it:  happened"]
    assert len(caplog.messages) == 1

    stage.shape = RecordLayout((), "NONE", "JSON", "", "T", ("C",))
    stage.clock.now += MISFIT_CHECK_INTERVAL_S
    stage.service.update()
    assert [worker.alert.columns for worker in stage.opened if not worker.ended] == [{"C"}]
    assert stage.problems() == {}


def test_an_alert_without_a_setting_does_not_keep_the_others_back(stage: Stage, caplog: pytest.LogCaptureFixture):
    stage.write(ALERT)
    stage.write(ALERT, "other.toml")
    stage.opened[0].error = SettingError("SLACK_API_TOKEN", "is not set")
    for _ in range(3):
        stage.clock.now += 100
        stage.service.update()

    assert len(stage.opened) == 2
    assert stage.problems() == {"it": "SLACK_API_TOKEN: is not set"}
    assert caplog.messages == ["it stopped: SLACK_API_TOKEN: is not set"]


def test_the_service_ends_when_no_alert_can_be_sent(stage: Stage):
    stage.write(ALERT)
    stage.opened[0].error = SettingError("SLACK_API_TOKEN", "Slack refuses it")

    with pytest.raises(SettingError, match="Slack refuses it"):
        stage.service.update()


def test_a_temporary_failure_is_retried_with_growing_delays(stage: Stage):
    stage.write(ALERT)
    began = []
    for now in range(20):
        stage.clock.now = now
        if stage.opened[-1].error is None:
            began.append(now)
            stage.opened[-1].error = Unreachable("Kafka", "position", "no answer")
        stage.service.update()

    assert began == [0, 2, 5, 10, 19]
    assert "no answer" in stage.problems()["it"]


def test_a_failed_attempt_does_not_forget_that_the_topic_was_new(stage: Stage):
    stage.write(ALERT)
    stage.opened[0].reads_from_beginning = True
    stage.opened[0].error = Unreachable("Kafka", "position", "no answer")
    stage.service.update()
    stage.clock.now += 10
    stage.service.update()

    assert [worker.reads_from_beginning for worker in stage.opened] == [True, True]


@pytest.mark.parametrize(
    ("change", "from_beginning"),
    [
        (("happened", "was seen"), True),
        (('topic = "T"', 'topic = "U"'), False),
        (('topic = "T"', 'topic = "T"\ngroup = "other"'), False),
    ],
)
def test_a_changed_file_keeps_the_start_of_its_topic_and_group(
    stage: Stage, change: tuple[str, str], from_beginning: bool
):
    stage.write(ALERT)
    stage.opened[0].reads_from_beginning = True
    stage.write(ALERT.replace(*change))

    assert stage.opened[1].reads_from_beginning is from_beginning


def test_a_recovered_alert_is_no_longer_a_problem(stage: Stage):
    stage.write(ALERT)
    stage.opened[0].error = Unreachable("Kafka", "position", "no answer")
    stage.service.update()
    stage.clock.now += 10
    stage.service.update()

    assert stage.problems() == {}


def test_the_service_is_ready_when_no_alert_misses_a_record(stage: Stage):
    ready = stage.folder / "run" / "alerts.json"
    stage.settled = False
    stage.write(ALERT)
    stage.write(ALERT, "other.toml")
    stage.opened[0].is_settled = True
    stage.service.update()
    assert not ready.exists()

    stage.opened[1].is_settled = True
    stage.service.update()
    assert ready.exists()


def test_the_wait_to_be_ready_is_limited(stage: Stage):
    stage.settled = False
    stage.write(ALERT)
    stage.clock.now += MAX_SETTLE_S
    stage.service.update()

    assert stage.problems() == {}
    assert (stage.folder / "run" / "alerts.json").exists()


def test_formats_that_cannot_be_read_are_refused(stage: Stage):
    stage.write(ALERT)

    with pytest.raises(DeclarationError, match="topic T has KAFKA keys and PROTOBUF values, which alerts cannot read"):
        check_alert_fits(stage.opened[0].alert, RecordLayout((), "KAFKA", "PROTOBUF"))


def test_a_full_disk_does_not_end_the_alerts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(_path: Path, _problems: dict[str, str]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(service_module, "write_problems", full)
        stage.write(ALERT)
        stage.service.update()
    assert stage.running() == ["it:  happened"]
    assert [line for line in caplog.messages if "No space left on device" in line] == caplog.messages

    stage.service.update()
    assert stage.problems() == {}
