"""The texts for the page's state."""

from __future__ import annotations

from s3n_core.datasets.skipped_files import needs_attention, skipped_sentence, skipped_words
from s3n_gui.appearance.wording import count_text, error_text, left_text
from s3n_gui.prediction.controller import PredictionController

_PREDICTED = {
    "train": "the training images of {}",
    "val": "the validation images of {}",
    "validation": "the run's validation images of {}",
    "test": "the test images of {}",
}
"""What is predicted, by split; {} is the folder's name."""


def state_words(controller: PredictionController) -> str:
    """Return one line on the state of the prediction, and on files that were skipped."""
    return " · ".join(words for words in (_stage_words(controller), skipped_words(controller.skipped)) if words)


def state_tip(controller: PredictionController) -> str:
    """Return what the line on the state leaves out: which files were skipped."""
    return skipped_sentence(controller.skipped, companions=False) if needs_attention(controller.skipped) else ""


def _stage_words(controller: PredictionController) -> str:
    job, predictions, total = controller.job, controller.predictions, controller.total
    match controller.stage:
        case "running" if job is not None:
            if not job.text:
                return "Opening the model …"
            left = left_text(job.seconds_left)
            return f"{job.text} · {left}" if left else job.text
        case "stopping":
            return "Stopping after this batch …"
        case "reading":
            return "Looking at the images …" if controller.request is None else "Reading the table …"
        case "stopped" if predictions is not None:
            return f"Stopped after {len(predictions):,} of {count_text(total, 'image')}"
        case "finished" if predictions is not None:
            header = predictions.header
            fast = "" if header.stop_below is None else f" · fast mode H ≤ {header.stop_below:g}"
            passes = fast if header.passes is None else f"{fast}, {header.passes:.2f} passes per image"
            return f"Model {header.model[:8]} · sampling {header.mode} · {header.precision}{passes}"
    return ""


def empty_case(controller: PredictionController) -> tuple[str, ...] | None:
    """Return icon, title, sentence and buttons of the empty page that replaces the table; None if there are rows."""
    if controller.images is None:
        words = "This page shows the prediction for each image: class, confidence, and whether the branches agree."
        return "folder", "Choose images to predict", words, "Choose folder…", "Try the demo"
    if controller.model is None:
        words = "Choose one of your runs or a model file."
        return "model", "Choose a model", words, "Choose model…"
    if controller.predictions is not None and len(controller.predictions):
        return None
    if controller.stage == "reading" and controller.request is None:
        return "clock", "Preparing …", "The images are being listed."
    if controller.stage in ("running", "stopping", "reading"):
        return "clock", "Preparing …", "Opening the model takes a few seconds."
    if controller.error is not None:
        return "error", "Prediction failed", error_text(controller.error), "Try again"
    name = _PREDICTED.get(controller.split, "{}").format(controller.images.name)
    return (
        "predict",
        f"Predict {name}",
        "Results appear as they come in; you can stop and continue.",
        "Predict",
    )
