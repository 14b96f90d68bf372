"""Is the shown table still that of the model and the images that are chosen? Looked up in a thread: both may be large."""

from __future__ import annotations

import logging

from s3n_core.datasets.opening import open_images, part_of
from s3n_core.errors import S3NError
from s3n_core.prediction.rows import PredictionHeader, fingerprint
from s3n_core.runs.model_paths import file_digest, model_file
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.low_priority import low_priority
from s3n_gui.state.prediction_request import PredictionRequest

_log = logging.getLogger(__name__)


def check_table(request: PredictionRequest, header: PredictionHeader) -> str:
    """Say what of a table is not as it is now, as a sentence; empty where nothing is, or where it cannot be looked up."""
    try:
        return difference(request, header)
    except (S3NError, OSError):  # the next prediction says so
        _log.info("a table could not be compared with the current model and images", exc_info=True)
        return ""


def difference(request: PredictionRequest, header: PredictionHeader) -> str:
    """Say what of a table is not as it is now; empty where nothing is.

    Raises:
        S3NError, OSError: Model or images are not there any more.
    """
    if file_digest(model_file(request.model)) != header.model:
        if request.model.is_dir():
            return "These predictions are from an earlier checkpoint of this run, which now has a better one."
        return f"The model file {request.model.name} has changed since these predictions."
    data_set = open_images(request.images)
    records = part_of(data_set, request.part)
    if len(records) != header.count:
        now, then = count_text(len(records), "image"), f"{header.count:,}"
        return f"There are now {now}, but these predictions cover {then}."
    if fingerprint(low_priority(records), data_set.classes) != header.images:
        return "Some images or labels have changed since these predictions."
    return ""
