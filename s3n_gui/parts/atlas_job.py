"""A command that measures something of an atlas and keeps it there, of which one runs at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from s3n_gui.background.jobs import JobList
from s3n_gui.background.single_job import SingleJob
from s3n_gui.state.settings import Settings


class AtlasJob(SingleJob):
    """The job. No widgets.

    Args:
        settings: The user's settings.
        jobs: The list of jobs.
        moved_model: Returns the model file of the atlas, if it no longer lies where the atlas was made.
        parent: Qt's owner.

    Signals:
        measured: It has ended, and the atlas keeps something new.
    """

    measured = Signal()

    def __init__(
        self,
        settings: Settings,
        jobs: JobList,
        moved_model: Callable[[], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(jobs, parent)
        self._settings, self._moved_model = settings, moved_model
        self._atlas: Path | None = None
        self.printed.connect(self._on_printed)
        self.ended.connect(self._on_measured)

    def is_of(self, atlas: Path) -> bool:
        """Return whether an atlas is being measured."""
        return self.job is not None and self._atlas == atlas

    def _run(
        self, title: str, command: str, atlas: Path, options: Sequence[str] = (), *, classes: Sequence[str] = ()
    ) -> None:
        """Start ``s3n parts COMMAND ATLAS [OPTIONS] [-- CLASSES]`` on the device of the settings, wherever the model lies now."""
        device, self._atlas = self._settings.device, atlas
        on_device = ["--device", device] if device != "auto" else []
        model = self._moved_model()
        with_model = ["--model", str(model)] if model is not None else []
        named = ["--", *classes] if classes else []  # a class's name may begin with a hyphen
        self.run(title, ["parts", command, str(atlas), *options, *with_model, *on_device, *named])

    def _has_measured(self, status: str) -> bool:
        """Return whether the atlas keeps something new, when the job has ended."""
        return status == "done"

    @Slot(object)
    def _on_printed(self, value: dict[str, object]) -> None:
        """Take what the command has printed."""

    @Slot(str)
    def _on_measured(self, status: str) -> None:
        if self._has_measured(status):
            self.measured.emit()
