"""The check whether a table still matches the chosen model and images; run in a thread, as both may be large."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from s3n_core.datasets.opening import named_records, open_images
from s3n_core.errors import S3NError
from s3n_core.evaluation.chosen_images import evaluation_images
from s3n_core.prediction.rows import PredictionHeader, fingerprint
from s3n_core.runs.model_paths import file_digest, model_file
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.low_priority import low_priority
from s3n_gui.state.prediction_request import PredictionRequest

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TableCheck:
    """The result of a check.

    Attributes:
        stale: What has changed since the table was made, as a sentence; empty if nothing, or if the check failed.
        split: The table is of all images, and the model should be measured on this split: "test", "validation" or
            "val". Otherwise empty.
    """

    stale: str = ""
    split: str = ""


def check_table(request: PredictionRequest, header: PredictionHeader) -> TableCheck:
    """Check a table against the current model and images."""
    try:
        stale = difference(request, header)
        whole = not stale and request.split == "all"
        split = evaluation_images(open_images(request.images, request.format), request.model)[0] if whole else "all"
    except (S3NError, OSError):  # the next prediction reports it
        _log.info("a table could not be compared with the current model and images", exc_info=True)
        return TableCheck()
    return TableCheck(stale, "" if split == "all" else split)


def difference(request: PredictionRequest, header: PredictionHeader) -> str:
    """Return what has changed since a table was made, as a sentence; empty if nothing.

    Raises:
        S3NError, OSError: The model or the images no longer exist.
    """
    if file_digest(model_file(request.model)) != header.model:
        if request.model.is_dir():
            return "These predictions are from an earlier checkpoint of this run, which now has a better one."
        return f"The model file {request.model.name} has changed since these predictions."
    data_set = open_images(request.images, request.format)
    records = named_records(data_set, request.split, request.model)
    if len(records) != header.count:
        now, then = count_text(len(records), "image"), f"{header.count:,}"
        return f"There are now {now}, but these predictions cover {then}."
    if fingerprint(low_priority(records), data_set.classes) != header.images:
        return "Some images or labels have changed since these predictions."
    return ""
