"""The audit of the open data set: a job that reads every image, and its findings, saved across restarts. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.datasets.audit.measures import read_measures
from s3n_core.errors import S3NError
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.dataset.findings import Finding, problems_by_image
from s3n_gui.dataset.image_order import Measures
from s3n_gui.dataset.kept_report import KeptReport, keep_report, kept_report
from s3n_gui.dataset.report_reading import findings_of
from s3n_gui.dataset.survey import Survey
from s3n_gui.state.session import Session


class Checking(QObject):
    """Runs the audit of the open data set and keeps the findings of the last one.

    Signals:
        changed: The findings changed, or an audit started or ended.
        progress_changed: The progress of an audit changed.
    """

    changed = Signal()
    progress_changed = Signal()

    def __init__(self, session: Session, jobs: JobList, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._tasks = session, jobs, tasks
        self._survey: Survey | None = None
        self._job: CommandJob | None = None
        self._kept: KeptReport | None = None
        self.findings: tuple[Finding, ...] | None = None
        """Findings, most severe first; None before the first check."""
        self.measures: Measures | None = None
        """Sizes and hashes of the images; None before the first check, or after one of an earlier version."""
        self._trouble: dict[int, tuple[str, ...]] = {}
        tasks.done.connect(self._on_done)
        tasks.failed.connect(self._on_failed)

    @property
    def job(self) -> CommandJob | None:
        """The running audit, or the ended one whose findings are still being listed, or None.

        An ended job can be removed from the list of jobs, so its signals come through ``progress_changed``.
        """
        return self._job

    @property
    def when(self) -> float | None:
        """When the last check of this data set ended, in Unix seconds; None before the first."""
        return None if self._kept is None else self._kept.when

    @property
    def is_outdated(self) -> bool:
        """Whether images have been added, removed or changed since the last check."""
        return self._kept is not None and self._kept.is_outdated

    def trouble_of(self, image: int) -> tuple[str, ...]:
        """Return the problems of an image, as clauses."""
        return self._trouble.get(image, ())

    def forget(self) -> None:
        """Cancel running work before another data set is shown."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        for name in ("findings", "kept"):
            self._tasks.forget(name)

    def show_survey(self, survey: Survey | None, *, provisional: bool = False) -> None:
        """Reset for another data set, or for none; a provisional preview is not checked."""
        self._survey = None if provisional else survey
        self._kept, self.findings, self.measures, self._trouble = None, None, None, {}
        self.changed.emit()
        if survey is not None and not provisional:
            self._tasks.run("kept", lambda: kept_report(survey.data_set))

    def show_parts(self, survey: Survey, uses: NDArray[np.uint8]) -> None:
        """Recompute the findings, such as leaks, after images of the same data set have moved to other splits."""
        self._survey = replace(survey, uses=uses)
        self._find()

    def show_findings(self, findings: tuple[Finding, ...], measures: Measures | None = None) -> None:
        """Take over the result of a check.

        Args:
            findings: The findings, most severe first.
            measures: Sizes and hashes of the images, if they were measured.
        """
        self.findings, self.measures, self._trouble = findings, measures, problems_by_image(findings)
        self.changed.emit()

    def check(self) -> None:
        """Start the audit, which reads every image in its own process."""
        if self._survey is None or self._job is not None:
            return
        data_set = self._survey.data_set
        arguments = ("audit", str(data_set.root), f"--format={data_set.format}", "--measures")
        job = CommandJob(f"Checking {data_set.root.name}", arguments)
        self._job = job
        job.changed.connect(self.progress_changed)
        job.succeeded.connect(self._on_succeeded)
        job.failed.connect(self._on_job_failed)
        job.ended.connect(self._on_ended)
        self._jobs.add(job)
        job.start()
        self.changed.emit()

    def stop(self) -> None:
        """Cancel the audit; its findings are discarded."""
        if self._job is not None:
            self._job.cancel()

    def _find(self) -> None:
        prepared, kept = self._survey, self._kept
        if prepared is not None and kept is not None and kept.report is not None:
            report = kept.report
            self._tasks.run("findings", lambda: (findings_of(report, prepared), _measures_of(report, prepared)))

    @Slot(object, object)
    def _on_succeeded(self, report: dict[str, Any] | None, job: CommandJob) -> None:
        if job is self._job and self._survey is not None and report is not None:
            data_set, made = self._survey.data_set, report
            self._tasks.forget("kept")
            self._tasks.run("kept", lambda: keep_report(data_set, made))

    @Slot(object, object)
    def _on_job_failed(self, error: S3NError, job: CommandJob) -> None:
        if job is self._job:
            self._job = None
            self._session.report_error(error, cause="data")
            self.changed.emit()

    @Slot(str, object)
    def _on_ended(self, status: str, job: CommandJob) -> None:
        if job is self._job and status == "cancelled":  # success and failure have their own signals
            self._job = None
            self.changed.emit()

    @Slot(str, object)
    def _on_done(self, name: str, result: Any) -> None:
        if name == "kept":
            self._kept = result
            if result is not None and result.problem:
                self._session.report_error(result.problem, cause="data")
            if result is not None and result.report is not None:
                self._find()
            else:
                self.changed.emit()
        elif name == "findings":
            self._end_job()
            self.show_findings(*result)

    @Slot(str)
    def _on_failed(self, name: str) -> None:
        if name in ("findings", "kept"):
            self._end_job()
            self.changed.emit()

    def _end_job(self) -> None:
        """Forget the check if these findings are its own: those of an earlier report can be listed while it runs."""
        if self._job is not None and not self._job.is_active and not self._tasks.is_open("kept"):
            self._job = None


def _measures_of(report: Mapping[str, Any], survey: Survey) -> Measures | None:
    measures = read_measures(report, len(survey))
    return None if measures is None else Measures.of(*measures)
