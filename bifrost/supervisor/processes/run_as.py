"""The account that a database runs as when the supervisor runs as root: some databases refuse root."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

UNPRIVILEGED = "nobody"


def unprivileged_user(folder: Path) -> str | None:
    """The account to run as: `nobody` if we are root and it can reach the folder, else `None` (our own)."""
    if os.geteuid() != 0:
        return None
    ancestors = (parent for parent in folder.parents if parent.exists())
    return UNPRIVILEGED if all(parent.stat().st_mode & stat.S_IXOTH for parent in ancestors) else None


def give_folder_to(folder: Path, user: str | None) -> None:
    """Give a folder and its content to an account (`None`: our own). Does nothing unless we are root."""
    if os.geteuid() != 0:
        return
    account = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def drop_root_prefix(folder: Path) -> tuple[str, ...]:
    """The command prefix that drops root rights, for programs that refuse to run as root; empty if we are not root.

    If the unprivileged account cannot reach `folder`, the command keeps the capability to bypass file permissions.
    """
    if os.geteuid() != 0:
        return ()
    group = pwd.getpwnam(UNPRIVILEGED).pw_gid
    rights = () if unprivileged_user(folder) else ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    account = (f"--reuid={UNPRIVILEGED}", f"--regid={group}", "--clear-groups")
    # Changing the account clears the parent-death signal, so it is set again.
    return ("setpriv", *account, *rights, "--pdeathsig=KILL")
