"""Opening a data set folder: the format is detected from the folder's contents, or chosen by name."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from s3n_core.datasets.list_folders import IMAGES
from s3n_core.datasets.own_folders import own_kind
from s3n_core.datasets.readers import (
    class_folders,
    cub_200_2011,
    label_table,
    list_files,
    stanford_cars,
    unlabelled_folder,
)
from s3n_core.datasets.readers.fgvc_aircraft import LEVEL_READERS
from s3n_core.datasets.readers.file_names import FORMAT as FILE_NAMES
from s3n_core.datasets.readers.file_names import FileNames, suggestion
from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.readers.foreign_formats import refuse_file, refuse_foreign, refuse_without_images, unread_tables
from s3n_core.datasets.readers.label_table import LabelTables
from s3n_core.datasets.readers.list_files import Lists
from s3n_core.datasets.readers.split_names import role_of
from s3n_core.datasets.records import DataSet, Problem, comparable_class
from s3n_core.datasets.splits import shared_groups
from s3n_core.errors import DataSetError, DataSetNotFound, TooFewClasses


class Reader(Protocol):
    """Interface of a reader: a module, or an object if one layout can be read in several ways."""

    TITLE: str
    FORMAT: str

    def matches(self, tree: FolderTree) -> bool:
        """Return whether a folder looks like this format."""
        ...

    def read(self, tree: FolderTree) -> DataSet:
        """Read the folder, or raise ``DataSetError``."""
        ...


_OFFICIAL: tuple[Reader, ...] = (cub_200_2011, *LEVEL_READERS, stanford_cars)
_CLASS_FOLDERS = class_folders.READERS[0]

READERS: tuple[Reader, ...] = (
    *_OFFICIAL,
    list_files,
    label_table,
    *class_folders.READERS,
    FileNames(),
    unlabelled_folder,
)
"""All readers in the order in which they are tried: the most specific layout first."""

FORMATS: tuple[str, ...] = tuple(reader.FORMAT for reader in READERS)
"""Names of the formats, for ``open_data_set``; ``file-names`` also takes a pattern: ``file-names:{class}_*``."""


def open_data_set(root: Path, format: str = "auto", *, linked: DataSet | None = None) -> DataSet:
    """Open a data set folder (or one image, as a data set of unlabelled images).

    A folder that only wraps another one is seen through: the data set's root is then the inner folder.

    Args:
        root: The folder.
        format: One of ``FORMATS``, or "auto": the first that matches.
        linked: Of list files beside a link to their images (`list_folders`): the data set that it leads to, if it is open
            already, which spares reading it once more.

    Raises:
        DataSetError: The folder is missing, empty, or cannot be listed; no format matches; its lists are wrong; it is a data set
            of a kind that cannot be used.
        TooFewClasses: All labelled images have the same class.
    """
    try:
        return _annotated(_opened(root, format), linked)
    except OSError as error:  # it may not be looked at, or its disk is damaged
        raise DataSetError(f"{root} cannot be read ({error.strerror or error}): check its permissions.") from error


def _opened(root: Path, format: str) -> DataSet:
    by_name = _by_name(format)
    _check_root(root)
    tree = FolderTree(root)
    if by_name is not None:
        return _finished(by_name.read(tree), tree, ())
    tree, wrappers = _unwrapped(tree)
    title, read, notes = _detected(tree)
    try:
        data_set = read(tree)
    except DataSetError as error:
        hint = f"The folder was read as {title}; if that is wrong, choose the format yourself ({', '.join(FORMATS)})."
        raise type(error)(f"{error} {hint}") from error
    data_set = replace(data_set, problems=(*data_set.problems, *notes))
    return _finished(data_set, tree, wrappers)


def _annotated(data_set: DataSet, linked: DataSet | None) -> DataSet:
    """Return list files that lie beside a link to their images (`list_folders`) with the boxes and key points of these."""
    link = data_set.root / IMAGES
    if data_set.format != list_files.FORMAT or not link.is_symlink():
        return data_set
    try:
        linked = linked or _opened(link.resolve(), "auto")
    except (DataSetError, OSError, RuntimeError):  # a loop of links; what is listed was read nevertheless
        return data_set
    of_image = {record.path.relative_to(linked.root).as_posix(): record for record in linked.records}
    records = []
    for record in data_set.records:
        source = of_image.get(record.name.removeprefix(f"{IMAGES}/"))
        records.append(record if source is None else replace(record, box=source.box, parts=source.parts))
    return replace(data_set, records=tuple(records))


def detection_sentence(data_set: DataSet) -> str:
    """Describe an opened folder: "Detected as CUB-200-2011: 543 images of 10 classes (300 train, 243 test)."

    The remarks on how it was read follow.
    """
    images = len(data_set.records)
    what = f"{images} image" if images == 1 else f"{images} images"
    unlabelled = sum(record.label is None for record in data_set.records) if data_set.classes else 0
    if data_set.classes:
        what += f" of {len(data_set.classes)} classes"
    parts = [f"{len(data_set.of_split(split))} {split}" for split in data_set.splits() if split is not None]
    parts += [f"{unlabelled} without labels"] if unlabelled else []
    sentence = f"Detected as {data_set.title}: {what}" + (f" ({', '.join(parts)})." if parts else ".")
    return " ".join((sentence, *data_set.remarks))


def has_labels_elsewhere(root: Path) -> bool:
    """Return whether a folder has lists or tables of its images, which say more than folder names."""
    tree = FolderTree(root)
    return (
        _official(tree) is not None or bool(Lists(tree).files) or any(name.endswith(".csv") for name in tree.text_files)
    )


def _by_name(format: str) -> Reader | None:
    if format == "auto":
        return None
    if format.startswith(f"{FILE_NAMES}:"):
        return FileNames(format.removeprefix(f"{FILE_NAMES}:"))
    if format not in FORMATS:
        raise DataSetError(f"There is no data set format '{format}': choose auto or one of {', '.join(FORMATS)}.")
    return READERS[FORMATS.index(format)]


def _check_root(root: Path) -> None:
    if not root.exists():
        raise DataSetNotFound(f"{root} does not exist: check the path.", path=root)
    if not root.is_dir():
        refuse_file(root)
        return
    with os.scandir(root) as entries:
        empty = next(entries, None) is None
    if empty:
        raise DataSetError(f"{root} is empty: choose a folder with images.")
    kind = own_kind(root)
    if kind in ("run", "export"):
        raise DataSetError(
            f"{root} is {'a training run' if kind == 'run' else 'an export'} that S3N Studio wrote, not a folder of images: "
            "choose the folder of the images that it was made from."
        )


def _official(tree: FolderTree) -> Reader | None:
    if _lists_linked_images(tree):
        return None
    return next((reader for reader in _OFFICIAL if reader.matches(tree)), None)


def _lists_linked_images(tree: FolderTree) -> bool:
    """Return whether list files lie beside a link to their images (`list_folders`).

    What the link leads to has its own labels and split, and by its name it may look like the folder "data" of FGVC-Aircraft.
    """
    if not os.path.islink(tree.path(IMAGES)):
        return False
    lists = Lists(tree)
    return any(one.folder == "" for one in lists.files) and lists.names_images


def _unwrapped(tree: FolderTree) -> tuple[FolderTree, tuple[str, ...]]:
    """Return the tree of the folder that holds the data set, and the names of the folders around it, outermost first.

    Raises:
        DataSetError: It is a data set of a kind that cannot be used.
    """
    wrappers: list[str] = []
    while tree.root.is_dir() and _official(tree) is None:
        refuse_foreign(tree)
        folders = tree.image_folders()
        if len(folders) != 1 or tree.listing().images or role_of(folders[0]) is not None:
            break
        inner = tree.image_folders(folders[0])
        if not inner or tree.listing(folders[0]).images or _has_own_labels(tree, folders[0]):
            break
        wrappers.append(folders[0])
        tree = tree.inside(folders[0])
    return tree, tuple(wrappers)


def _has_own_labels(tree: FolderTree, inside: str) -> bool:
    """Return whether lists or tables outside of a folder name its images."""
    outside = [name for name in tree.text_files if not name.startswith(f"{inside}/")]
    if not outside:  # the tables inside need not be read for it
        return False
    lists = Lists(tree)
    if any(tree.path(name) in {one.file for one in lists.files} for name in outside) and lists.names_images:
        return True
    tables = LabelTables(tree)
    return any(labels.table.file in {tree.path(name) for name in outside} for labels in tables.found)


def _detected(tree: FolderTree) -> tuple[str, Callable[[FolderTree], DataSet], tuple[Problem, ...]]:
    """Return the title of the format, the way to read it, and problems with lists and tables that were passed over."""
    official = _official(tree)
    if official is not None:
        return official.TITLE, official.read, ()
    if tree.root.is_file():
        return unlabelled_folder.TITLE, unlabelled_folder.read, ()
    lists, tables = Lists(tree), LabelTables(tree)
    if lists.names_images or lists.look_like_lists:
        return list_files.TITLE, partial(list_files.read, lists=lists), ()
    classes = _CLASS_FOLDERS.count(tree)
    if tables.usable and (tables.certain or classes < 2):
        return label_table.TITLE, partial(label_table.read, tables=tables), ()
    if tables.errors and classes < 2:
        raise tables.errors[0]
    passed_over = [
        Problem(one.file, "none of its lines names an image that is here, so it was ignored") for one in lists.files
    ]
    passed_over += [*tables.problems, *(Problem(tree.root, f"a table was ignored: {error}") for error in tables.errors)]
    if tables.usable:
        passed_over += [
            Problem(labels.table.file, "the folders give the classes, so it was ignored") for labels in tables.found
        ]
    if classes:
        return _CLASS_FOLDERS.TITLE, _CLASS_FOLDERS.read, tuple(passed_over)
    if not tree.holds_images():
        refuse_without_images(tree)
        raise DataSetError(
            f"{tree.root} contains no images: expected class folders, a label table (CSV), list files (train.txt), "
            "CUB-200-2011, FGVC-Aircraft, Stanford Cars, or a folder of images."
        )
    return unlabelled_folder.TITLE, _unlabelled, tuple(passed_over)


def _unlabelled(tree: FolderTree) -> DataSet:
    data_set = unlabelled_folder.read(tree)
    hint = suggestion(tuple(record.name for record in data_set.records))
    return replace(data_set, remarks=(*data_set.remarks, hint)) if hint else data_set


def _finished(data_set: DataSet, tree: FolderTree, wrappers: Sequence[str]) -> DataSet:
    """Return a data set with class names that can be compared and stored, and with everything that a person should know.

    Raises:
        DataSetError: Two classes have the same name.
        TooFewClasses: All labelled images have the same class.
    """
    data_set = _comparable(data_set)
    remarks = list(data_set.remarks)
    if wrappers:
        remarks.insert(0, f"Opened as if {'/'.join(wrappers)} had been chosen, the only folder with images.")
    remarks += unread_tables(tree) if tree.root.is_dir() else ()
    data_set = replace(
        data_set, remarks=tuple(remarks), problems=(*data_set.problems, *_alike(data_set), *_leaks(data_set))
    )
    if len(data_set.classes) == 1:
        raise TooFewClasses(
            f"{tree.root} has images of one class only ({data_set.classes[0]}): training needs at least two, each in its "
            "own folder or list. The images can still be predicted (format images)."
        )
    return data_set


def _comparable(data_set: DataSet) -> DataSet:
    """Return a data set whose class names are valid Unicode in the form NFC; classes that differ only in the form are one.

    Raises:
        DataSetError: Two classes have the same name: results by class would mix them up.
    """
    twice = [name for name, count in Counter(data_set.classes).items() if count > 1]
    if twice:
        raise DataSetError(
            f"{data_set.root} has two classes called {twice[0]!r}: give each class a name of its own, or list it once."
        )
    names = [comparable_class(name) for name in data_set.classes]
    if names == list(data_set.classes):
        return data_set
    classes = tuple(dict.fromkeys(names))
    number = {name: at for at, name in enumerate(classes)}
    labels = [number[name] for name in names]
    records = tuple(
        record
        if record.label is None or record.label == labels[record.label]
        else replace(record, label=labels[record.label])
        for record in data_set.records
    )
    return replace(data_set, classes=classes, records=records)


def _leaks(data_set: DataSet) -> list[Problem]:
    """Point out groups that lie in training and in validation or test."""
    shared = shared_groups(data_set.records)
    reason = f"groups in training and in validation or test: {len(shared)} (such as {shared[0] if shared else ''})"
    return [Problem(data_set.root, reason)] if shared else []


def _alike(data_set: DataSet) -> list[Problem]:
    """Point out classes whose names differ only by case or outer blanks."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in data_set.classes:
        groups[name.strip().casefold()].append(name)
    return [
        Problem(
            data_set.root,
            f"the classes {', '.join(map(repr, names))} differ only by upper and lower case or outer blanks",
        )
        for names in groups.values()
        if len(names) > 1
    ]
