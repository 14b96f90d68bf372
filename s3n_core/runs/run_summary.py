"""The summary of a run, for lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.runs.run_state import RunState, ShownStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One entry in a list of runs.

    Attributes:
        path: The run's folder.
        status: The status to display (``run_state.ShownStatus``).
        live: Whether a process trains the run.
        created: When the run was created, Unix seconds (the folder's modification time if the run is damaged).
        state: Its last recorded state; None if there is none.
        run: The content of ``run.json``; empty if it cannot be read.
        problem: For a damaged run, a sentence that says why and what to do; else empty.
    """

    path: Path
    status: ShownStatus
    live: bool
    created: float
    state: RunState | None
    run: Mapping[str, Any]
    problem: str = ""

    @property
    def name(self) -> str:
        """The run's name, which is its folder's name."""
        return self.path.name
