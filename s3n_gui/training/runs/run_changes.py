"""Undo commands for runs: rename, and move to the trash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QUndoCommand

from s3n_core.errors import S3NError
from s3n_core.runs.locations import rename_run
from s3n_core.runs.trash import TrashedRun, move_to_trash, restore

Report = Callable[[str], None]


class TrashRun(QUndoCommand):
    """Moves a run to the trash; undo restores it.

    Args:
        path: The run folder.
        report: Called with an error message if it fails.
        moved: Called with the old and the new folder; the new one is None in the trash.
    """

    def __init__(self, path: Path, report: Report, moved: Callable[[Path, Path | None], None]) -> None:
        super().__init__(f"moving {path.name} to the trash")
        self._path, self._report, self._moved = path, report, moved
        self._entry: TrashedRun | None = None

    def redo(self) -> None:
        """Move the run to the trash."""
        try:
            self._entry = move_to_trash(self._path, self._path.parent)
        except S3NError as error:
            self._fail(error)
        else:
            self._moved(self._path, None)

    def undo(self) -> None:
        """Restore the run."""
        if self._entry is None:
            return
        before = self._path
        try:
            self._path = restore(self._entry, self._path.parent)
        except S3NError as error:
            self._fail(error)
        else:
            self._moved(before, self._path)

    def _fail(self, error: S3NError) -> None:
        self.setObsolete(True)
        self._report(str(error))


class RenameRun(QUndoCommand):
    """Renames a run; undo restores the old name."""

    def __init__(self, path: Path, name: str, report: Report, renamed: Callable[[Path, Path], None]) -> None:
        super().__init__(f"renaming {path.name}")
        self._path, self._old, self._new = path, path.name, name
        self._report, self._renamed = report, renamed

    def redo(self) -> None:
        """Rename the run."""
        self._rename(self._new)

    def undo(self) -> None:
        """Restore the old name."""
        self._rename(self._old)

    def _rename(self, name: str) -> None:
        try:
            before, self._path = self._path, rename_run(self._path, name)
        except S3NError as error:
            self.setObsolete(True)
            self._report(str(error))
        else:
            self._renamed(before, self._path)
