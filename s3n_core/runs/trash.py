"""The trash for runs: deleted runs move to ``.trash`` in the runs folder, from where they can be restored.

An entry's name is the time of deletion and the run's name. Moving only renames a folder, so it works even if the disk
is full, which is when users delete runs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from s3n_core.errors import RunError
from s3n_core.runs.run_directory import is_run
from s3n_core.system.atomic_files import output_error
from s3n_core.system.locks import is_live, require_not_packed

TRASH_NAME = ".trash"

_TIME_FORMAT = "%Y%m%dT%H%M%S%f"  # UTC, microseconds
_ENTRY = re.compile(r"(\d{8}T\d{12})-(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashedRun:
    """A run in the trash.

    Attributes:
        path: Its folder in the trash.
        name: The run's original name.
        deleted: When it was deleted, Unix seconds.
    """

    path: Path
    name: str
    deleted: float


def move_to_trash(run_path: Path, root: Path) -> TrashedRun:
    """Move a run to the trash of its runs folder.

    Args:
        run_path: The run's folder, directly inside ``root``.
        root: The runs folder.

    Returns:
        The entry, for ``restore``.

    Raises:
        RunError: The folder is not a run, is not in ``root``, or is being trained or packed.
        OutputError: The folder cannot be moved.
    """
    if not is_run(run_path):
        raise RunError(f"There is no run in {run_path}; only runs can be moved to the trash.")
    if run_path.absolute().parent.resolve() != root.resolve():
        raise RunError(f"The run {run_path} is not in the runs folder {root}; delete its folder by hand.")
    require_not_packed(run_path)
    if is_live(run_path):
        raise RunError(f"The run {run_path} is being trained; stop it before you delete it.")
    trash = root / TRASH_NAME
    try:
        trash.mkdir(exist_ok=True)
        while True:
            now = time.time()
            entry = trash / f"{datetime.fromtimestamp(now, UTC).strftime(_TIME_FORMAT)}-{run_path.name}"
            if not entry.exists():
                break
            time.sleep(0.001)
        os.rename(run_path, entry)
    except OSError as error:
        raise _not_moved(run_path, error) from error
    return TrashedRun(path=entry, name=run_path.name, deleted=now)


def list_trash(root: Path) -> list[TrashedRun]:
    """Return the runs in the trash of a runs folder, most recently deleted first."""
    found = []
    with contextlib.suppress(OSError):
        for path in (root / TRASH_NAME).iterdir():
            match = _ENTRY.fullmatch(path.name)
            if match is None:
                continue
            with contextlib.suppress(ValueError):  # digits that are not a date
                deleted = datetime.strptime(match[1], _TIME_FORMAT).replace(tzinfo=UTC)
                found.append(TrashedRun(path=path, name=match[2], deleted=deleted.timestamp()))
    return sorted(found, key=lambda entry: (-entry.deleted, entry.name))


def restore(entry: TrashedRun, root: Path) -> Path:
    """Move a run back from the trash.

    Args:
        entry: An entry from ``move_to_trash`` or ``list_trash``.
        root: The runs folder.

    Returns:
        The run's folder, with its original name, or with a number appended if that name is taken.

    Raises:
        RunError: The run is no longer in the trash.
        OutputError: The folder cannot be moved; it stays in the trash.
    """
    target = root / entry.name
    number = 2
    while os.path.lexists(target):
        target = root / f"{entry.name}-{number}"
        number += 1
    try:
        os.rename(entry.path, target)
    except FileNotFoundError:
        raise RunError(f"The run {entry.name} is no longer in the trash, so it cannot be restored.") from None
    except OSError as error:
        raise _not_moved(entry.path, error) from error
    return target


def empty_trash(root: Path, *, older_than_seconds: float = 0.0) -> int:
    """Permanently delete the runs in the trash.

    Args:
        root: The runs folder.
        older_than_seconds: Keep runs that were deleted more recently than this.

    Returns:
        Number of deleted runs.

    Raises:
        OutputError: Some runs could not be deleted (the message names the first); all others were.
    """
    limit = time.time() - older_than_seconds
    deleted, failure = 0, None
    for entry in list_trash(root):
        if entry.deleted > limit:
            continue
        try:
            if entry.path.is_symlink():  # a run linked into the runs folder: delete only the link
                entry.path.unlink()
            else:
                _delete(entry.path)
            deleted += 1
        except OSError as error:
            failure = failure or output_error(entry.path, error)
    if failure is not None:
        raise failure
    return deleted


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except PermissionError:
        # Deletion fails for read-only files on Windows and read-only folders elsewhere. The user may have set them to
        # prevent accidents, but has now deleted the run twice.
        os.chmod(folder, stat.S_IRWXU)
        for parent, folders, files in os.walk(folder):
            for path in (os.path.join(parent, name) for name in folders + files):
                if not os.path.islink(path):  # what a link leads to lies elsewhere and stays
                    with contextlib.suppress(OSError):
                        os.chmod(path, stat.S_IRWXU)
        shutil.rmtree(folder)


def _not_moved(path: Path, error: OSError) -> Exception:
    if isinstance(error, PermissionError) and os.name == "nt":
        return RunError(
            f"Another program has a file of {path} open, so Windows cannot move it; close that program and try again."
        )
    return output_error(path, error)
