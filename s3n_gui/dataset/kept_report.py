"""The last audit report of a data set, saved in the program's own folder so that it survives restarts."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s3n_core.datasets.notes import read_note, write_note
from s3n_core.datasets.records import DataSet
from s3n_core.errors import S3NError

_KIND = "audits"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """The last check of a data set.

    Attributes:
        when: When it ended, in Unix seconds.
        report: The JSON of ``s3n audit --json``; None if the data set has changed since.
        problem: Why it could not be saved, as a sentence; empty if it was.
    """

    when: float
    report: Mapping[str, Any] | None
    problem: str = ""

    @property
    def is_outdated(self) -> bool:
        """Whether images have been added, removed or changed since."""
        return self.report is None


def keep_report(data_set: DataSet, report: Mapping[str, Any]) -> KeptReport:
    """Save a new report. Thread-safe; stats every image file once."""
    now, problem = time.time(), ""
    try:
        write_note(_KIND, data_set.root, {"when": now, "fingerprint": _fingerprint(data_set), "report": report})
    except S3NError as error:
        problem = f"The results of the check cannot be saved: {error}"
    return KeptReport(when=now, report=report, problem=problem)


def kept_report(data_set: DataSet) -> KeptReport | None:
    """Read the last report on a data set; None if there is none or it cannot be read. Thread-safe."""
    try:
        note = read_note(_KIND, data_set.root)
        if note is None:
            return None
        when, fingerprint, report = float(note["when"]), note["fingerprint"], dict(note["report"])
    except (S3NError, LookupError, TypeError, ValueError) as error:
        _log.warning("the last check of %s cannot be read (%s)", data_set.root, error)  # a new check replaces it
        return None
    return KeptReport(when=when, report=report if fingerprint == _fingerprint(data_set) else None)


def _fingerprint(data_set: DataSet) -> str:
    """Return the fingerprint of the images as the folder has them: moving them between splits does not change it."""
    return (data_set.original or data_set).fingerprint()
