"""The platform of fakes, with the small project deployed."""

from __future__ import annotations

import pytest

from tests.deployer.conftest import Fakes, fakes, project

__all__ = ["fakes", "project"]


@pytest.fixture
def deployed(project, fakes) -> Fakes:
    return deploy(project, fakes)


def deploy(project, fakes) -> Fakes:
    """Bring the project up on the fakes."""
    fakes.services.add("ratings_bot")
    fakes.services.add("broker", "ready")
    fakes.up(project.declared())
    fakes.forget_writes()
    return fakes
