"""Tags: words of the user's own for single images of a data set, kept as a note in the program's own folder.

The data set's folder is never written to. An image is known by its name (``ImageRecord.name``) in the Unicode form NFC, so
that tags survive a reload and a move between systems. Tags of images that are gone are kept: the images may come back.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from s3n_core.datasets.notes import note_file, read_note, write_note
from s3n_core.datasets.own_folders import check_table_file
from s3n_core.datasets.readers.tables import BrokenTable, Table, read_table
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError
from s3n_core.system.atomic_files import write_text
from s3n_core.system.csv_tables import csv_text

LONGEST_TAG = 60
"""The most letters of a tag."""

COLUMNS = ("path", "tag")
"""The columns of a table of tags; an image with several tags has a row for each."""

_KIND = "tags"
_PATH_NAMES = ("path", "file", "image", "filename", "name")
_TAG_NAMES = ("tag", "tags", "label")


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a data set's images. A changed copy shares what has not changed.

    Attributes:
        images: For each tag the images that have it, by `image_key`; no tag is without images.
    """

    images: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All tags, in alphabetical order."""
        return tuple(sorted(self.images, key=lambda tag: (tag.casefold(), tag)))

    def of(self, name: str) -> tuple[str, ...]:
        """Return the tags of an image, given its name, in alphabetical order."""
        key = image_key(name)
        return tuple(tag for tag in self.names if key in self.images[tag])

    def spelling(self, tag: str) -> str:
        """Return a tag as it is spelled already, ignoring case; a new one as it is."""
        return next((known for known in self.images if known.casefold() == tag.casefold()), tag)

    def changed(self, names: Iterable[str], *, add: Collection[str] = (), remove: Collection[str] = ()) -> Tags:
        """Return the tags after images have been given some tags and have lost others.

        Args:
            names: The names of the images.
            add: Tags to give them, as `tag_name` returns them.
            remove: Tags to take from them; one that is also in ``add`` stays.
        """
        keys = frozenset(map(image_key, names))
        images = dict(self.images)
        for tag in remove:
            if tag in images:
                images[tag] -= keys
        for tag in add:
            known = next((old for old in images if old.casefold() == tag.casefold()), tag)
            images[known] = images.get(known, frozenset()) | keys
        return Tags({tag: kept for tag, kept in images.items() if kept})

    def merged(self, before: Tags, after: Tags) -> Tags:
        """Return these tags after what has changed from one state of them to another, whatever else they hold."""
        merged, none = self, frozenset[str]()
        for tag, keys in before.images.items():
            if lost := keys - after.images.get(tag, none):
                merged = merged.changed(lost, remove=(merged.spelling(tag),))
        for tag, keys in after.images.items():
            if given := keys - before.images.get(tag, none):
                merged = merged.changed(given, add=(tag,))
        return merged

    def joined(self, other: Tags) -> Tags:
        """Return these tags and those of another set together."""
        joined = self
        for tag in other.names:
            joined = joined.changed(other.images[tag], add=(tag,))
        return joined


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTags:
    """What a table of tags says about a data set.

    Attributes:
        tags: The tags of its images.
        images: How many of its images the table names.
        unknown: The rows' paths that are no images of the data set.
    """

    tags: Tags
    images: int
    unknown: tuple[str, ...]


def image_key(name: str) -> str:
    """Return an image's name as tags know it: in the Unicode form NFC."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def tag_name(text: str) -> str:
    """Return a tag as it is stored: in NFC, without blanks around it, inner blanks and line breaks as single spaces.

    Raises:
        DataSetError: Nothing is left, or more than ``LONGEST_TAG`` letters.
    """
    tag = " ".join(unicodedata.normalize("NFC", text).split())
    if not tag:
        raise DataSetError("A tag needs at least one letter.")
    if len(tag) > LONGEST_TAG:
        raise DataSetError(f"The tag “{tag[:20]}…” has {len(tag)} letters; the most are {LONGEST_TAG}.")
    return tag


def tags_file(root: Path) -> Path:
    """Return the path of the file that stores a data set's tags; it need not exist."""
    return note_file(_KIND, root)


def read_tags(root: Path) -> Tags:
    """Return the tags saved for a data set's folder; none if there is no file.

    Raises:
        DataSetError: The file cannot be read.
    """
    try:
        note = read_note(_KIND, root) or {}
        saved = note.get("tags", {})
        if not isinstance(saved, dict) or not all(
            isinstance(names, list) and all(isinstance(name, str) for name in names) for names in saved.values()
        ):
            raise DataSetError(f"{tags_file(root)} does not contain lists of images by tag")
    except DataSetError as error:
        raise DataSetError(
            f"The tags of the images in {root} cannot be read: {error}. Fix or delete this file; until then no tag can be "
            "given, because the saved ones would be lost."
        ) from error
    return Tags({tag: frozenset(names) for tag, names in saved.items() if names})


def write_tags(root: Path, tags: Tags) -> None:
    """Save the tags of a data set's images; without any, the file is removed.

    Raises:
        OutputError: The file cannot be written.
    """
    saved = {tag: sorted(tags.images[tag]) for tag in tags.names}
    write_note(_KIND, root, {"tags": saved} if saved else {})


def export_tags(file: Path, data_set: DataSet, tags: Tags, *, excel: bool = False) -> int:
    """Write tags as a table (CSV) with the columns ``COLUMNS`` and return the number of its rows.

    Rows are in the order of the data set; those of images that are gone come last.

    Args:
        file: The table; it is replaced.
        data_set: The data set; the table holds its images' names as they are.
        tags: The tags.
        excel: Whether the table is for Excel (`csv_tables`).

    Raises:
        OutputError: The file cannot be written, or lies in the data set's folder, whose tables are read as labels.
    """
    check_table_file(file, data_set.root)
    by_image: dict[str, list[str]] = defaultdict(list)
    for tag in tags.names:
        for key in tags.images[tag]:
            by_image[key].append(tag)
    named = {image_key(record.name): record.name for record in data_set.records}
    present = [(name, by_image[key]) for key, name in named.items() if key in by_image]
    gone = [(key, by_image[key]) for key in sorted(by_image.keys() - named.keys())]
    rows = [(name, tag) for name, own in (*present, *gone) for tag in own]
    write_text(file, csv_text(COLUMNS, rows, excel=excel))
    return len(rows)


def import_tags(file: Path, data_set: DataSet) -> ReadTags:
    """Read the tags of a data set's images from a table.

    Args:
        file: A table in any form that label tables have, with a column of paths and one of tags (``COLUMNS``): one row
            for each image and tag. Paths are relative to the data set's folder, or absolute; rows without a tag are passed over.
        data_set: The data set.

    Raises:
        DataSetError: The file cannot be read, has no such columns, or names none of the images.
    """
    try:
        table = read_table(file)
    except BrokenTable as error:
        raise DataSetError(str(error)) from error
    if table is None:
        raise DataSetError(f"{file} is not a table with the columns {' and '.join(COLUMNS)}.")
    paths, words = _column(table, _PATH_NAMES), _column(table, _TAG_NAMES)
    known = {image_key(record.name) for record in data_set.records}
    start = image_key(data_set.root.as_posix()).rstrip("/") + "/"
    found: dict[str, set[str]] = defaultdict(set)
    unknown: dict[str, None] = {}
    spelled: dict[str, str] = {}  # the first spelling of each tag
    for row, (path, word) in enumerate(zip(table.column(paths), table.column(words), strict=True)):
        if not word.strip():
            continue
        key = _known_key(path, start, known)
        if key is None:
            unknown[path] = None
            continue
        try:
            tag = tag_name(word)
        except DataSetError as error:
            raise DataSetError(f"{table.place(row)}: {error}") from error
        found[spelled.setdefault(tag.casefold(), tag)].add(key)
    if not found:
        example = f", such as {next(iter(unknown))!r}" if unknown else ""
        raise DataSetError(
            f"{file} gives no image of {data_set.root} a tag: none of its paths is an image there{example}."
        )
    tags = Tags({tag: frozenset(keys) for tag, keys in found.items()})
    return ReadTags(tags=tags, images=len(set().union(*found.values())), unknown=tuple(unknown))


def _column(table: Table, names: Collection[str]) -> int:
    headings = [column.casefold() for column in table.columns]
    for name in names:
        if name in headings:
            return headings.index(name)
    raise DataSetError(
        f"{table.file} has no column “{next(iter(names))}”: a table of tags has the columns {' and '.join(COLUMNS)}, not "
        f"{', '.join(table.columns[:5])}."
    )


def _known_key(path: str, start: str, known: Collection[str]) -> str | None:
    """Return the key of the image that a path names, also with backslashes, an absolute path, or as Excel needed it."""
    for text in (path, path.strip(), path.replace("\\", "/"), path.removeprefix("'")):
        key = image_key(text)
        for candidate in (key, key.removeprefix("./"), key.removeprefix(start)):
            if candidate in known:
                return candidate
    return None
