import pytest

from tests.engine.runtime.engines import World


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()
