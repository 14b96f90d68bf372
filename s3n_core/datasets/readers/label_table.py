"""Reader of label tables: a CSV, JSON or JSON Lines file that says the class of each image, wherever the images lie.

`table_columns` finds out what the columns mean. Without a column for the split, it is that of the image's folder or of the
table's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import TypeVar

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.own_folders import is_own_table
from s3n_core.datasets.readers.folder_tree import FolderTree, split_by_folder
from s3n_core.datasets.readers.image_index import ImageIndex
from s3n_core.datasets.readers.split_names import role_of, split_of
from s3n_core.datasets.readers.table_columns import TableLabels, understand, words_of
from s3n_core.datasets.readers.tables import TABLE_SUFFIXES, BrokenTable, Table, read_mapping, read_table
from s3n_core.datasets.records import DataSet, ImageRecord, Problem, Split
from s3n_core.datasets.skipped_files import without_files
from s3n_core.errors import DataSetError

TITLE = "label table"
FORMAT = "label-table"

_NAMED = 20  # rows without an image that are named; the rest is counted


class LabelTables:
    """The label tables of a folder; found once, because every table has to be read for it.

    Attributes:
        problems: Tables that were passed over, with the reason.
        errors: Why tables that name images of the folder could not be understood.
    """

    def __init__(self, tree: FolderTree) -> None:
        self._tree = tree
        self.problems: list[Problem] = []
        self.errors: list[DataSetError] = []

    @cached_property
    def index(self) -> ImageIndex:
        """The images that the tables may name."""
        return ImageIndex(self._tree)

    @cached_property
    def found(self) -> tuple[TableLabels, ...]:
        """The tables that name images of the folder and can be understood."""
        found: list[TableLabels] = []
        names = [name for name in self._tree.text_files if PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES]
        for name in sorted(names, key=lambda name: name.lower().endswith(".json")):
            if name.lower().endswith(".json") and any(labels.labels is not None for labels in found):
                continue  # it names the classes, or says something else about the images
            file = self._tree.path(name)
            if "submission" in words_of(PurePosixPath(name).stem):
                self.problems.append(
                    Problem(file, "it is a form for predictions, not a table of labels, and was ignored")
                )
                continue
            try:
                table = read_table(file)
            except BrokenTable as error:
                if error.table is not None and self._is_about_images(error.table, name):
                    self.errors.append(DataSetError(str(error)))
                else:
                    self.problems.append(Problem(file, f"it was ignored: {error}"))
                continue
            except DataSetError as error:
                self.problems.append(Problem(file, f"it was ignored: {error}"))
                continue
            if table is not None and is_own_table(table.columns):
                reason = "it is a table of predictions, an evaluation or peaks, not of labels, and was ignored"
                self.problems.append(Problem(file, reason))
                continue
            try:
                labels = None if table is None else understand(table, str(PurePosixPath(name).parent), self.index)
            except DataSetError as error:
                self.errors.append(error)
                continue
            if labels is not None:
                found.append(labels)
        return tuple(found)

    def _is_about_images(self, table: Table, name: str) -> bool:
        try:
            return understand(table, str(PurePosixPath(name).parent), self.index) is not None
        except DataSetError:  # it names images, but its classes are not clear
            return True

    @cached_property
    def usable(self) -> bool:
        """Whether some table gives classes to images of the folder."""
        return any(labels.labels is not None for labels in self.found)

    @cached_property
    def certain(self) -> bool:
        """Whether the tables give classes to half of the images at least, under headings that say so, or give splits too."""
        covered = {
            name
            for labels in self.found
            if labels.labels is not None and (labels.certain or labels.splits or labels.groups)
            for name in labels.images
            if name is not None
        }
        return bool(covered) and 2 * len(covered) >= len(self.index.names)


def matches(tree: FolderTree) -> bool:
    """Return whether a table gives classes to images of the folder."""
    return LabelTables(tree).usable


def read(tree: FolderTree, tables: LabelTables | None = None) -> DataSet:
    """Read label tables.

    Rows without an image, images of several classes, splits or groups (the first is used), splits that are none, and tables that
    were passed over become ``problems``; images that no table names, or that one puts into a split that is none, have no label.

    Raises:
        DataSetError: No table names images of the folder with their classes, or a table cannot be understood: it has several
            columns that could be the classes, several classes per image, or numbers instead of classes.
    """
    tables = tables or LabelTables(tree)
    found = tables.found
    if tables.errors:
        raise tables.errors[0]
    if not any(labels.labels is not None for labels in found):
        raise DataSetError(
            f"{tree.root} has no table that gives classes to its images: expected a CSV file with one column for the image and "
            "one for the class."
        )
    problems = [*tables.problems]
    known = _Known()
    for labels in found:
        _collect(labels, known, tree, problems)
    for labels in found:
        problems += _unknown_splits(labels)
    left_out = {name for labels in found for name in _left_out(labels)}  # whatever another table says of them
    given = {name: label for name, (label, _) in known.labels.items() if name not in left_out}
    classes = _classes(tree, list(given.values()))
    numbers = {name: number for number, name in enumerate(classes.values())}
    folder_split = split_by_folder(tree)
    records = []
    for name in tree.images():
        split = known.splits[name][0] if name in known.splits else folder_split(name)
        if split is None and name in known.table_splits:
            split = known.table_splits[name][0]
            if name in known.clashes:
                problems.append(Problem(tree.path(name), known.clashes[name]))
        records.append(
            ImageRecord(
                path=tree.path(name),
                name=name,
                label=numbers[classes[given[name]]] if name in given else None,
                split=split,
                group=known.groups[name][0] if name in known.groups else None,
                banner=banner_of(tree.path(name)),
            )
        )
    order = {"train": 0, "val": 1, "test": 2, None: 3}
    records.sort(key=lambda record: order[record.split])  # stable: by name within a split
    return DataSet(
        root=tree.root,
        format=FORMAT,
        title=_title(found),
        classes=tuple(classes.values()),
        records=tuple(records),
        problems=(*tree.problems, *problems),
        skipped=without_files(tree.skipped, (labels.table.file for labels in found)),
        remarks=tuple(_remarks(found, records)),
    )


_Value = TypeVar("_Value", bound=str)
_Said = dict[str, tuple[_Value, str]]  # by the image's name: what the first table said of it, and where


class _Known:
    """What the tables say of each image."""

    def __init__(self) -> None:
        self.labels: _Said[str] = {}
        self.splits: _Said[Split] = {}
        self.groups: _Said[str] = {}
        self.table_splits: _Said[Split] = {}  # by the tables' names
        self.clashes: dict[str, str] = {}  # of those; they matter only where nothing else gives the split


def _keep(said: _Said[_Value], name: str, value: _Value | None, what: str, place: str) -> str | None:
    """Keep what is said of an image first; return how a later value contradicts it, as a clause for a person."""
    if value is None:
        return None
    first, first_place = said.setdefault(name, (value, place))
    if first == value:
        return None
    return f"it has the {what} {first} in {first_place}, which was used, and {value} in {place}"


def _collect(labels: TableLabels, known: _Known, tree: FolderTree, problems: list[Problem]) -> None:
    """Add the rows of one table to what is known of each image."""
    table, missing = labels.table, 0
    role = role_of(table.file.stem)
    table_split = split_of(role) if role else None
    for row, name in enumerate(labels.images):
        if name is None:
            missing += 1
            if missing <= _NAMED:
                problems.append(Problem(table.file, f"its line {table.numbers[row]} names no image that is here"))
            continue
        place = table.place(row)
        clashes = (
            _keep(known.labels, name, labels.labels[row] if labels.labels else None, "class", place),
            _keep(known.splits, name, labels.splits[row] if labels.splits else None, "split", place),
            _keep(known.groups, name, labels.groups[row] if labels.groups else None, "group", place),
        )
        problems += [Problem(tree.path(name), clash) for clash in clashes if clash is not None]
        clash = _keep(known.table_splits, name, table_split, "split", place)
        if clash is not None:
            known.clashes.setdefault(name, clash)
    if missing > _NAMED:
        problems.append(Problem(table.file, f"{missing - _NAMED} more of its lines name no image that is here"))


def _left_out(labels: TableLabels) -> list[str]:
    """Return the images that the table puts into a split that is none."""
    return [name for row in labels.no_splits if (name := labels.images[row]) is not None]


def _unknown_splits(labels: TableLabels) -> Iterator[Problem]:
    """Name each word that stands in the column of the split and says nothing of an image."""
    words = Counter(word for word in labels.no_splits.values() if role_of(word) is None)
    for word, count in sorted(words.items())[:_NAMED]:
        lines = f"{count} of its lines have" if count > 1 else "a line has"
        yield Problem(
            labels.table.file, f"{lines} {word!r} as the split, which is none: images of such lines are without a class"
        )


def _classes(tree: FolderTree, labels: Sequence[str]) -> dict[str, str]:
    """Return the class names by label, in class order: numbers by size, with names from a JSON object where there is one."""
    distinct = set(labels)
    if all(label.isdecimal() for label in distinct):
        order = sorted(distinct, key=int)
        for name in tree.text_files:
            mapping = read_mapping(tree.path(name)) if name.lower().endswith(".json") else None
            if mapping and distinct <= set(mapping) and len({mapping[label] for label in distinct}) == len(distinct):
                return {label: mapping[label] for label in order}
        return {label: label for label in order}
    return {label: label for label in sorted(distinct)}


def _title(found: Iterable[TableLabels]) -> str:
    read_from = [f"{labels.table.file.name}: {labels.what}" for labels in found if labels.labels is not None]
    more = len(read_from) - 1
    return f"{TITLE} ({read_from[0]}{f' and {more} more' if more else ''})"


def _remarks(found: Iterable[TableLabels], records: Sequence[ImageRecord]) -> list[str]:
    missing = sum(name is None for labels in found for name in labels.images)
    unnamed = sum(record.label is None for record in records)
    remarks = []
    if missing:
        remarks.append(f"Lines of the table that name no image here: {missing}.")
    if unnamed:
        remarks.append(f"Images that the table gives no class: {unnamed}.")
    return remarks
