import pytest

from tests.engine.workers.threads import WorkerWorld


@pytest.fixture
def world():
    made = WorkerWorld()
    yield made
    made.close()
