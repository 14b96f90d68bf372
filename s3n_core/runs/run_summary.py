"""What a list says of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.runs.run_state import RunState, ShownStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line of a list of runs.

    Attributes:
        path: The run's folder.
        status: What it is doing; ``interrupted`` and ``broken`` as in ``run_state.ShownStatus``.
        live: Whether a process trains it now.
        created: When it was made, Unix seconds (the folder's own time where the run is broken).
        state: Its last record; None where there is none.
        run: The content of ``run.json``; empty where the run is broken.
        problem: For a broken run the sentence that says why and what to do; empty otherwise.
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
        """The folder's name, by which people call the run."""
        return self.path.name
