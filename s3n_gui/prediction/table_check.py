"""The check whether a table still matches the chosen model and images; run in a thread, as both may be large."""

from __future__ import annotations

import logging

from s3n_core.datasets.opening import open_images, split_records
from s3n_core.errors import S3NError
from s3n_core.prediction.rows import PredictionHeader, fingerprint
from s3n_core.runs.model_paths import file_digest, model_file
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.low_priority import low_priority
from s3n_gui.state.prediction_request import PredictionRequest

_log = logging.getLogger(__name__)


def check_table(request: PredictionRequest, header: PredictionHeader) -> str:
    """Return what has changed since a table was made, as a sentence; empty if nothing, or if the check fails."""
    try:
        return difference(request, header)
    except (S3NError, OSError):  # the next prediction reports it
        _log.info("a table could not be compared with the current model and images", exc_info=True)
        return ""


def difference(request: PredictionRequest, header: PredictionHeader) -> str:
    """Return what has changed since a table was made, as a sentence; empty if nothing.

    Raises:
        S3NError, OSError: The model or the images no longer exist.
    """
    if file_digest(model_file(request.model)) != header.model:
        if request.model.is_dir():
            return "These predictions are from an earlier checkpoint of this run, which now has a better one."
        return f"The model file {request.model.name} has changed since these predictions."
    data_set = open_images(request.images)
    records = split_records(data_set, request.part)
    if len(records) != header.count:
        now, then = count_text(len(records), "image"), f"{header.count:,}"
        return f"There are now {now}, but these predictions cover {then}."
    if fingerprint(low_priority(records), data_set.classes) != header.images:
        return "Some images or labels have changed since these predictions."
    return ""
