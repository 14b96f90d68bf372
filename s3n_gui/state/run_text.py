"""The description of a run in lists: its status, epochs and accuracy."""

from __future__ import annotations

from s3n_core.datasets.validation_images import OTHER_MARK, OTHER_VALIDATION
from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_state import STATUS_TEXTS
from s3n_core.runs.run_summary import RunSummary


def run_detail(run: RunSummary, *, images: int | None, other_validation: bool = False) -> str:
    """Return the status, epochs and best accuracy of a run, or its problem.

    For example "Finished · best 53 % of 30 (36 to 70) · epoch 30 of 30".

    Args:
        run: The run.
        images: Number of its validation images; None if it is unknown.
        other_validation: Whether its validation images differ from those of the runs beside it.
    """
    if run.problem:
        return run.problem
    state, facts = run.state, [STATUS_TEXTS[run.status]]
    if state is not None and state.best_accuracy is not None:
        best = f"best {run_accuracy_text(run, images)}"
        facts.append(f"{best} {OTHER_MARK} {OTHER_VALIDATION}" if other_validation else best)
    if state is not None and state.epochs:
        facts.append(f"epoch {min(state.epoch, state.epochs)} of {state.epochs}")
    return " · ".join(facts)


def run_accuracy_text(run: RunSummary, images: int | None) -> str:
    """Return a run's validation accuracy with its interval; empty without one."""
    best = None if run.state is None else run.state.best_accuracy
    return "" if best is None else accuracy_share_text(best, images)
