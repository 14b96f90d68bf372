"""Following a run from outside, twice a second, whoever trains it: what has changed in its folder.

``for change in RunFollower(path)`` is all that a follower needs; it ends when somebody calls `RunFollower.close`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.errors import RunError
from s3n_core.runs.metrics_reading import MetricsReader
from s3n_core.runs.run_directory import RunDirectory, is_run
from s3n_core.runs.run_state import ACTIVE, RunState, ShownStatus, shown_status
from s3n_core.system.locks import is_live

POLL_SECONDS = 0.5
_BETWEEN_PIECES_SECONDS = 0.001  # of a long file: other threads get their turn
_COARSEST_TICK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """What a look at a run's folder found.

    Attributes:
        metrics: The new lines of ``metrics.jsonl``; all of them where ``restarted``.
        restarted: The metrics were cut back (a resume): forget the lines that came before.
        state: The last record; None where none was written yet.
        status: What to tell a person (``interrupted`` where the process has died).
        live: Whether a process trains the run.
        snapshots: Names in ``snapshots/`` that were not there before, sorted.
        gone: The folder is not there (deleted, renamed, unplugged).
        problem: Why ``state`` may be out of date, as a sentence; empty where all is well.
        changed: Whether anything differs from the last look.
        more: There are further lines that this look was not to take.
    """

    metrics: list[dict[str, Any]]
    restarted: bool
    state: RunState | None
    status: ShownStatus
    live: bool
    snapshots: tuple[str, ...]
    gone: bool
    problem: str
    changed: bool
    more: bool = False


class RunFollower:
    """Follows one run; never fails, whatever happens to the folder.

    One thread at a time iterates or polls; any thread may wake or close it.
    """

    def __init__(self, path: Path, *, most_bytes: int | None = None) -> None:
        """Follow the run in folder ``path``, which need not be there yet; the first look finds all that is there.

        Args:
            path: The run's folder.
            most_bytes: How much of the metrics to read at once, about; None reads all that is there.
        """
        self._directory = RunDirectory(path)
        self._metrics = MetricsReader(self._directory.metrics_jsonl)
        self._most_bytes = most_bytes
        self._state: RunState | None = None
        self._state_signature: tuple[int, ...] | None = None
        self._problem = ""
        self._snapshots: frozenset[str] = frozenset()
        self._snapshots_signature: tuple[int, ...] | None = None
        self._last: tuple[object, ...] | None = None
        self._wake = threading.Event()
        self.closed = False
        """Whether `close` has been called."""

    def __iter__(self) -> Iterator[RunChange]:
        """Look twice a second, and sooner where there is more to read, until it is closed; ``changed`` says if to act."""
        while not self.closed:
            change = self.poll()
            yield change
            self.wait(_BETWEEN_PIECES_SECONDS if change.more else POLL_SECONDS)

    def wait(self, seconds: float = POLL_SECONDS) -> None:
        """Wait for the next look, or until somebody wakes or closes the follower."""
        if not self.closed:
            self._wake.wait(seconds)
        self._wake.clear()

    def wake(self) -> None:
        """Look again at once."""
        self._wake.set()

    def close(self) -> None:
        """End the iteration."""
        self.closed = True
        self._wake.set()

    def poll(self) -> RunChange:
        """Look; some ``stat`` calls and one try of the lock where nothing changed."""
        # Liveness first: a process that ends writes its last word and then lets go, so a free lock seen before the
        # record is read cannot go with a record from before the end.
        live = is_live(self._directory.path)
        self._read_state()
        if not live and self._state is not None and self._state.status in ACTIVE:
            live = is_live(self._directory.path)  # it may have begun between the two looks
        metrics = self._metrics.poll(self._most_bytes)
        snapshots = self._new_snapshots()
        gone = self._state is None and not metrics.lines and not is_run(self._directory.path)
        status: ShownStatus = "broken" if gone or (self._problem and not live) else shown_status(self._state, live)
        now = (self._state, status, live, gone, self._problem)
        changed = now != self._last or bool(metrics.lines) or metrics.restarted or bool(snapshots)
        self._last = now
        return RunChange(
            metrics=metrics.lines,
            restarted=metrics.restarted,
            state=self._state,
            status=status,
            live=live,
            snapshots=snapshots,
            gone=gone,
            problem=self._problem,
            changed=changed,
            more=metrics.more,
        )

    def _read_state(self) -> None:
        signature = _signature(self._directory.state_json)
        if signature == self._state_signature:
            return
        try:
            self._state, self._problem = self._directory.read_state(), ""
        except RunError as error:
            self._problem = str(error)  # the last good record stays
        self._state_signature = signature

    def _new_snapshots(self) -> tuple[str, ...]:
        # A folder's time changes when a name comes or goes, but some file systems count it in seconds: while it is
        # younger than that, a second name may have come within the same tick, so it is listed again.
        signature = _signature(self._directory.snapshots)
        if signature is None and not self._snapshots:
            return ()
        young = signature is not None and time.time() - signature[0] / 1e9 < _COARSEST_TICK_SECONDS
        if signature == self._snapshots_signature and not young:
            return ()
        try:
            names = frozenset(name for name in os.listdir(self._directory.snapshots) if not name.startswith("."))
        except OSError:
            names = frozenset()
        new = tuple(sorted(names - self._snapshots))
        self._snapshots, self._snapshots_signature = names, signature
        return new


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
