"""Reader of images whose file names say the class, by a pattern: ``Abyssinian_12.jpg`` by ``{class}_*``. Chosen by hand only."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.readers.folder_tree import FolderTree, split_by_folder
from s3n_core.datasets.records import DataSet, ImageRecord, Problem
from s3n_core.errors import DataSetError

TITLE = "classes from file names"
FORMAT = "file-names"
DEFAULT_PATTERN = "{class}_*"

_FEWEST = 2  # images per class, on average, for names to suggest classes
_NUMBERED = re.compile(r"(.*[^\W\d_].*?)([_\- .]+)\(?\d+\)?")


class FileNames:
    """Reads the class of each image from its file's name.

    Args:
        pattern: What a file name without its suffix looks like: ``{class}`` is the class, ``*`` any text; of several ways to
            read a name, the longest class is taken.

    Raises:
        DataSetError: The pattern does not contain ``{class}`` exactly once.
    """

    TITLE = TITLE

    def __init__(self, pattern: str = DEFAULT_PATTERN) -> None:
        if pattern.count("{class}") != 1:
            raise DataSetError(f"The pattern '{pattern}' must contain {{class}} once, as in {DEFAULT_PATTERN}.")
        self.pattern = pattern
        self.FORMAT = FORMAT if pattern == DEFAULT_PATTERN else f"{FORMAT}:{pattern}"
        before, after = pattern.split("{class}")
        self._expression = re.compile(f"{_regular(before)}(.+){_regular(after)}", re.DOTALL)

    def matches(self, tree: FolderTree) -> bool:
        """Return False: names are read as classes only where a person says so."""
        return False

    def read(self, tree: FolderTree) -> DataSet:
        """Read the images of a folder at any depth; those whose names do not fit have no label and become ``problems``.

        Raises:
            DataSetError: No name fits the pattern.
        """
        folder_split = split_by_folder(tree)
        found: list[tuple[str, str | None]] = []
        for name in tree.images():
            match = self._expression.fullmatch(posixpath.basename(os.path.splitext(name)[0]))
            found.append((name, match[1] if match else None))
        classes = tuple(sorted({label for _, label in found if label is not None}))
        if not classes:
            raise DataSetError(f"No image of {tree.root} has a name like '{self.pattern}': choose another pattern.")
        numbers = {name: number for number, name in enumerate(classes)}
        records = []
        for name, label in found:
            records.append(
                ImageRecord(
                    path=tree.path(name),
                    name=name,
                    label=None if label is None else numbers[label],
                    split=folder_split(name),
                    banner=banner_of(tree.path(name)),
                )
            )
        unfit = [
            Problem(tree.path(name), f"its name is not like '{self.pattern}'") for name, label in found if label is None
        ]
        return DataSet(
            root=tree.root,
            format=self.FORMAT,
            title=f"{TITLE} ({self.pattern})",
            classes=classes,
            records=tuple(records),
            problems=(*tree.problems, *unfit),
            skipped=tree.skipped,
        )


def suggestion(names: tuple[str, ...]) -> str:
    """Return a sentence on the pattern by which names of images suggest classes; empty where they do not.

    Args:
        names: POSIX paths of images without labels.
    """
    matches = [_NUMBERED.fullmatch(posixpath.basename(os.path.splitext(name)[0])) for name in names]
    if not names or not all(matches):
        return ""
    counts = Counter(match[1] for match in matches if match)
    separators = {match[2] for match in matches if match}
    if not 2 <= len(counts) <= len(names) // _FEWEST or len(separators) > 1:
        return ""
    separator = separators.pop()
    pattern = f"{{class}}{separator}*"
    example = sorted(counts)[0]
    format = FORMAT if pattern == DEFAULT_PATTERN else f"{FORMAT}:{pattern}"
    return f"The file names suggest {len(counts)} classes (such as {example}); the format {format} reads them."


def _regular(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("*"))
