"""Comments on the curves in plain sentences: progress, plateaus and the warnings of the health report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_state import RunState, ShownStatus
from s3n_gui.appearance.wording import count_text, error_text
from s3n_gui.training.curves.metric_series import Column, MetricSeries

Tone = Literal["good", "plain", "caution", "bad"]

_RESTING_EPOCHS = 4
"""After this many epochs without a new best, the accuracy counts as a plateau."""
_NO_CHANGE = 0.01
_FINDING = (
    "Training images with more than 8 bits per channel are read once before the first epoch, to find which values are black and "
    "white. The model keeps this range."
)
_BRANCH_WORDS = {"joint": "the joint prediction", "O": "the original branch (O)"}


@dataclass(frozen=True, slots=True)
class Saying:
    """A comment of one or two sentences.

    Attributes:
        tone: Determines the icon.
        text: The comment.
    """

    tone: Tone
    text: str


def sayings(
    series: MetricSeries, state: RunState | None, status: ShownStatus | None, *, finding_range: bool = False
) -> list[Saying]:
    """Return comments on a run, most important first; the result of one that has ended is not among them (`result_sentence`).

    Args:
        series: Its metrics.
        state: Its last recorded state.
        status: Its current status; None if no run is shown.
        finding_range: Whether its training still looks for the range of values of its images.
    """
    if finding_range:
        return [Saying("plain", _FINDING)]
    said: list[Saying] = []
    if status in ("failed", "broken", "interrupted"):
        said.append(_trouble(state, status))
    if not series.epoch_lines:
        if status in ("starting", "running", "paused", "pausing"):
            said.append(Saying("plain", "The first epoch is running. Comments appear after it."))
        return said
    said += _progress(series, finished=status not in ("running", "starting", "pausing", "paused", "stopping"))
    said += [Saying("caution", text) for text in _warnings(series.epoch_lines[-1])]
    return said


def result_sentence(series: MetricSeries, state: RunState | None) -> str:
    """Return the result of a run that has ended, with its interval and what it is worth; empty without an epoch.

    Args:
        series: Its metrics.
        state: Its last recorded state.
    """
    values, images, known, branch = _main_accuracy(series)
    if not np.isfinite(values).any():
        return ""
    best = int(np.nanargmax(values))
    value, number, epochs = float(values[best]), best + 1, len(values)
    if state is not None and state.best_accuracy is not None and state.best_epoch is not None:
        value, number, epochs = state.best_accuracy, state.best_epoch + 1, state.epochs
    text = accuracy_share_text(value, images)
    if not known:
        return (
            f"Its training accuracy reached {text}. Without validation images it is not known how good the model is: "
            "evaluate it on test images."
        )
    return (
        f"Validation accuracy of {_BRANCH_WORDS[branch]}: {text} in epoch {number} of {epochs}. The best epoch was chosen "
        "on these images, so the number is optimistic."
    )


def _main_accuracy(series: MetricSeries) -> tuple[Column, int | None, bool, str]:
    """Return the accuracies that a run is judged by, their number of images, whether they are of validation images, and whose."""
    branch = "joint" if "accuracy_joint" in series.names() else "O"
    validation = series.epoch_values(f"validation_accuracy_{branch}")
    if np.isfinite(validation).any():
        return validation, series.validation_images, True, branch
    return series.epoch_values(f"accuracy_{branch}"), series.training_images, False, branch


def _trouble(state: RunState | None, status: ShownStatus) -> Saying:
    if status == "failed":
        error = None if state is None else state.error
        text = "" if error is None else error_text(error)
        return Saying("bad", text or "Training failed; see its log.")
    if status == "broken":
        return Saying(
            "bad", "A file of this run cannot be read. Restore it from a backup, or move the run to the trash."
        )
    return Saying("caution", "Training ended unexpectedly. Resume continues from its last checkpoint.")


def _progress(series: MetricSeries, *, finished: bool) -> list[Saying]:
    said: list[Saying] = []
    losses = series.epoch_values("loss")
    epochs = count_text(len(losses), "epoch")
    accuracy, images, known, branch = _main_accuracy(series)
    if not finished and np.isfinite(accuracy).any():
        said.append(_accuracy(accuracy, images, "validation" if known else "training", _BRANCH_WORDS[branch]))
        if not known:
            said.append(Saying("plain", "There are no validation images, so the curves show only training images."))
    if np.isfinite(losses).all() and len(losses) > 1:
        change = losses[-1] / losses[0] - 1.0
        if abs(change) < _NO_CHANGE:
            said.append(
                Saying("plain", f"After {epochs} the training loss is still {losses[-1]:.3g}, as at the start.")
            )
            return said + _overfitting(series)
        word = "fell" if change < 0 else "rose"
        tone: Tone = "plain" if change < 0 else "caution"
        remedy = "" if change < 0 else " A lower learning rate usually helps."
        said.append(
            Saying(tone, f"The training loss {word} from {losses[0]:.3g} to {losses[-1]:.3g} in {epochs}.{remedy}")
        )
    said += _overfitting(series)
    return said


def _accuracy(values: Column, images: int | None, where: str, whose: str) -> Saying:
    best = int(np.nanargmax(values))
    since = len(values) - 1 - best
    start = f"{where.capitalize()} accuracy of {whose}"
    best_text = f"{accuracy_share_text(float(values[best]), images)} in epoch {best + 1}"
    last_text = accuracy_share_text(float(values[-1]), images)
    if since >= _RESTING_EPOCHS:
        return Saying(
            "caution",
            f"{start} has not improved for {count_text(since, 'epoch')}; best {best_text}. You can stop: the best "
            "epoch is kept.",
        )
    if since:
        return Saying("plain", f"{start} is {last_text}; best {best_text}.")
    rise = values[-1] - values[-2] if len(values) > 1 else 0.0
    if rise > 0:
        return Saying("good", f"{start} improves: {last_text}, {100 * rise:.1f} points better than before.")
    return Saying("good", f"{start} is {last_text}, best so far.")


def _overfitting(series: MetricSeries) -> list[Saying]:
    validation = series.epoch_values("validation_loss")
    if np.isfinite(validation).sum() < _RESTING_EPOCHS + 1:
        return []
    lowest = int(np.nanargmin(validation))
    training = series.epoch_values("loss")
    if len(validation) - 1 - lowest < _RESTING_EPOCHS or training[-1] >= training[lowest]:
        return []
    return [
        Saying(
            "caution",
            f"Validation loss has risen since epoch {lowest + 1} while training loss falls: the model memorises the "
            "images. Stop and keep it, or start again with more images, a stronger crop or label smoothing.",
        )
    ]


def _warnings(line: Mapping[str, Any]) -> list[str]:
    warnings = line.get("warnings")
    return [str(text) for text in warnings] if isinstance(warnings, list) else []
