"""The list model of the images to inspect: flat, filterable, and without pixels, so that it holds 100,000 images."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from PySide6.QtCore import QAbstractListModel, QObject, Qt, Signal

from s3n_core.datasets.records import DataSet, ImageRecord, displayed_class
from s3n_gui.appearance.wording import tip_text
from s3n_gui.inspector.images.verdicts import Verdict, Verdicts
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex

Shown = Literal["all", "mistakes", "disagreements", "unseen"]
SHOWN: tuple[Shown, ...] = get_args(Shown)
RECORD_ROLE = Qt.ItemDataRole.UserRole
VERDICT_ROLE = Qt.ItemDataRole.UserRole + 1


def is_mistake(verdict: Verdict | None) -> bool:
    """Return whether an image is known to be predicted wrongly."""
    return verdict is not None and verdict.correct is False


def disagrees(verdict: Verdict | None) -> bool:
    """Return whether the branches are known to disagree."""
    return verdict is not None and verdict.agrees is False


_TESTS: dict[Shown, Callable[[Verdict | None], bool]] = {
    "all": lambda verdict: True,
    "mistakes": is_mistake,
    "disagreements": disagrees,
    "unseen": lambda verdict: verdict is None,
}


class ImageList(QAbstractListModel):
    """The images of a data set that pass the filter, in the data set's order; chosen images in the order of the choice.

    Signals:
        filtered: The list shows other images.
    """

    filtered = Signal()

    def __init__(self, verdicts: Verdicts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._verdicts = verdicts
        self._records: tuple[ImageRecord, ...] = ()
        self._classes: tuple[str, ...] = ()
        self._texts: list[str] = []
        self._listed: list[int] = []
        self._rows: dict[Path, int] = {}
        self._text, self._shown = "", "all"
        self._opened: tuple[ImageRecord, ...] = ()
        self._root: Path | None = None
        self._selection: ImageSelection | None = None
        self._elsewhere = False  # the chosen images are not of the data set
        verdicts.changed.connect(self._on_verdicts)

    def set_data_set(self, data_set: DataSet | None, lone_image: Path | None = None) -> None:
        """List the images of a data set, or a single image."""
        self._root = None if data_set is None else data_set.root
        if data_set is not None:
            self._opened, self._classes = data_set.records, data_set.classes
        else:
            self._opened = () if lone_image is None else (ImageRecord(path=lone_image, name=lone_image.name),)
            self._classes = ()
        self._choose()

    def set_selection(self, selection: ImageSelection | None) -> None:
        """List only chosen images in their order, without any other filter; None lists all again.

        Images of another folder than the data set's are listed without labels.
        """
        if selection != self._selection:
            self._selection, self._text, self._shown = selection, "", "all"
            self._choose()

    def _choose(self) -> None:
        chosen = self._selection
        self._records, self._texts, self._elsewhere = self._opened, [], False
        if chosen is not None:
            names = chosen.names if chosen.root == self._root else frozenset()
            found = {record.name: record for record in self._opened if record.name in names}
            self._records = tuple(found[name] for name in dict.fromkeys(chosen.files) if name in found)
            self._elsewhere = not self._records
            if self._elsewhere:
                self._records = tuple(ImageRecord(path=chosen.path_of(file), name=file) for file in chosen.files)
        self._filter()

    def set_filter(self, text: str, shown: Shown) -> None:
        """List only images whose name or class contains ``text`` and whose verdict matches ``shown``."""
        text = text.strip().casefold()
        if (text, shown) != (self._text, self._shown):
            self._text, self._shown = text, shown
            self._filter()

    @property
    def total(self) -> int:
        """Number of images before the filter, and before the choice if the chosen ones are of the data set."""
        return len(self._records if self._elsewhere else self._opened)

    def paths(self) -> dict[str, Path]:
        """Return the files of all images by the names that tables give them; of two with one name that of the data set."""
        return {record.name: record.path for record in (*self._records, *self._opened)}

    def are_all_among(self, names: frozenset[str]) -> bool:
        """Return whether a table with these names has a row of every image: it has none of another folder's namesakes."""
        paths = self.paths()
        namesakes = self._elsewhere and any(paths[record.name] != record.path for record in self._records)
        return paths.keys() <= names and not namesakes

    def label_of(self, record: ImageRecord) -> str | None:
        """Return the name of an image's labelled class, or None."""
        return None if record.label is None else self._classes[record.label]

    def record(self, row: int) -> ImageRecord:
        """Return the image of a row."""
        return self._records[self._listed[row]]

    def record_of(self, path: Path | None) -> ImageRecord | None:
        """Return the image of a file, even if the filter hides it, or None."""
        if path is None:
            return None
        row = self.row_of(path)
        if row >= 0:
            return self.record(row)
        return next((record for record in (*self._records, *self._opened) if record.path == path), None)

    def row_of(self, path: Path | None) -> int:
        """Return the row of an image, or -1."""
        if path is None:
            return -1
        if not self._rows and self._listed:
            self._rows = {self._records[index].path: row for row, index in enumerate(self._listed)}
        return self._rows.get(path, -1)

    def start_row(self, path: Path | None, step: Literal[1, -1]) -> int:
        """Return the row from which to look for the next image: of the image, or beside its place if it is not listed."""
        row = self.row_of(path)
        if row >= 0 or path is None:
            return row if row >= 0 or step == 1 else len(self._listed)
        place = next((index for index, record in enumerate(self._records) if record.path == path), -1)
        following = bisect_left(self._listed, place)
        return following - 1 if step == 1 else following

    def count(self, test: Callable[[Verdict | None], bool], start: int | None = None, step: Literal[1, -1] = 1) -> int:
        """Return how many listed images have a verdict that passes a test; with ``start``, only those beyond that row."""
        listed = self._listed
        if start is not None:
            listed = listed[start + 1 :] if step == 1 else listed[: max(start, 0)]
        return sum(test(self._verdicts.get(self._records[index].path)) for index in listed)

    def next_row(self, row: int, step: Literal[1, -1], test: Callable[[Verdict | None], bool] | None = None) -> int:
        """Return the next row in a direction whose verdict passes a test, or -1 if there is none; does not wrap around.

        Args:
            row: Where to start; -1 means before the first row.
            step: 1 for forwards, -1 for backwards.
            test: None accepts any row.
        """
        row += step
        while 0 <= row < len(self._listed):
            if test is None or test(self._verdicts.get(self.record(row).path)):
                return row
            row += step
        return -1

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._listed)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return an item's data for a role."""
        if not index.isValid():
            return None
        record = self.record(index.row())
        if role == RECORD_ROLE:
            return record
        if role == VERDICT_ROLE:
            return self._verdicts.get(record.path)
        if role == Qt.ItemDataRole.DisplayRole:
            return record.name.rpartition("/")[2]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{record.name}. {self._said(record)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip_text(f"{record.name}\n{self._said(record)}")
        return None

    def _said(self, record: ImageRecord) -> str:
        label, verdict = self.label_of(record), self._verdicts.get(record.path)
        parts = [] if label is None else [f"Labelled {displayed_class(label)}"]
        if verdict is None:
            parts.append("not viewed yet")
        else:
            parts.append(f"predicted as {displayed_class(verdict.class_name)} ({100 * verdict.probability:.1f} %)")
            if verdict.agrees is False:
                parts.append("the branches disagree")
        return ", ".join(parts)

    def _filter(self) -> None:
        self.beginResetModel()
        test = _TESTS[self._shown]  # type: ignore[index]
        listed: Sequence[int] = range(len(self._records))
        if self._text:
            if not self._texts:
                classes = [displayed_class(name) for name in self._classes]
                self._texts = [
                    f"{r.name}\n{'' if r.label is None else classes[r.label]}".casefold() for r in self._records
                ]
            listed = [index for index in listed if self._text in self._texts[index]]
        if self._shown != "all":
            listed = [index for index in listed if test(self._verdicts.get(self._records[index].path))]
        self._listed, self._rows = list(listed), {}
        self.endResetModel()
        self.filtered.emit()

    def _on_verdicts(self, paths: tuple[Path, ...]) -> None:
        if not paths:
            self._filter()
            return
        # The current image stays listed, whatever its verdict turns out to be.
        for path in paths:
            row = self.row_of(path)
            if row >= 0:
                self.dataChanged.emit(self.index(row), self.index(row), [VERDICT_ROLE])
