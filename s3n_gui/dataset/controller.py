"""The controller of the Data page: the indexed data set, the filter, and the images it lists. No widgets."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.datasets.readers.folder_scan import FolderScan
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_gui.background.jobs import JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.dataset.checking import Checking
from s3n_gui.dataset.image_filter import ImageFilter
from s3n_gui.dataset.image_order import MEASURED, ImageOrder, name_ranks
from s3n_gui.dataset.planning import Planning
from s3n_gui.dataset.survey import Survey, survey
from s3n_gui.dataset.tagging import Tagging
from s3n_gui.state.session import Session

_LARGE = 50_000  # images
_FIRST_IMAGES, _FIRST_FOLDERS = 60, 200
_NOTHING: NDArray[np.intp] = np.empty(0, np.intp)
_TASKS = ("survey", "uses", "kept", "findings", "names")
_FAILURES = {
    "first images": "The first images of the folder could not be shown",
    "names": "The images could not be sorted by name",
    "survey": "The data set could not be prepared",
    "uses": "The splits of the images could not be computed",
    "kept": "The report of the last check could not be read or saved",
    "findings": "The findings of the check could not be listed",
}
"""The error message of each task, by its name."""


class DataController(QObject):
    """The page's state.

    Attributes:
        planning: The split of each image, and the user's choices about it.
        checking: The audit and its findings.
        tagging: The tags of the images.
        survey: The indexed data set, or None.
        listed: intp (n,): indices of the listed images.
        filter: Which images are listed.
        order: In which order.

    Signals:
        survey_changed: Another data set is ready, or none is open.
        listed_changed: The listed images changed.
        marks_changed: Use, tags, findings or exclusion of images changed; the list did not.
        busy_changed: Whether a data set is being prepared.
    """

    survey_changed = Signal()
    listed_changed = Signal()
    marks_changed = Signal()
    busy_changed = Signal(bool)

    def __init__(self, session: Session, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_failed)
        self.planning = Planning(session, self._tasks, self)
        self.checking = Checking(session, jobs, self._tasks, self)
        self.tagging = Tagging(session, self.planning.undo_stack, self)
        self.survey: Survey | None = None
        self.is_provisional = False
        """Whether ``survey`` is only a preview: the first images of a folder that is still being read."""
        self.listed = _NOTHING
        self.filter = ImageFilter()
        self.order = ImageOrder()
        self._names: NDArray[np.intp] | None = None  # ranks of the file names, once they are known
        self._wanted_class = ""
        self.planning.assigned.connect(self._on_assigned)
        self.planning.changed.connect(self._on_planned)
        self.checking.changed.connect(self._on_checked)
        self.tagging.changed.connect(self._on_tagged)
        session.data_set_changed.connect(self._on_data_set)
        self._on_data_set(session.data_set)

    # -- the data set ----------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a background task is running."""
        return any(map(self._tasks.is_open, _TASKS))

    def _on_data_set(self, data_set: DataSet | None) -> None:
        if data_set is not None and self.survey is not None and data_set is self.survey.data_set:
            return  # this page has moved images to other splits
        self.checking.forget()
        for name in ("survey", "uses"):
            self._tasks.forget(name)
        if data_set is None:
            self._take_over(None)
        else:
            self._tasks.run("survey", lambda: _prepare(data_set))
        self.busy_changed.emit(data_set is not None)

    def show_first_images(self, folder: Path) -> None:
        """Show a preview of a folder while it is being read, unless a data set is open."""
        if self._session.data_set is None:
            self.drop_first_images()  # those of a folder that is no longer being read
            self._tasks.run("first images", lambda: survey(_first_images(folder)))

    def drop_first_images(self) -> None:
        """Remove the preview after the folder could not be read, or when another one is being read."""
        self._tasks.forget("first images")
        if self.is_provisional:
            self._take_over(None)

    def _take_over(self, prepared: Survey | None, *, provisional: bool = False) -> None:
        self.survey, self.is_provisional = prepared, provisional
        self.filter, self._names = ImageFilter(), None
        self.order = replace(self.order, like=-1) if self.order.by != "likeness" else ImageOrder()
        self._tasks.forget("names")
        self.listed = np.arange(len(prepared)) if prepared is not None else _NOTHING
        self.planning.show_survey(prepared, provisional=provisional)
        self.tagging.show_survey(prepared, provisional=provisional)
        self.survey_changed.emit()
        self.listed_changed.emit()
        self.checking.show_survey(prepared, provisional=provisional)
        if self.order.by != "data-set":
            self.set_order(self.order)
        if not provisional:
            wanted, self._wanted_class = self._wanted_class, ""
            self.show_class(wanted)
        if prepared is not None and not provisional and prepared.notice:
            self._session.report_error(prepared.notice, cause="data")

    def _on_assigned(self, data_set: DataSet) -> None:
        assert self.survey is not None
        self.survey = replace(self.survey, data_set=data_set)
        self._session.data_set = data_set
        self.checking.show_parts(self.survey, self.planning.given)

    def _on_planned(self) -> None:
        if self.filter.uses is not None or "left-out" in (self.filter.troubles or ()):
            self._list()
        self.marks_changed.emit()

    def _on_checked(self) -> None:
        depends = bool((self.filter.troubles or frozenset()) - {"left-out"}) or self.filter.sizes is not None
        if depends or self.order.by in MEASURED:
            self._list()
        self.marks_changed.emit()

    def _on_tagged(self) -> None:
        if self.filter.tags is not None or self.filter.text:
            self._list(always=False)
        self.marks_changed.emit()

    # -- filter ----------------------------------------------------------------------------------------------------------

    def set_filter(self, **changes: Any) -> None:
        """Change fields of the filter, by their names in ``ImageFilter``."""
        self.apply_filter(replace(self.filter, **changes))

    def apply_filter(self, wanted: ImageFilter) -> None:
        """List the images that pass a filter."""
        if wanted != self.filter:
            self.filter = wanted
            self._list()

    def show_only(self, **conditions: Any) -> None:
        """List the images that meet these conditions, by their names in ``ImageFilter``, and no others."""
        self.apply_filter(ImageFilter(**conditions))

    def set_order(self, order: ImageOrder) -> None:
        """List the images in another order; one that needs the names or the check follows when they are known."""
        self.order = order
        if self.survey is not None and order.by == "name" and self._names is None:
            prepared = self.survey
            self._tasks.run("names", lambda: name_ranks(prepared))
        self._list()

    def count(self, wanted: ImageFilter) -> int:
        """Return the number of images that pass a filter."""
        return len(self.passing(wanted))

    def passing(self, wanted: ImageFilter) -> NDArray[np.intp]:
        """Return the indices of the images that pass a filter."""
        return _NOTHING if self.survey is None else self._passing(wanted)

    def show_class(self, name: str) -> None:
        """List the images of one class, now or as soon as the data set is ready.

        Args:
            name: The class, as in ``DataSet.classes``; an unknown one is ignored.
        """
        survey, opened = self.survey, self._session.data_set
        if survey is None or opened is None or survey.data_set.root != opened.root or self.is_provisional:
            self._wanted_class = name if opened is not None else ""
        elif name in survey.data_set.classes:
            label = survey.data_set.classes.index(name)
            self.show_only(labels=frozenset({label}))

    def _list(self, *, always: bool = True) -> None:
        """List the images; ``always``: say so, even if they are the same."""
        if self.survey is not None:
            checking = self.checking
            listed = self.order.apply(
                self._passing(self.filter),
                self.survey,
                names=self._names,
                measures=checking.measures,
                findings=checking.findings or (),
            )
            same = np.array_equal(listed, self.listed)
            if not same:
                self.listed = listed
            if always or not same:
                self.listed_changed.emit()

    def _passing(self, wanted: ImageFilter) -> NDArray[np.intp]:
        assert self.survey is not None
        planning, checking = self.planning, self.checking
        ranges = None if checking.measures is None else checking.measures.ranges
        tagged = self.tagging.masks() if wanted.tags is not None or wanted.text else None
        return wanted.apply(self.survey, planning.uses, checking.findings or (), planning.left_out, ranges, tagged)

    # -- background ------------------------------------------------------------------------------------------------------

    @Slot(str, object)
    def _on_done(self, name: str, result: Any) -> None:
        if name == "first images":
            if self.survey is None and len(result):
                self._take_over(result, provisional=True)
        elif name == "names":
            self._names = result
            self._list()
        elif name == "survey":
            self._tasks.forget("first images")
            self._take_over(result)
            self.busy_changed.emit(False)

    @Slot(str, object)
    def _on_failed(self, name: str, error: Exception) -> None:
        what = str(error) or type(error).__name__
        self._session.report_error(f"{_FAILURES[name]} ({what}); see the log for details.", cause="data")
        if name == "survey":
            self.busy_changed.emit(False)

    def close(self) -> None:
        """Wait for the background tasks; the job list ends the audit."""
        self._tasks.close()
        self.tagging.close()


def _prepare(data_set: DataSet) -> Survey:
    prepared = survey(data_set)
    if len(prepared) >= _LARGE:
        # Otherwise each full garbage collection walks over a million records and blocks the window for a fifth of a
        # second. The records hold no cycles, so reference counting frees them without the collector.
        gc.freeze()
    return prepared


def _first_images(root: Path) -> DataSet:
    """Return the first images below a folder, without labels; stop after ``_FIRST_FOLDERS`` folders."""
    scan = FolderScan(root)
    found: list[ImageRecord] = []
    waiting, visited = [root] if root.is_dir() else [], 0
    while waiting and len(found) < _FIRST_IMAGES and visited < _FIRST_FOLDERS:
        folder, visited = waiting.pop(), visited + 1
        listing = scan.peek(folder)
        for name in listing.images[: _FIRST_IMAGES - len(found)]:
            path = folder / name
            found.append(ImageRecord(path=path, name=path.relative_to(root).as_posix()))
        waiting += [folder / name for name in reversed(listing.folders)]
    return DataSet(root=root, format="images", classes=(), records=tuple(found))
