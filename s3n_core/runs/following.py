"""Following a run from outside: polls its folder for changes twice a second, whatever process trains it.

``for change in RunFollower(path)`` yields the changes until `RunFollower.close` is called.
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
from s3n_core.system.locks import is_training

POLL_SECONDS = 0.5
_BETWEEN_PIECES_SECONDS = 0.001  # between reads of a long file, so that other threads can run
_COARSEST_TICK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """The result of polling a run's folder.

    Attributes:
        metrics: The new lines of ``metrics.jsonl``; all lines if ``restarted``.
        restarted: The metrics were truncated (by a resume): discard all earlier lines.
        state: The last recorded state; None if there is none yet.
        status: The status to display (``interrupted`` if the process has died).
        live: Whether a process trains the run.
        snapshots: New names in ``snapshots/``, sorted.
        gone: The folder does not exist (deleted, renamed, unplugged).
        problem: Why ``state`` may be out of date, as a sentence; empty if there is no problem.
        changed: Whether anything differs from the previous poll.
        more: Whether there are more lines to read, beyond the limit of one poll.
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
    """Follows one run; never raises, whatever happens to the folder.

    Only one thread at a time may iterate or poll; any thread may call `wake` or `close`.
    """

    def __init__(self, path: Path, *, most_bytes: int | None = None) -> None:
        """Follow the run in folder ``path``, which need not exist yet; the first poll returns everything so far.

        Args:
            path: The run's folder.
            most_bytes: Approximate limit on the metrics read per poll; None: no limit.
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
        """Poll twice a second, or sooner if there is more to read, until closed; yields unchanged results, too."""
        while not self.closed:
            change = self.poll()
            yield change
            self.wait(_BETWEEN_PIECES_SECONDS if change.more else POLL_SECONDS)

    def wait(self, seconds: float = POLL_SECONDS) -> None:
        """Wait for some seconds, or until `wake` or `close` is called."""
        if not self.closed:
            self._wake.wait(seconds)
        self._wake.clear()

    def wake(self) -> None:
        """Poll again at once."""
        self._wake.set()

    def close(self) -> None:
        """End the iteration."""
        self.closed = True
        self._wake.set()

    def poll(self) -> RunChange:
        """Poll the folder; costs a few ``stat`` calls and one attempt at the lock if nothing has changed."""
        # Check the lock first: a process writes its final state before it releases the lock. So if the lock is free,
        # the state read afterwards is the final one.
        live = is_training(self._directory.path)
        self._read_state()
        if not live and self._state is not None and self._state.status in ACTIVE:
            live = is_training(self._directory.path)  # it may have started between the two checks
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
            self._problem = str(error)  # keep the last valid state
        self._state_signature = signature

    def _new_snapshots(self) -> tuple[str, ...]:
        # A folder's modification time changes when an entry is added or removed, but some file systems store it in
        # whole seconds. While it is that recent, another entry may follow within the same tick, so list it again.
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
