"""Where the JVM stack of the present poms is installed. Standard library only, as the bootstrap asks it too."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bifrost.settings import Settings

_EDITION = "1"
"""Of what the installation does beyond the poms; another one makes every stack be fetched anew."""

_PARTS = ("stack", "search", "s3")
"""The folders of `jvm/` that the stack is made from."""


def poms(settings: Settings) -> Path:
    """The folder of the stack's poms."""
    return settings.project / "jvm" / "stack"


def stack_folder(settings: Settings) -> Path:
    """The stack's folder, named after the content of what it is made from."""
    folder = settings.project / "jvm"
    digest = hashlib.sha256(_EDITION.encode())
    for part in _PARTS:
        for source in sorted((*(folder / part).rglob("pom.xml"), *(folder / part).rglob("*.java"))):
            digest.update(source.relative_to(folder).as_posix().encode() + source.read_bytes())
    return settings.cache / f"stack-{digest.hexdigest()[:12]}"


def is_installed(settings: Settings) -> bool:
    """Whether the stack is there; it is complete then."""
    return stack_folder(settings).is_dir()
