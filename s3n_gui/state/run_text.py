"""The description of a run in lists: its status, epochs and accuracy."""

from __future__ import annotations

from s3n_core.datasets.validation_images import OTHER_MARK, OTHER_VALIDATION
from s3n_core.runs.run_state import STATUS_TEXTS
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.appearance.wording import percent_text


def run_detail(run: RunSummary, *, images: int | None = None, other_validation: bool = False) -> str:
    """Return the status, epochs and best accuracy of a run, or its problem: "Finished · epoch 30 of 30 · best 87.0 %".

    Args:
        run: The run.
        images: The number of its validation images, if it is known.
        other_validation: Whether its validation images differ from those of the runs beside it.
    """
    if run.problem:
        return run.problem
    state, facts = run.state, [STATUS_TEXTS[run.status]]
    if state is not None and state.epochs:
        facts.append(f"epoch {min(state.epoch, state.epochs)} of {state.epochs}")
    if state is not None and state.best_accuracy is not None:
        best = f"best {run_accuracy_text(run, images) if images else percent_text(state.best_accuracy)}"
        facts.append(f"{best} ({OTHER_MARK} {OTHER_VALIDATION})" if other_validation else best)
    return " · ".join(facts)


def run_accuracy_text(run: RunSummary, images: int | None) -> str:
    """Return a run's validation accuracy with its interval; without the number of images only the share."""
    from s3n_core.evaluation.accuracy import accuracy_text  # Loads NumPy, not at the window's start.

    best = None if run.state is None else run.state.best_accuracy
    if best is None:
        return ""
    return f"{100 * best:.0f} %" if not images else accuracy_text(round(best * images), images)
