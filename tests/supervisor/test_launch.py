"""Starting and stopping a platform whose home cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from bifrost.errors import ComponentError
from bifrost.settings import Settings
from bifrost.supervisor.launch import start_platform
from bifrost.supervisor.stop import stop_platform


@pytest.mark.parametrize("home", ["/dev/null/home", "file"])
def test_a_home_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path, home: str):
    (tmp_path / "file").touch()
    settings = Settings({"BIFROST_HOME": str(tmp_path / home)}, tmp_path)
    for act in (start_platform, stop_platform):
        with pytest.raises(ComponentError, match=rf"cannot use the folder {settings.home} \(BIFROST_HOME\): .*Not a"):
            act(settings, progress=lambda line: None)
