"""Reader of list files: a text file per split with an image per line, and its class after it unless its folder says it.

A line is ``<image> <class id>``, ``<image> <class name>`` or ``<image>``, also with a comma, semicolon or tab between the
two. What names the image is described in `image_index`. The lists are called after splits (``train.txt``, ``test_list.txt``)
and lie in the folder, or up to two levels below it. Class ids are whole numbers from 0 up; those that occur are numbered in
rising order. Classes are named by ``classes.txt`` (``<class id> <name>`` per line, or names alone in the order of the ids, if it
is clear whether these count from 0 or from 1); without it by their folders, if the images of each class have a folder of their
own; else by their ids.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.file_formats import IMAGE_SUFFIXES, suffix_of
from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.readers.image_index import ImageIndex
from s3n_core.datasets.readers.split_names import role_of, split_of
from s3n_core.datasets.readers.text_files import Line, name_inside, numbered_names, read_lines
from s3n_core.datasets.records import SPLITS, DataSet, ImageRecord, Problem, Split, comparable_class
from s3n_core.datasets.skipped_files import without_files
from s3n_core.errors import DataSetError

TITLE = "list files"
FORMAT = "list-files"

_SUFFIXES = frozenset({".txt", ".lst", ".list"})
_FILLERS = re.compile(r"[\W_]*(?:lists?|files?|names|labels?|annotations?|annos)[\W_]*", re.IGNORECASE)
_CLASS_FILES = ("classes.txt", "class_names.txt", "labels.txt", "names.txt")
_SEPARATORS = (",", ";", "\t", "|")
_LONGEST = 8  # words of a class name that may stand after an image's name
_TRIED = 200  # lines of a list among which one has to name an image

Form = Literal["id", "name", "none"]
"""How the lines of a list give the class: by number, by name, or not at all."""


@dataclass(frozen=True, slots=True)
class _List:
    file: Path
    folder: str
    split: Split


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    label: str
    split: Split
    line: Line


class Lists:
    """The list files of a folder.

    Args:
        tree: The folder.
    """

    def __init__(self, tree: FolderTree) -> None:
        self._tree = tree

    @cached_property
    def index(self) -> ImageIndex:
        """The images that the lists may name."""
        return ImageIndex(self._tree)

    @cached_property
    def files(self) -> tuple[_List, ...]:
        """The files that are called after splits, training first: of the first folder that has any, and of one number."""
        found: dict[tuple[str, str], list[_List]] = defaultdict(list)
        for name in self._tree.text_files:
            place = PurePosixPath(name)
            stem = _FILLERS.sub("", place.stem)
            role = "train" if stem.lower() == "trainval" else role_of(stem)
            split = None if role is None else split_of(role)
            if place.suffix.lower() in _SUFFIXES and split is not None:
                folder = "" if str(place.parent) == "." else str(place.parent)
                number = "".join(re.findall(r"\d+", place.stem))
                found[folder, number].append(_List(self._tree.path(name), folder, split))
        # The shallowest folder, then the smallest number.
        for key in sorted(found, key=lambda key: (key[0].count("/") + bool(key[0]), key[0], int(key[1] or 0))):
            lists = sorted(found[key], key=lambda one: SPLITS.index(one.split))
            both = [one for one in lists if _FILLERS.sub("", one.file.stem).lower() != "trainval"]
            return tuple(both if any(one.split == "train" for one in both) else lists)
        return ()

    @cached_property
    def names_images(self) -> bool:
        """Whether a line of some list names an image; only the first lines of each are asked."""
        return any(
            _parsed(self._tree.root, line.text, one.folder, self.index) is not None
            for one in self.files
            for _, line in zip(range(_TRIED), _readable(one.file), strict=False)
        )

    @cached_property
    def from_elsewhere(self) -> bool:
        """Whether an image of the folder is listed by its absolute path on another machine."""
        return any(
            _is_absolute(line.text) and _parsed(self._tree.root, line.text, one.folder, self.index) is not None
            for one in self.files
            for line in _readable(one.file)
        )

    @cached_property
    def look_like_lists(self) -> bool:
        """Whether most lines of some list look like images, so that it is a list of other images rather than a log."""
        return any(_looks_like_list(one.file) for one in self.files)


def matches(tree: FolderTree) -> bool:
    """Return whether a list names an image of the folder."""
    return Lists(tree).names_images


def read(tree: FolderTree, lists: Lists | None = None) -> DataSet:
    """Read the list files of a folder.

    Listed images that are missing, and images listed more than once (the first line is used), become ``problems``.

    Raises:
        DataSetError: A list cannot be read, has an invalid line or names a file outside the folder; ``classes.txt`` does
            not fit; or no listed image exists.
    """
    lists = lists or Lists(tree)
    problems: list[Problem] = []
    entries: dict[str, _Entry] = {}
    forms: set[Form] = set()
    for one in lists.files:
        form = _read_list(tree, one, lists, entries, problems)
        if form is not None:
            forms.add(form)
    if not entries:
        raise DataSetError(f"None of the images in the lists of {tree.root} exists: check the paths in them.")
    if forms == {"none"}:  # the folders say the classes
        entries = {
            name: replace(entry, label=posixpath.basename(posixpath.dirname(name))) for name, entry in entries.items()
        }
    if {"id", "name"} <= forms:
        raise DataSetError(f"The lists of {tree.root} give classes by number and by name: let all of them do the same.")
    labelled = [entry for entry in entries.values() if entry.label]
    if "id" in forms:
        names = {str(key): name for key, name in _names_of_ids(tree, lists, labelled, problems).items()}
        order = sorted(names, key=int)
    else:
        order = sorted({entry.label for entry in labelled})
        names = {name: name for name in order}
    labels = {key: number for number, key in enumerate(order)}
    records = tuple(
        ImageRecord(
            path=tree.path(entry.name),
            name=entry.name,
            label=labels[entry.label] if entry.label else None,
            split=entry.split,
            banner=banner_of(tree.path(entry.name)),
        )
        for entry in entries.values()
    )
    return DataSet(
        root=tree.root,
        format=FORMAT,
        title=TITLE,
        classes=tuple(names[key] for key in order),
        records=records,
        problems=(*tree.problems, *problems),
        skipped=without_files(tree.skipped, (one.file for one in lists.files)),
        remarks=tuple(_unlisted(tree, entries)),
    )


def _read_list(
    tree: FolderTree, one: _List, lists: Lists, entries: dict[str, _Entry], problems: list[Problem]
) -> Form | None:
    """Add the lines of one list to the entries, and return how they give the class; None where no image was found.

    Raises:
        DataSetError: A line gives it otherwise than the first one that names an image.
    """
    lines = list(read_lines(one.file))
    parsed = [_parsed(tree.root, line.text, one.folder, lists.index) for line in lines]
    shown = next((_form(label) for found in parsed if found is not None for _, label in (found,)), None)
    form = shown
    if form is None:  # a guess, good enough to name what is missing
        form = "id" if all(_missing(line.text, "id") is not None for line in lines) else "name"
    expected = {"id": "<image> <class id>", "name": "<image> <class>", "none": "<image>"}[form]
    for line, found in zip(lines, parsed, strict=True):
        if found is None:
            image = _missing(line.text, form)
            if image is None:
                if form == "id":
                    raise line.junk(expected)
                image = line.text
            # An absolute path leads out of the folder, unless the lists were made where the folder lay before.
            listed = image if _is_absolute(image) and lists.from_elsewhere else name_inside(image, line)
            problems.append(Problem(tree.path(listed), f"the file does not exist ({line.place})"))
            continue
        name, label = found
        if _form(label) != form:
            raise line.junk(expected)
        # "007" and "7" are one class, as in a file of class names.
        entry = _Entry(name, str(int(label)) if form == "id" else label, one.split, line)
        first = entries.setdefault(name, entry)
        if first is not entry:
            change = (
                ""
                if first.label == entry.label
                else f" with class {first.label or 'none'}, then {entry.label or 'none'}"
            )
            reason = f"it is listed twice{change}: {first.line.place} was used, {line.place} was ignored"
            problems.append(Problem(tree.path(name), reason))
    return shown


def _parsed(root: Path, text: str, folder: str, index: ImageIndex) -> tuple[str, str] | None:
    """Return the image that a line names, and the class after it (empty where there is none); None where it names no image."""
    for image, label in _readings(text):
        name = _existing(root, image) or index.find(image, folder)
        if name is not None:
            return name, label
    return None


def _missing(text: str, form: Form) -> str | None:
    """Return the image that a line names if its class is given like that, though no such file is there; None where it is not."""
    return next((image for image, label in _readings(text) if _form(label) == form), None)


def _readings(text: str) -> Iterator[tuple[str, str]]:
    """Yield (image, class) for every way to divide a line, the most usual first: where one has an image's suffix, only such.

    Else "57.jpg,3" would be the image 3.jpg of a class called 57.jpg, if there is no 57.jpg.
    """
    likely = False
    for image, label in _divisions(text):
        if _looks_like_image(image):
            likely = True
            yield image, label
    if not likely:
        yield from _divisions(text)


def _divisions(text: str) -> Iterator[tuple[str, str]]:
    words = text.rsplit(None, 1)
    if len(words) == 2 and _is_id(words[1]):
        yield words[0], words[1]
    yield text, ""
    for separator in _SEPARATORS:
        if separator in text:
            image, label = text.split(separator, 1)
            yield image.strip().strip('"'), label.strip().strip('"')
            label, image = text.split(separator, 1)
            yield image.strip().strip('"'), label.strip().strip('"')
    for count in range(1, _LONGEST + 1):
        words = text.rsplit(None, count)
        if len(words) <= count:
            return
        yield words[0], " ".join(words[1:])


def _existing(root: Path, listed: str) -> str | None:
    """Return the name below the root of a listed file, or None if it does not exist; a file need not look like an image."""
    # Lists from Windows use "\". It is replaced only after trying the name as it stands: elsewhere, "\" may be part of it.
    forward = listed.replace("\\", "/")
    for name in dict.fromkeys((listed, f"images/{listed}", forward, f"images/{forward}")):
        normal = posixpath.normpath(name)
        if (
            normal == ".."
            or normal.startswith(("/", "../"))
            or PurePosixPath(normal).is_absolute()
            or ":" in normal[:2]
        ):
            continue
        if os.path.isfile(os.path.join(root, normal)):
            return normal if os.sep == "/" else normal.replace("\\", "/")
    return None


def _readable(file: Path) -> Iterator[Line]:
    try:
        yield from read_lines(file)
    except DataSetError:  # said where the list is read
        return


def _looks_like_list(file: Path) -> bool:
    lines = [line for _, line in zip(range(_TRIED), _readable(file), strict=False)]
    like = [line for line in lines if any(_looks_like_image(image) for image, _ in _readings(line.text))]
    return 2 * len(like) > len(lines)


def _looks_like_image(name: str) -> bool:
    return suffix_of(posixpath.basename(name.replace("\\", "/"))) in IMAGE_SUFFIXES


def _form(label: str) -> Form:
    return "none" if not label else "id" if _is_id(label) else "name"


def _is_absolute(text: str) -> bool:
    return text.startswith(("/", "\\")) or bool(PureWindowsPath(text).drive)


def _is_id(text: str) -> bool:
    return text.isdecimal()


def _names_of_ids(tree: FolderTree, lists: Lists, entries: list[_Entry], problems: list[Problem]) -> dict[int, str]:
    """Return the name of each class id that occurs."""
    if not entries:
        return {}
    ids = sorted({int(entry.label) for entry in entries})
    folders = dict.fromkeys((lists.files[0].folder, ""))
    file = next(
        (path for folder in folders for name in _CLASS_FILES if (path := tree.path(folder) / name).is_file()), None
    )
    if file is None:
        return _names_by_folder(ids, entries) or {class_id: str(class_id) for class_id in ids}
    names = _listed_names(file, ids, entries)
    problems.extend(
        Problem(file, f"the class {names[class_id]} has no image and was ignored")
        for class_id in names.keys() - set(ids)
    )
    missing = [class_id for class_id in ids if class_id not in names]
    if missing:
        place = next(entry.line.place for entry in entries if int(entry.label) == missing[0])
        raise DataSetError(f"{place} uses the class id {missing[0]}, which has no name in {file}: add it there.")
    return {class_id: names[class_id] for class_id in ids}


def _listed_names(file: Path, ids: list[int], entries: list[_Entry]) -> dict[int, str]:
    """Return the names of a file of class names by their ids.

    Raises:
        DataSetError: Two names for one id; or names alone, and the ids may count from 0 or from 1.
    """
    lines = list(read_lines(file))
    if (numbered := numbered_names(lines)) is not None:
        return numbered
    # Names alone: counted from 1 where the ids are 1 ... N, from 0 where they need it.
    from_0, from_1 = ({number: line.text for number, line in enumerate(lines, start)} for start in (0, 1))
    if not 0 < ids[0] <= ids[-1] <= len(lines):
        return from_0
    if ids[-1] == len(lines):
        return from_1
    likely = [names for names in (from_0, from_1) if _are_folders(names, entries)]
    if len(likely) != 1:
        raise DataSetError(
            f"{file} has names alone, and the lists use the class ids {ids[0]} to {ids[-1]}, so the {len(lines)} names may "
            f"count from 0 or from 1: write each line as '<class id> <name>', for example '{ids[0]} {from_1[ids[0]]}'."
        )
    return likely[0]


def _are_folders(names: Mapping[int, str], entries: list[_Entry]) -> bool:
    """Return whether every listed image lies in a folder that is called like its class."""
    return all(
        comparable_class(names[int(entry.label)]) in map(comparable_class, entry.name.split("/")[:-1])
        for entry in entries
    )


def _names_by_folder(ids: list[int], entries: list[_Entry]) -> dict[int, str] | None:
    folder_of: dict[int, str] = {}
    for entry in entries:
        folder = posixpath.dirname(entry.name)
        if not folder or folder_of.setdefault(int(entry.label), folder) != folder:
            return None
    if len(set(folder_of.values())) < len(ids):
        return None
    short = {class_id: posixpath.basename(folder) for class_id, folder in folder_of.items()}
    return short if len(set(short.values())) == len(ids) else folder_of


def _unlisted(tree: FolderTree, entries: dict[str, _Entry]) -> Iterator[str]:
    """Say how many images of the folder no list names."""
    count = sum(name not in entries for name in tree.images())
    if count:
        yield f"{count} image{'s are' if count > 1 else ' is'} in no list and {'were' if count > 1 else 'was'} ignored."
