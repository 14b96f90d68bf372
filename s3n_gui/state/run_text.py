"""The description of a run in lists: its status, epochs and accuracy."""

from __future__ import annotations

from s3n_core.datasets.validation_images import OTHER_MARK, OTHER_VALIDATION
from s3n_core.runs.run_state import STATUS_TEXTS
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.appearance.wording import percent_text


def run_detail(run: RunSummary, *, other_validation: bool = False) -> str:
    """Return the status, epochs and best accuracy of a run, or its problem: "Finished · epoch 30 of 30 · best 87.0 %".

    Args:
        run: The run.
        other_validation: Whether its validation images differ from those of the runs beside it.
    """
    if run.problem:
        return run.problem
    state, facts = run.state, [STATUS_TEXTS[run.status]]
    if state is not None and state.epochs:
        facts.append(f"epoch {min(state.epoch, state.epochs)} of {state.epochs}")
    if state is not None and state.best_accuracy is not None:
        best = f"best {percent_text(state.best_accuracy)}"
        facts.append(f"{best} ({OTHER_MARK} {OTHER_VALIDATION})" if other_validation else best)
    return " · ".join(facts)
