"""The watch over the runs folder: lists the runs and reads the losses of live ones every two seconds, in a thread."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from s3n_core.datasets.validation_images import run_validation_count, run_validation_fingerprint
from s3n_core.errors import S3NError
from s3n_core.runs.following import RunFollower
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.background.tasks import Tasks

_PERIOD_MS = 2000
MOST_POINTS = 240


@dataclass(frozen=True, slots=True)
class RunsSeen:
    """The state of the runs folder.

    Attributes:
        runs: The runs, newest first.
        losses: For each live run, its folder and its training loss so far, averaged to at most ``MOST_POINTS`` values.
        validation: For each run, its folder and the fingerprint of its validation images: empty without any, None if
            it is unknown.
        problem: Why the folder cannot be read, as a sentence; empty if it can.
        counts: For each run, its folder and the number of its validation images; None if it is unknown.
        models: For each run that has a model, its folder and the number of its validation images (None: unknown).
    """

    runs: tuple[RunSummary, ...] = ()
    losses: tuple[tuple[Path, tuple[float, ...]], ...] = ()
    validation: tuple[tuple[Path, str | None], ...] = ()
    counts: tuple[tuple[Path, int | None], ...] = ()
    models: tuple[tuple[Path, int | None], ...] = ()
    problem: str = ""

    def live(self) -> tuple[RunSummary, ...]:
        """Return the runs that are being trained."""
        return tuple(run for run in self.runs if run.live)


class RunsWatch(QObject):
    """Reports the state of the runs folder whenever it changes.

    Signals:
        changed: The new ``RunsSeen``.
    """

    changed = Signal(object)

    def __init__(self, root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = root
        self.seen = RunsSeen()
        """The last known state."""
        self._readers: dict[Path, _LossReader] = {}
        self._closed = False
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_looked)
        self._tasks.failed.connect(self._on_failed)
        self._timer = QTimer(self)
        self._timer.setInterval(_PERIOD_MS)
        self._timer.timeout.connect(self.look)

    def begin(self) -> None:
        """Read the folder now and every two seconds."""
        self._timer.start()
        self.look()

    def look(self) -> None:
        """Read the folder once, unless it is already being read."""
        if not self._tasks.is_open("runs") and not self._closed:
            self._tasks.run("runs", partial(_look, self._root, self._readers))

    def move_to(self, root: Path) -> None:
        """Watch another folder."""
        self._root = root
        self.look()

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        self._timer.stop()
        self._tasks.close()

    @Slot(str, object)
    def _on_looked(self, _: str, seen: RunsSeen) -> None:
        if seen != self.seen:
            self.seen = seen
            self.changed.emit(seen)

    @Slot(str, object)
    def _on_failed(self, name: str, error: Exception) -> None:
        problem = f"The runs in {self._root} could not be read ({type(error).__name__})."
        self._on_looked(name, RunsSeen(problem=str(error) if isinstance(error, S3NError) else problem))


class _LossReader:
    """Reads the loss of a live run incrementally. Not thread-safe."""

    def __init__(self, run: Path) -> None:
        self._follower = RunFollower(run)
        self._losses: list[float] = []

    def read(self) -> tuple[float, ...]:
        change = self._follower.poll()
        if change.restarted:
            self._losses = []
        for line in change.metrics:
            loss = line.get("loss")
            if line.get("kind") == "step" and isinstance(loss, int | float):
                self._losses.append(float(loss))
        return thinned(self._losses, MOST_POINTS)


def _look(root: Path, readers: dict[Path, _LossReader]) -> RunsSeen:
    runs = tuple(list_runs(root))
    live = [run.path for run in runs if run.live]
    for gone in readers.keys() - set(live):
        del readers[gone]
    losses = tuple((path, readers.setdefault(path, _LossReader(path)).read()) for path in live)
    validation = tuple((run.path, run_validation_fingerprint(run.path, run.run)) for run in runs if not run.problem)
    models = tuple((run.path, run_validation_count(run.path)) for run in runs if _has_model(run))
    counts = tuple((run.path, run_validation_count(run.path)) for run in runs if not run.problem)
    return RunsSeen(runs, losses, validation, counts, models)


def _has_model(run: RunSummary) -> bool:
    directory = RunDirectory(run.path)
    try:
        return not run.problem and bool(directory.read_pointer("best") or directory.read_pointer("last"))
    except S3NError:
        return False


def thinned(values: list[float], most: int) -> tuple[float, ...]:
    """Return ``values``, averaged over equal intervals to at most ``most`` values."""
    if len(values) <= most:
        return tuple(values)
    edges = [round(index * len(values) / most) for index in range(most + 1)]
    return tuple(sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges))
