"""The preview: the first image's files, made by the real command into a folder of their own, a moment after the last change."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from s3n_gui.background.command_job import CommandJob
from s3n_gui.export.export_choice import ExportChoice

DEBOUNCE_MILLISECONDS = 500
_GRACE_SECONDS = 1.0


class PreviewMaker(QObject):
    """Keeps the files of the first image in step with the choice.

    Signals:
        changed: ``busy``, ``files`` or ``problem`` is another.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.busy = False
        self.files: tuple[Path, ...] = ()
        self.problem = ""
        self.name = ""
        self._choice: ExportChoice | None = None
        self._made: tuple[str, ...] = ()
        self._job: CommandJob | None = None
        self._folder: Path | None = None
        self._old: Path | None = None
        self._told: list[str] = []
        self._debounce = QTimer(self, singleShot=True, interval=DEBOUNCE_MILLISECONDS)
        self._debounce.timeout.connect(self._make)

    def show(self, choice: ExportChoice | None) -> None:
        """Show what a choice would write; None shows nothing."""
        wanted = () if choice is None else choice.arguments(out=Path(), most=1)
        if wanted == self._made and (self.files or self.busy or not wanted):
            return
        self._choice, self._made = choice, wanted
        if choice is None:
            self._debounce.stop()
            self._set(busy=False, files=(), problem="")
        else:
            self._set(busy=True, files=self.files, problem="")
            self._debounce.start()
        if self._job is not None:
            self._job.cancel()

    def again(self) -> None:
        """Make it once more: files may have changed."""
        if self._choice is not None:
            self._set(busy=True, files=self.files, problem="")
            self._debounce.start()

    def shut_down(self) -> None:
        """End the process and remove the files."""
        self._debounce.stop()
        self._choice = None
        if self._job is not None:
            self._job.ended.disconnect(self._on_ended)
            self._job.close()
            self._job = None
        for folder in (self._folder, self._old):
            _remove(folder)

    @Slot()
    def _make(self) -> None:
        if self._job is not None or self._choice is None:
            return  # the next begins when this one has ended
        _remove(self._old)
        self._old, self._folder = self._folder, Path(tempfile.mkdtemp(prefix="s3n-preview-"))
        self._told = []
        job = CommandJob(
            "Preview", self._choice.arguments(out=self._folder, most=1), self, grace_seconds=_GRACE_SECONDS
        )
        job.told.connect(self._on_told)
        job.ended.connect(self._on_ended)
        self._job = job
        job.start()

    @Slot(object)
    def _on_told(self, event: dict[str, object]) -> None:
        files = event.get("files")
        if isinstance(files, list) and files:
            self._told, self.name = [str(file) for file in files], str(event.get("name", ""))

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        job, self._job = self._job, None
        if job is None:
            return
        sentence = job.sentence
        job.deleteLater()
        if status == "cancelled" or self._debounce.isActive():
            if self._choice is not None and not self._debounce.isActive():
                self._debounce.start()
            return
        if status == "done" and self._told:
            self._set(busy=False, files=tuple(Path(file) for file in self._told), problem="")
        else:
            self._set(busy=False, files=(), problem=sentence or "The first image could not be exported.")

    def _set(self, *, busy: bool, files: tuple[Path, ...], problem: str) -> None:
        if (busy, files, problem) != (self.busy, self.files, self.problem):
            self.busy, self.files, self.problem = busy, files, problem
            self.changed.emit()


def _remove(folder: Path | None) -> None:
    if folder is not None:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
