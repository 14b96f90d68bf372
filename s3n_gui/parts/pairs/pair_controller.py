"""The two chosen classes: what is known of them, and the job that compares them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import S3NError
from s3n_core.parts.comparison.comparison import FEWEST
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.pairs.comparison_job import ComparisonJob
from s3n_gui.parts.pairs.pair_content import PairContent, read_pair
from s3n_gui.state.settings import Settings


class PairController(QObject):
    """The state of the tab. No widgets.

    Signals:
        chosen: Other classes are chosen; ``a`` and ``b``.
        changed: ``pair`` has changed: it was read, or there is none.
        job_changed: The comparison began, made progress, or ended.
        failed: The comparison failed; the `S3NError`.
        compared: A comparison is done, and the atlas keeps it.
    """

    chosen = Signal()
    changed = Signal()
    job_changed = Signal()
    failed = Signal(object)
    compared = Signal()

    def __init__(
        self,
        settings: Settings,
        jobs: JobList,
        moved_model: Callable[[], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.content: AtlasContent | None = None
        self.a, self.b = "", ""
        """The chosen classes; "" before any are chosen, and for B: all others."""
        self.pair: PairContent | None = None
        self._comparing = ComparisonJob(settings, jobs, moved_model, self)
        self._comparing.changed.connect(self.job_changed)
        self._comparing.failed.connect(self.failed)
        self._comparing.measured.connect(self.compared)  # everything is read again
        self._comparing.ended.connect(self._on_ended)
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)
        self._tasks.failed.connect(self._on_not_read)

    def show_content(self, content: AtlasContent | None) -> None:
        """Show another atlas, or the same after an edit, which keeps the classes."""
        same = content is not None and self.content is not None and content.atlas.path == self.content.atlas.path
        self.content = content
        if same and content is not None and self.a in content.classes:
            self._read()
            return
        # Another atlas may have classes of the same names; its parts are others.
        self._tasks.forget("pair")
        self.a = self.b = ""
        self.pair = None
        self.chosen.emit()
        self.changed.emit()
        if content is not None:
            enough = (pair for pair in content.pairs if pair.fewest >= FEWEST)  # others have no answer to show
            first = next(enough, next(iter(content.pairs), None))
            if first is not None:
                self.set_pair(first.a, first.b)
            elif len(content.classes) > 1:
                self.set_pair(content.classes[0], content.classes[1])

    def set_pair(self, a: str, b: str) -> None:
        """Choose two classes; an empty B stands for all other classes. One that is unknown to the atlas is ignored."""
        if self.content is None or a not in self.content.classes or (b and b not in self.content.classes) or a == b:
            return
        if (a, b) != (self.a, self.b):
            self.a, self.b = a, b
            self.chosen.emit()
            self._read()

    def swap(self) -> None:
        """Exchange class A and class B."""
        if self.b:
            self.set_pair(self.b, self.a)

    @property
    def can_compare(self) -> bool:
        """Whether the two classes can be compared now."""
        return self.content is not None and bool(self.a) and self._comparing.job is None

    def compare(self) -> None:
        """Compare the two classes, in a job."""
        if self.can_compare and self.content is not None:
            self._comparing.start(self.content.atlas.path, self.a, self.b)

    def cancel(self) -> None:
        """Stop comparing."""
        self._comparing.cancel()

    @property
    def job(self) -> Job | None:
        """The job that compares the chosen classes; None if none does."""
        content, comparing = self.content, self._comparing
        return comparing.job if content and comparing.is_of_pair(content.atlas.path, self.a, self.b) else None

    def is_ready(self) -> bool:
        """Return whether the chosen classes are read."""
        return not self._tasks.is_open("pair")

    def shut_down(self) -> None:
        """Stop the threads; the job itself belongs to the job list."""
        self._comparing.shut_down()
        self._tasks.close()

    def _read(self) -> None:
        if self.content is not None and self.a:
            self._tasks.run("pair", partial(read_pair, self.content, self.a, self.b or None))

    @Slot(str, object)
    def _on_read(self, name: str, pair: PairContent) -> None:
        if (pair.a, pair.b or "") == (self.a, self.b):
            self.pair = pair
            self.changed.emit()

    @Slot(str, object)
    def _on_not_read(self, name: str, error: Exception) -> None:
        known = (
            error if isinstance(error, S3NError) else S3NError("The classes could not be read; see the log for why.")
        )
        self.failed.emit(known)

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        if status != "done":
            self._read()
