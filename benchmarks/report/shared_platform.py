"""The platform that several programs of the report share, one after another."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import ExitStack

from benchmarks.own_platform import OwnPlatform, own_platform
from benchmarks.platform import wait_for
from bifrost.errors import BifrostError

WELL_S = 180.0
"""A program may leave the platform disturbed; it has so long to recover before the next one."""


class SharedPlatform:
    """A platform that starts on first use, and again if it does not recover from a program; a context that ends it."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._platform: OwnPlatform | None = None

    def environment(self) -> Mapping[str, str]:
        """The settings of a platform that runs well.

        Raises:
            RuntimeError: it does not start.
        """
        if self._platform is not None and not _is_well(self._platform):
            self.stop()
        if self._platform is None:
            try:
                self._platform = self._running.enter_context(own_platform())
                self._platform.succeed("up", "--ports", "auto", "--yes")
            except (BifrostError, RuntimeError, OSError, subprocess.SubprocessError) as error:
                self.stop()
                raise RuntimeError(f"its platform did not start: {_end(str(error))}") from error
        return self._platform.values

    def stop(self) -> None:
        """Stop the platform and delete its data."""
        self._platform = None
        self._running.close()

    def __enter__(self) -> SharedPlatform:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()


def _is_well(platform: OwnPlatform) -> bool:
    try:
        wait_for("a platform that runs", lambda: platform.run("status", "--check").returncode == 0, WELL_S, pause_s=2)
    except TimeoutError:
        return False
    return True


def _end(text: str) -> str:
    return " ".join(text.split())[-300:]
