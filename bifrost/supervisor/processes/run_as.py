"""Which account a database runs as when we are root: some refuse root, and none needs it."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

UNPRIVILEGED = "nobody"


def unprivileged_user(folder: Path) -> str | None:
    """The account to run as when we are root: an unprivileged one, if it can get at the folder."""
    if os.geteuid() != 0:
        return None
    ancestors = (parent for parent in folder.parents if parent.exists())
    return UNPRIVILEGED if all(parent.stat().st_mode & stat.S_IXOTH for parent in ancestors) else None


def give_folder_to(folder: Path, user: str | None) -> None:
    """Make a folder and all in it an account's own, by default ours; only root can, for others nothing changes."""
    if os.geteuid() != 0:
        return
    account = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def drop_root_prefix(folder: Path) -> tuple[str, ...]:
    """What to put before a command that must not be run by root; nothing when we are not.

    Where the unprivileged account cannot get at `folder`, the command keeps the one right to pass by permissions.
    """
    if os.geteuid() != 0:
        return ()
    group = pwd.getpwnam(UNPRIVILEGED).pw_gid
    rights = () if unprivileged_user(folder) else ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    account = (f"--reuid={UNPRIVILEGED}", f"--regid={group}", "--clear-groups")
    # The change of account takes away the signal by which a child ends with its parent.
    return ("setpriv", *account, *rights, "--pdeathsig=KILL")
