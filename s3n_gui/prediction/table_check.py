"""Is the shown table still that of the model and the images that are chosen? Looked up in a thread: both may be large."""

from __future__ import annotations

import logging

from PySide6.QtCore import Signal

from s3n_core.datasets.opening import open_images, part_of
from s3n_core.errors import S3NError
from s3n_core.prediction.rows import PredictionHeader, fingerprint
from s3n_core.runs.model_paths import file_digest, model_file
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.low_priority import gently
from s3n_gui.background.worker_thread import Worker
from s3n_gui.state.prediction_request import PredictionRequest

_log = logging.getLogger(__name__)


class TableCheck(Worker):
    """Compares once.

    Signals:
        checked: The number that was given, and what is otherwise now, as a sentence; empty where nothing is.
    """

    checked = Signal(int, str)

    def __init__(self, request: PredictionRequest, header: PredictionHeader, number: int) -> None:
        super().__init__()
        self._request, self._header, self._number = request, header, number

    def work(self) -> None:
        """Compare."""
        sentence = ""
        try:
            sentence = difference(self._request, self._header)
        except (S3NError, OSError):  # the next prediction says so
            _log.info("a table could not be compared with what is there now", exc_info=True)
        self.checked.emit(self._number, sentence)


def difference(request: PredictionRequest, header: PredictionHeader) -> str:
    """Say what of a table is not as it is now; empty where nothing is.

    Raises:
        S3NError, OSError: Model or images are not there any more.
    """
    if file_digest(model_file(request.model)) != header.model:
        if request.model.is_dir():
            return "These predictions are of an earlier checkpoint of this run; its best one is another by now."
        return f"These predictions are of another model than {request.model.name} is now: the file has changed."
    data_set = open_images(request.images)
    records = part_of(data_set, request.part)
    if len(records) != header.count:
        now, then = count_text(len(records), "image"), f"{header.count:,}"
        return f"There are {now} now; these predictions are of {then}."
    if fingerprint(gently(records), data_set.classes) != header.images:
        return "Some of these images or their labels have changed since they were predicted."
    return ""
