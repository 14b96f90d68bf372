"""Reading of a run folder twice a second in a thread of its own, for the shown run and for each overlaid run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.datasets.validation_images import run_validation_count, run_validation_fingerprint
from s3n_core.errors import S3NError
from s3n_core.runs.following import RunChange, RunFollower
from s3n_core.runs.metrics_reading import sample_lines
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState, ShownStatus
from s3n_gui.background.worker_thread import Worker, WorkerThread
from s3n_gui.training.curves.metric_series import LineBlock, block_of, joined

_PIECE_BYTES = 1 << 19


@dataclass(frozen=True, kw_only=True)
class RunNews:
    """The changes found in one pass.

    Attributes:
        lines: The new lines of the metrics; all lines if ``restarted``, a sample of them if ``glimpse``.
        restarted: Discard all earlier lines.
        glimpse: The lines are a sample of a long file, to show something while it is being read.
        state: The last recorded state.
        status: The status to show.
        live: Whether a process is training the run.
        snapshots: New names in ``snapshots/``.
        run: The content of ``run.json``; empty until it can be read.
        validation: The fingerprint of its validation images; None until it is known.
        validation_images: Number of its validation images; None until it is known.
        gone: Whether the folder does not exist.
        problem: Why something cannot be read, as a sentence; otherwise empty.
    """

    lines: LineBlock
    restarted: bool
    glimpse: bool
    state: RunState | None
    status: ShownStatus
    live: bool
    snapshots: tuple[str, ...]
    run: Mapping[str, Any]
    validation: str | None
    validation_images: int | None
    gone: bool
    problem: str


class RunReader(QObject):
    """Follows a run until the reader is closed, whether or not a process is training it.

    Signals:
        news: A ``RunNews`` and the run's folder, whenever something has changed.
    """

    news = Signal(object, object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._worker = _Reading(path)
        self._worker.found.connect(self._on_found)
        self._thread = WorkerThread(self._worker)
        self._thread.finished.connect(self._on_finished)
        self._closed = False

    def begin(self) -> None:
        """Start reading."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading: no signal follows, and the object is deleted when its thread has ended."""
        if not self._closed:
            self._closed = True
            self._worker.leave()

    def wait(self) -> None:
        """Wait for the thread, after ``close``."""
        self._thread.wait()

    @Slot(object)
    def _on_found(self, news: RunNews) -> None:
        if not self._closed:
            self.news.emit(news, self.path)

    @Slot()
    def _on_finished(self) -> None:
        if self._closed:
            self.deleteLater()


class _Reading(Worker):
    found = Signal(object)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._directory = RunDirectory(path)
        self._follower = RunFollower(path, most_bytes=_PIECE_BYTES)
        self._run: Mapping[str, Any] = {}
        self._validation: str | None = None
        self._images: int | None = None
        self._blocks: list[LineBlock] = []
        self._snapshots: tuple[str, ...] = ()
        self._restarted = self._changed = False

    def leave(self) -> None:
        self._follower.close()

    def work(self) -> None:
        """Read until `leave` is called."""
        sample = sample_lines(self._directory.metrics_jsonl)
        glimpse = None if sample is None else block_of(sample)
        for change in self._follower:
            self._keep(change)
            if glimpse is not None:
                # Send the sample first; the lines read so far follow with the complete file.
                kept, self._blocks = self._blocks, [glimpse]
                self._tell(change, glimpse=True)
                self._blocks, self._restarted, glimpse = kept, True, None
            elif not change.more:
                self._tell(change, glimpse=False)

    def _keep(self, change: RunChange) -> None:
        if change.restarted:
            self._blocks, self._restarted = [], True
        if change.metrics:
            self._blocks.append(block_of(change.metrics))
        self._snapshots += change.snapshots
        self._changed = self._changed or change.changed

    def _tell(self, change: RunChange, *, glimpse: bool) -> None:
        problem = change.problem
        if not self._run and not change.gone:
            try:
                self._run, self._changed = self._directory.read_run(), True
                self._validation = run_validation_fingerprint(self._directory.path, self._run)
                self._images = run_validation_count(self._directory.path)
            except S3NError as error:
                problem = problem or str(error)
        if not self._changed:
            return
        self.found.emit(
            RunNews(
                lines=joined(self._blocks),
                restarted=self._restarted,
                glimpse=glimpse,
                state=change.state,
                status=change.status,
                live=change.live,
                snapshots=self._snapshots,
                run=self._run,
                validation=self._validation,
                validation_images=self._images,
                gone=change.gone,
                problem=problem,
            )
        )
        self._blocks, self._snapshots = [], ()
        self._restarted = self._changed = False
