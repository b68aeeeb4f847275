"""The lock in a topic, held by another process, against librdkafka's mock cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from bifrost.clients import kafka
from bifrost.clients.topic_log import TopicLog
from bifrost.deployer.live.deployment_lock import DeploymentLock, renewed
from bifrost.deployer.live.this_process import BootClock, this_deployer
from bifrost.errors import LockHeld
from bifrost.settings import PROJECT, Settings
from tests.rest_proxy.conftest import mock_cluster

TOPIC = "deployments"
HOLDER = """
import sys
from bifrost.clients.topic_log import TopicLog
from bifrost.deployer.live.deployment_lock import DeploymentLock, renewed
from bifrost.deployer.live.this_process import BootClock, this_deployer
from bifrost.settings import Settings
log = TopicLog(Settings({"KAFKA_BOOTSTRAP_SERVERS": sys.argv[1]}), "deployments")
lock = DeploymentLock(log, "bifrost", this_deployer("deploy.py up ratings"), BootClock())
lock.acquire(30, print)
with renewed(lock):
    print("held", flush=True)
    sys.stdin.readline()
log.close()
print("released", flush=True)
"""


@pytest.fixture
def settings():
    with mock_cluster() as cluster:
        # The mock cluster cannot create topics on request, but does so for a producer.
        writer = kafka.producer(cluster)
        writer.produce(TOPIC, b"{}", b"bifrost|statement|ALERTS", partition=0)
        assert writer.flush(30) == 0
        yield Settings({"KAFKA_BOOTSTRAP_SERVERS": cluster["bootstrap.servers"]})


@pytest.fixture
def holder(settings):
    command = (sys.executable, "-c", HOLDER, settings.get("KAFKA_BOOTSTRAP_SERVERS"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, text=True, **pipes) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def acquire(settings, timeout_s: float) -> None:
    with closing(TopicLog(settings, TOPIC)) as log:
        lock = DeploymentLock(log, "bifrost", this_deployer("deploy.py up"), BootClock())
        lock.acquire(timeout_s, print)
        with renewed(lock):
            lock.check()


def test_another_process_keeps_the_lock_until_it_is_done(settings, holder):
    with pytest.raises(LockHeld, match=rf"process {holder.pid}, since .*, `deploy.py up ratings`"):
        acquire(settings, 0)

    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "released\n"
    acquire(settings, 0)


def test_a_killed_process_blocks_nobody(settings, holder):
    os.kill(holder.pid, signal.SIGKILL)
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)

    acquire(settings, 0)
    acquire(settings, 0)
