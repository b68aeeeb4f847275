"""A saved plan is carried out as it was made, or not at all."""

import json
import stat

import pytest

from bifrost.deployer.plan.make_plan import make_plan
from bifrost.deployer.plan.options import PlanOptions
from bifrost.deployer.plan.replace_choices import ReplaceChoices
from bifrost.deployer.plan.saved_plan import PlanScope, read_plan, refuse_moved, save_plan
from bifrost.deployer.plan.selection import ActionFilter
from bifrost.deployer.settled_state import read_settled
from bifrost.errors import PlanRefused, SettingError
from bifrost.settings import PROJECT
from tests.deployer.conftest import CONNECTOR, CUSTOMERS, RATINGS
from tests.json_schema import violations

SCHEMA = json.loads((PROJECT / "docs/reference/plan.schema.json").read_text(encoding="utf-8"))
SCOPE = PlanScope("embedded", "", (), PlanOptions())


def planned(project, fakes):
    declared = project.declared()
    live = read_settled(fakes.platform, declared, fakes.clock, fakes.waits.append)
    return make_plan(declared, live), declared, live


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a plan.json"


@pytest.fixture
def save(project, fakes, file):
    def save():
        save_plan(file, SCOPE, *planned(project, fakes))
        return read_plan(file)

    return save


def moved(saved, project, fakes) -> str:
    with pytest.raises(PlanRefused) as refused:
        refuse_moved(saved, *planned(project, fakes))
    return str(refused.value)


def test_a_plan_fits_while_nothing_moves(project, fakes, save):
    fakes.up(project.declared())
    fakes.kafka.alter_config("ratings", {"retention.ms": "1000"})

    refuse_moved(save(), *planned(project, fakes))


def test_a_plan_fits_in_another_checkout(project, fakes, save, tmp_path_factory):
    saved = save()
    other = type(project)(tmp_path_factory.mktemp("other") / "checkout")
    for path in project.root.rglob("*"):
        if path.is_file() and path.parent != project.root:
            text = path.read_text(encoding="utf-8")
            # Where a statement stands in its file does not matter.
            other.write(str(path.relative_to(project.root)), f"\n\n{text}" if path.suffix == ".sql" else text)

    refuse_moved(saved, *planned(other, fakes))


def test_a_changed_declaration_is_reported(project, fakes, save):
    fakes.up(project.declared())
    project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "tasks.max": "2"})
    saved = save()
    project.write("connectors/ratings/mysql-demo-customers.json", {**CONNECTOR, "tasks.max": "3"})

    assert "connector mysql-demo-customers: the declaration has changed" in moved(saved, project, fakes)


def test_a_changed_live_thing_is_reported_even_if_the_reason_reads_the_same(project, fakes, save):
    fakes.up(project.declared())
    fakes.connect.configs["mysql-demo-customers"] |= {"database.password": "plain"}
    saved = save()
    fakes.connect.configs["mysql-demo-customers"] |= {"database.password": "other"}

    assert "connector mysql-demo-customers: the live one has changed" in moved(saved, project, fakes)


def test_a_new_change_is_reported(project, fakes, save):
    fakes.up(project.declared())
    saved = save()
    fakes.kafka.alter_config("ratings", {"retention.ms": "1000"})
    project.write("ksql/ratings.sql", f"{RATINGS}CREATE STREAM MORE WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');")

    text = moved(saved, project, fakes)

    assert "topic ratings: planned was keep; now it is update (retention.ms: 1000 -> 604800000)" in text
    assert "statement MORE: is planned now: create (is missing)" in text
    assert text.startswith("nothing was changed; ")


def test_a_change_that_disappeared_is_reported(project, fakes, save):
    project.write("ksql/ratings.sql", f"{RATINGS}CREATE STREAM MORE WITH (KAFKA_TOPIC='ratings', VALUE_FORMAT='AVRO');")
    saved = save()
    project.write("ksql/ratings.sql", RATINGS)

    assert "statement MORE: is no longer planned" in moved(saved, project, fakes)


def test_what_was_carried_out_since_does_not_matter(project, fakes, save):
    saved = save()
    fakes.up(project.declared())

    refuse_moved(saved, *planned(project, fakes))


def test_what_was_carried_out_in_another_form_is_reported(project, fakes, save):
    saved = save()
    project.write("ksql/customers.sql", CUSTOMERS.replace("EMAIL FROM", "UCASE(EMAIL) AS EMAIL FROM"))
    fakes.up(project.declared())

    assert "statement CUSTOMERS_SRC_REKEY: is already as declared now, but" in moved(saved, project, fakes)


def test_only_its_owner_can_read_a_plan_and_it_holds_no_secret(project, fakes, save, file):
    fakes.up(project.declared())
    fakes.connect.configs["mysql-demo-customers"] |= {"database.password": "tr0ub4dor"}
    file.write_text("older", encoding="utf-8")
    file.chmod(0o644)

    save()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "tr0ub4dor" not in file.read_text(encoding="utf-8")
    assert [path.name for path in file.parent.glob(".*plan*")] == []


def test_two_plans_of_the_same_thing_have_other_fingerprints(project, fakes, save):
    fakes.up(project.declared())
    first, second = save(), save()

    assert first.actions[0].fingerprint != second.actions[0].fingerprint


def test_the_options_come_back(project, fakes, file):
    options = PlanOptions(True, ReplaceChoices("latest", "delete", True), ActionFilter(("topic:*",), ("topic:x",)))
    scope = PlanScope("remote", "staging", ("ratings",), options)
    save_plan(file, scope, *planned(project, fakes))

    assert read_plan(file).scope == scope


def test_a_file_follows_the_documented_schema(project, fakes, save, file):
    fakes.up(project.declared())
    fakes.connect.configs["foreign"] = {"connector.class": "x"}
    fakes.connect.states["foreign"] = "RUNNING"
    save()

    assert violations(json.loads(file.read_text(encoding="utf-8")), SCHEMA) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no JSON", "is not JSON"),
        ("[]", "is not a saved plan of format 1"),
        ('{"format": 2}', "is not a saved plan of format 1"),
        ('{"format": 1, "target": "embedded"}', "is a damaged plan"),
        ('{"format": 1, "target": "", "environment": "", "pipelines": 1}', "is a damaged plan"),
    ],
)
def test_another_file_is_no_plan(file, text, problem):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError, match=problem):
        read_plan(file)


def test_a_missing_file_and_a_folder_without_access_are_named(project, fakes, tmp_path):
    with pytest.raises(SettingError, match="cannot be read"):
        read_plan(tmp_path / "missing")
    with pytest.raises(SettingError, match="cannot be written"):
        save_plan(tmp_path / "missing" / "plan", SCOPE, *planned(project, fakes))
