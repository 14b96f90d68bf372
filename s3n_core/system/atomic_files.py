"""Atomic file writes: after an interruption a file holds either its old or its new content, never a mixture.

A kill, a crash or a full disk during a write leaves the old content. The new content goes to a temporary file in the
same folder, is flushed to disk, and replaces the old file in one step.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from s3n_core.errors import DiskFull, OutputError

_TEMPORARY_PREFIX = ".s3n-"
_TEMPORARY_SUFFIX = ".tmp"

# Windows refuses to replace a file while a reader has it open. Readers here hold a file for milliseconds, so a few
# growing pauses (about two seconds in total) outlast them; if it is still refused, permission is really missing.
_REPLACE_PAUSES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.6)


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path`` atomically.

    Args:
        path: The file; its folder must exist.
        data: The whole content.
        durable: Wait until the content is on disk. ``False`` is for files that are rewritten many times a minute: a
            power failure may lose the latest content, a kill of the process does not.

    Raises:
        OutputError: The file cannot be written (full disk, read-only folder, no permission); it is unchanged.
    """
    with open_atomic(path, durable=durable) as file:
        file.write(data)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write ``text`` atomically as UTF-8, without converting line endings; see ``write_bytes``.

    File names that are not valid UTF-8 (in Python, lone surrogates) keep their bytes.
    """
    write_bytes(path, text.encode("utf-8", "surrogateescape"), durable=durable)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write ``value`` atomically as indented JSON; see ``write_bytes``.

    Raises:
        OutputError: The file cannot be written; it is unchanged.
        ValueError: ``value`` holds NaN or infinity, which JSON does not have.
    """
    try:
        data = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:  # a file name that is not valid UTF-8 can only be stored escaped
        data = json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False).encode("ascii")
    write_bytes(path, data + b"\n", durable=durable)


def read_bytes(path: Path) -> bytes:
    """Read a file that another process may be replacing.

    Raises:
        OSError: The file is missing or cannot be read.
    """
    if sys.platform == "win32":
        for pause in _REPLACE_PAUSES:
            try:
                return path.read_bytes()
            except PermissionError:  # Windows raises it briefly while the file is being replaced
                time.sleep(pause)
    return path.read_bytes()


@contextlib.contextmanager
def open_atomic(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a new file for writing that replaces ``path`` when the block ends without an error.

    A symbolic link stays one: the file that it points to is replaced.

    Args:
        path: The file; its folder must exist.
        durable: Wait until the content is on disk; see ``write_bytes``.

    Yields:
        The temporary file, open for writing bytes. It is removed if the block raises.

    Raises:
        OutputError: The file cannot be written; it is unchanged.
    """
    if os.path.islink(path):
        path = Path(os.path.realpath(path))
    # The temporary name does not contain the target's, which may already have the maximum of 255 bytes.
    name = f"{_TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{_TEMPORARY_SUFFIX}"
    temporary = path.parent / name
    try:
        # Not tempfile, whose files are private (0600): these follow the user's umask like any other file.
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        _replace(temporary, path)
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        _remove_quietly(temporary)
        raise output_error(path, error) from error
    except BaseException:
        _remove_quietly(temporary)
        raise


def make_folder(folder: Path) -> None:
    """Create a folder and its parents.

    Raises:
        OutputError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # raised by file systems that do not allow new folders, such as /proc
        raise OutputError(f"The folder {folder} cannot be created; choose another location.") from error
    except OSError as error:
        raise output_error(folder, error) from error


def remove_leftovers(folder: Path, *, older_than_seconds: float = 3600.0) -> int:
    """Remove temporary files that killed processes left in ``folder``; return how many.

    Args:
        folder: The folder, not its subfolders. A missing one counts as empty.
        older_than_seconds: Keep younger files, which another process may be writing.
    """
    oldest = time.time() - older_than_seconds
    removed = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(_TEMPORARY_PREFIX) and entry.name.endswith(_TEMPORARY_SUFFIX)):
                continue
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime <= oldest:
                    os.unlink(entry.path)
                    removed += 1
    return removed


def output_error(path: Path, error: OSError) -> OutputError:
    """Return an error that says why ``path`` could not be written and what to do about it."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFull(
                f"The disk is full, so {path} could not be written; free some space and try again.", path=path
            )
        case errno.EROFS:
            text = f"{path} could not be written because its disk is read-only; choose another location."
        case errno.EACCES | errno.EPERM:
            text = (
                f"There is no permission to write {path}; choose another location or change the permissions of its "
                "folder."
            )
        case errno.ENOENT:
            text = f"{path} could not be written because its folder {path.parent} does not exist; create it first."
        case errno.ENOTDIR | errno.EEXIST:
            text = (
                f"{path} could not be written because a file has the name of one of its folders; rename that file or "
                "choose another location."
            )
        case errno.EISDIR:
            text = f"{path} could not be written because there is a folder with this name; choose another name."
        case errno.ENAMETOOLONG:
            text = f"{path} could not be written because the name is too long; choose a shorter one."
        case _:
            text = f"{path} could not be written ({error.strerror or error}); check the disk and try again."
    return OutputError(text)


def _replace(source: Path, target: Path) -> None:
    for pause in _REPLACE_PAUSES:
        try:
            os.replace(source, target)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    os.replace(source, target)


def _sync_folder(folder: Path) -> None:
    """Sync the folder, so that the new name survives a power failure; not possible on Windows."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
