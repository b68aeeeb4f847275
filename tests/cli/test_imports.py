"""A command imports what it needs; a list of commands needs next to nothing."""

import inspect
import json
import subprocess
import sys
from importlib import import_module

import pytest

from bifrost.cli.main import COMMANDS
from bifrost.settings import PROJECT

HEAVY = ("confluent_kafka", "boto3", "pymongo", "psycopg", "scapy", "requests", "fastavro", "google.protobuf")
ENGINE = ("bifrost.engine", "bifrost.sql", "bifrost.supervisor", "bifrost.deployer")


def modules_after(*arguments: str) -> set[str]:
    program = (
        "import json, sys\n"
        "from bifrost.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print('\\n' + json.dumps(sorted(sys.modules)))"
    )
    run = subprocess.run(
        (sys.executable, "-c", program, *arguments), cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout.splitlines()[-1]))


def modules_with(module: str) -> set[str]:
    program = f"import json, sys, {module}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run((sys.executable, "-c", program), cwd=PROJECT, capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_and_version_import_no_heavy_module(arguments):
    found = modules_after(*arguments)
    assert [name for name in (*HEAVY, *ENGINE) if name in found] == []


def test_plan_imports_neither_the_supervisor_nor_clients_of_stores():
    found = modules_with("bifrost.cli.planning")
    assert [name for name in ("boto3", "pymongo", "psycopg", "scapy", "bifrost.supervisor") if name in found] == []


@pytest.mark.parametrize("command", ["plan", "up"])
def test_the_help_of_a_deployment_imports_no_heavy_module(command):
    found = modules_after(command, "--help")
    assert [name for name in (*HEAVY, "bifrost.engine", "bifrost.sql", "bifrost.supervisor") if name in found] == []


def test_up_imports_no_client_of_a_database():
    found = modules_with("bifrost.cli.bringing_up")
    assert [name for name in ("boto3", "pymongo", "psycopg", "scapy") if name in found] == []


def test_down_imports_no_component():
    found = modules_after("down", "--help")
    assert [name for name in (*HEAVY, "bifrost.supervisor.platform_components") if name in found] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_command_says_of_itself(name):
    function = import_module(f"bifrost.cli.commands.{name.replace('-', '_')}").command
    assert inspect.getdoc(function) == COMMANDS[name]


def test_plan_imports_no_certificates():
    """Their library costs a tenth of `plan`."""
    assert [name for name in modules_with("bifrost.cli.planning") if name.startswith("cryptography")] == []


def test_plan_imports_no_engine_before_it_needs_one():
    assert [name for name in modules_with("bifrost.cli.planning") if name.startswith("bifrost.engine")] == []


@pytest.mark.parametrize("command", ["down", "csv-schema"])
def test_a_command_that_plans_nothing_does_not_import_the_plan(command):
    found = modules_after(command, "--help")
    assert [name for name in ("bifrost.deployer.plan.actions", "bifrost.sql.tree") if name in found] == []
