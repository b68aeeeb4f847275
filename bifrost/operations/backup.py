"""Backs the data of a stopped embedded platform up into one file, and restores it into a fresh folder.

The file is a gzipped tar: a manifest, then the files of the data folder with owners, modes and times.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from bifrost import __version__
from bifrost.clients.supervisor import SupervisorClient
from bifrost.errors import OperationRefused
from bifrost.settings import Settings
from bifrost.supervisor.launch import start_lock
from bifrost.supervisor.processes.leftovers import leftover_pids
from bifrost.supervisor.supervisor_lock import is_supervised

FORMAT = 1
MANIFEST = "bifrost-backup.json"
_FOLDER = "data"
_CHUNK = 1 << 20
_ZEROS = bytes(_CHUNK)
_COMPRESSION = 1
"""Fast: records are compressed already, and what is left are files that are mostly zeros."""

OnBytes = Callable[[int, int], None]
"""Receives the bytes done so far, and those of the whole."""


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup holds. `version` is that of Bifrost, which decides the versions of all databases in it."""

    format: int
    version: str
    created_ms: int
    files: int
    bytes: int


def plan_backup(settings: Settings) -> BackupManifest:
    """What a backup would hold now.

    Raises:
        OperationRefused: the platform runs, or there is no data.
    """
    _refuse_running(settings, "backed up")
    if not settings.data.is_dir():
        raise OperationRefused(f"nothing was backed up: {settings.data} does not exist; `up` creates it")
    sizes = [_size(found) for found in _files(settings.data)]
    return BackupManifest(FORMAT, __version__, int(time.time() * 1000), len(sizes), sum(sizes))


def back_up(settings: Settings, file: Path, on_bytes: OnBytes = lambda _done, _all: None) -> BackupManifest:
    """Write the data into a file that only its owner can read; it appears when it is complete.

    Raises:
        OperationRefused: the platform runs, there is no data, or the file cannot be written.
    """
    with start_lock(settings), _naming(file, "backed up"):
        manifest = plan_backup(settings)
        part = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
                _write(settings.data, manifest, output, on_bytes)
                output.flush()
                os.fsync(output.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    return manifest


def read_manifest(file: Path) -> BackupManifest:
    """The manifest of a backup.

    Raises:
        OperationRefused: the file is no backup, or was written by another version.
    """
    with _naming(file, "restored"), tarfile.open(file, "r:gz") as archive:
        return _manifest(file, archive)


def restore(settings: Settings, file: Path, on_bytes: OnBytes = lambda _done, _all: None) -> BackupManifest:
    """Create the data folder from a backup; it appears when it is complete.

    Raises:
        OperationRefused: the platform runs or has data, or the file is damaged, no backup, or of another version.
    """
    with start_lock(settings), _naming(file, "restored"):
        _refuse_running(settings, "restored")
        if settings.data.exists() and any(settings.data.iterdir()):
            raise OperationRefused(
                f"nothing was restored: {settings.data} has data; restore into a fresh BIFROST_HOME, or delete it with "
                "`down --purge`"
            )
        part = settings.data.with_name(f".{settings.data.name}.{os.getpid()}.part")
        try:
            with tarfile.open(file, "r:gz") as archive:
                manifest = _manifest(file, archive)
                _refuse_full_disk(settings.home, manifest)
                part.mkdir(mode=0o755)
                _extract(file, archive, part, manifest, on_bytes)
            if settings.data.exists():
                settings.data.rmdir()
            part.rename(settings.data)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return manifest


def _refuse_running(settings: Settings, done: str) -> None:
    if is_supervised(settings, SupervisorClient(settings), lambda _line: None):
        raise OperationRefused(f"nothing was {done}: the platform is running; `down` stops it")
    if left := leftover_pids(settings.home):
        raise OperationRefused(
            f"nothing was {done}: {len(left)} processes of a killed platform still run; `down` ends them"
        )


def _refuse_full_disk(home: Path, manifest: BackupManifest) -> None:
    free = shutil.disk_usage(home).free
    if free < manifest.bytes:
        raise OperationRefused(
            f"nothing was restored: the data needs {manifest.bytes} bytes, and {home} has {free} bytes free"
        )


@contextmanager
def _naming(file: Path, done: str) -> Iterator[None]:
    """Turn errors of the file into one that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise OperationRefused(f"nothing was {done}: {error.filename or file} does not exist") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise OperationRefused(f"nothing was {done}: {file} is damaged, or no backup ({error})") from error
    except OSError as error:
        raise OperationRefused(f"nothing was {done}: {error.filename or file}: {error.strerror or error}") from error


def _files(folder: Path) -> Iterator[Path]:
    """Everything in a folder, parents first, without sockets and pipes, which only running programs need."""
    for entry in sorted(folder.iterdir()):
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield entry
            yield from _files(entry)
        elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            yield entry


def _size(path: Path) -> int:
    """The bytes of a regular file; folders and links have none."""
    found = path.stat(follow_symlinks=False)
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _write(folder: Path, manifest: BackupManifest, output: IO[bytes], on_bytes: OnBytes) -> None:
    done = 0
    with tarfile.open(fileobj=output, mode="w:gz", compresslevel=_COMPRESSION, format=tarfile.PAX_FORMAT) as archive:
        text = json.dumps(asdict(manifest)).encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size, head.mode, head.mtime = len(text), 0o600, manifest.created_ms // 1000
        archive.addfile(head, BytesIO(text))
        for path in _files(folder):
            archive.add(path, str(_FOLDER / path.relative_to(folder)), recursive=False)
            done += _size(path)
            on_bytes(done, manifest.bytes)


def _manifest(file: Path, archive: tarfile.TarFile) -> BackupManifest:
    first = archive.next()
    content = None if first is None or first.name != MANIFEST else archive.extractfile(first)
    try:
        found = json.loads(content.read(_CHUNK)) if content is not None else None
        manifest = BackupManifest(**found) if isinstance(found, dict) else None
    except (ValueError, TypeError):
        manifest = None
    if manifest is None:
        raise OperationRefused(f"nothing was restored: {file} is no backup of Bifrost")
    if (manifest.format, manifest.version) != (FORMAT, __version__):
        raise OperationRefused(
            f"nothing was restored: {file} is of Bifrost {manifest.version}, and this is {__version__}, with other "
            f"versions of the databases; restore it with Bifrost {manifest.version}, then upgrade"
        )
    return manifest


def _extract(file: Path, archive: tarfile.TarFile, folder: Path, manifest: BackupManifest, on_bytes: OnBytes) -> None:
    done = count = 0
    folders: list[tuple[Path, tarfile.TarInfo]] = []
    while (member := archive.next()) is not None:
        path = folder / _inside(file, member)
        if member.isdir():
            path.mkdir(mode=0o700)
            folders.append((path, member))
        elif member.issym():
            path.symlink_to(member.linkname)
        else:
            content = archive.extractfile(member)
            assert content is not None, "only regular files are left"
            _copy(content, path)
            _restore_owner(path, member)
        done, count = done + member.size, count + 1
        on_bytes(done, manifest.bytes)
    # The tar may be whole while the end of the file, with its checksum, is missing.
    while archive.fileobj is not None and archive.fileobj.read(_CHUNK):
        pass
    if count != manifest.files:
        raise OperationRefused(f"nothing was restored: {file} is damaged ({count} of {manifest.files} files)")
    # Last, and the innermost first: their times change with what is created in them.
    for path, member in reversed(folders):
        _restore_owner(path, member)


def _inside(file: Path, member: tarfile.TarInfo) -> PurePosixPath:
    """The place of a member below the data folder; a backup was not necessarily written by us."""
    path = PurePosixPath(member.name)
    is_link = member.issym() and not (
        PurePosixPath(member.linkname).is_absolute() or ".." in member.linkname.split("/")
    )
    is_known = member.isdir() or member.isreg() or is_link
    if not is_known or path.parts[:1] != (_FOLDER,) or len(path.parts) < 2 or ".." in path.parts:
        raise OperationRefused(f"nothing was restored: {file} has an entry that no backup has: {member.name}")
    return path.relative_to(_FOLDER)


def _copy(content: IO[bytes], path: Path) -> None:
    """Leave holes where a file has zeros: Kafka's and MariaDB's files are mostly reserved space."""
    with path.open("xb") as output:
        while chunk := content.read(_CHUNK):
            if chunk == _ZEROS[: len(chunk)]:
                output.seek(len(chunk), os.SEEK_CUR)
            else:
                output.write(chunk)
        output.truncate()


def _restore_owner(path: Path, member: tarfile.TarInfo) -> None:
    if os.geteuid() == 0:
        # Some databases refuse to run as root, so their files belong to another user.
        os.chown(path, member.uid, member.gid)
    path.chmod(member.mode & 0o7777)
    os.utime(path, (member.mtime, member.mtime))
