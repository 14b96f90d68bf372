"""What hiding each part costs each class, as the open atlas keeps it; and the job that measures it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import S3NError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.class_effects import ClassEffects, class_effects
from s3n_core.parts.comparison.class_matrix import ClassMatrix
from s3n_gui.background.jobs import JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.atlas_job import AtlasJob
from s3n_gui.state.settings import Settings


class EffectsJob(AtlasJob):
    """The effects, and the job; when it is stopped, the classes that are done are kept.

    Signals:
        read: ``effects`` has changed.
        failed: Also: the effects could not be read.
    """

    read = Signal()

    def __init__(
        self,
        settings: Settings,
        jobs: JobList,
        moved_model: Callable[[], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(settings, jobs, moved_model, parent)
        self._content: AtlasContent | None = None
        self.effects: ClassEffects | None = None
        """Of the open atlas, in the order of its matrix; None before they are read."""
        self._new = False
        self._unread = set[str]()  # classes that were measured since
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)
        self._tasks.failed.connect(self._on_not_read)

    def show_content(self, content: AtlasContent | None) -> None:
        """Read the effects of another atlas, or of the same after an edit."""
        self._content, self.effects = content, None
        self._unread.clear()
        self._tasks.forget("effects")
        self.read.emit()
        self._read()

    def start(self) -> None:
        """Measure the classes that are left; nothing if some are being measured."""
        if self.job is None and self._content is not None:
            self._new = False
            self._run("Measuring classes by parts", "matrix", self._content.atlas.path, ["--measure"])

    @property
    def is_measuring(self) -> bool:
        """Whether the open atlas is being measured."""
        return self._content is not None and self.is_of(self._content.atlas.path)

    def is_ready(self) -> bool:
        """Return whether the effects are read."""
        return not self._tasks.is_open("effects")

    def shut_down(self) -> None:
        """Stop reading, and let go of the job."""
        super().shut_down()
        self._tasks.close()

    def _read(self) -> None:
        if self._content is None:
            return
        atlas, matrix = self._content.atlas, self._content.matrix
        if self.effects is None:
            self._tasks.run("effects", partial(class_effects, atlas, matrix))
        else:
            self._tasks.run("effects", partial(_read_again, self.effects, atlas, matrix, frozenset(self._unread)))

    def _has_measured(self, status: str) -> bool:
        return self._new  # pairs and answers are read again

    @Slot(object)
    def _on_printed(self, value: dict[str, Any]) -> None:
        """Show each class as soon as it is measured."""
        if value.get("event") == "measured" and not value.get("problem"):
            self._new = True
            if self.is_measuring:
                self._unread.add(str(value.get("class")))
                self._read()

    @Slot(str, object)
    def _on_read(self, name: str, effects: ClassEffects) -> None:
        self.effects = effects
        self._unread.clear()  # an earlier reading, without the newest of them, would have been dropped
        self.read.emit()

    @Slot(str, object)
    def _on_not_read(self, name: str, error: Exception) -> None:
        self.failed.emit(
            error if isinstance(error, S3NError) else S3NError("The atlas could not be read; see the log.")
        )


def _read_again(effects: ClassEffects, atlas: Atlas, matrix: ClassMatrix, classes: Collection[str]) -> ClassEffects:
    """Return the effects with those of some classes as the atlas keeps them now."""
    rows = [row for row, name in enumerate(matrix.classes) if name in classes]
    some = replace(
        matrix,
        classes=tuple(matrix.classes[row] for row in rows),
        images=matrix.images[rows],
        found=matrix.found[rows],
        contributions=matrix.contributions[rows],
        rest=matrix.rest[rows],
    )
    new, values = class_effects(atlas, some), {}
    for field in fields(ClassEffects):
        values[field.name] = getattr(effects, field.name).copy()
        values[field.name][rows] = getattr(new, field.name)
    return ClassEffects(**values)
