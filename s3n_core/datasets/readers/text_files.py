"""Reading the text files of data sets line by line; every error names the file and the line."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from s3n_core.errors import DataSetError

_SHOWN = 80  # characters of a bad line in a message


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text file.

    Attributes:
        file: The file.
        number: Line number, from 1.
        text: The line without surrounding whitespace; never empty.
    """

    file: Path
    number: int
    text: str

    @property
    def place(self) -> str:
        """File path and line number, for messages: ``/data/train.txt:3``."""
        return f"{self.file}:{self.number}"

    def junk(self, expected: str) -> DataSetError:
        """Return the error for an invalid line, which says what was expected."""
        shown = self.text if len(self.text) <= _SHOWN else self.text[:_SHOWN] + "..."
        return DataSetError(f"{self.place}: expected '{expected}' but found '{shown}': correct or remove this line.")


def read_lines(file: Path) -> Iterator[Line]:
    """Read the non-empty lines of a UTF-8 file.

    Bytes that are not UTF-8 are kept as surrogates: on Linux, they may be part of a file name.

    Raises:
        DataSetError: The file cannot be read or is not text.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataSetError(f"{file} cannot be read ({error.strerror}).") from error
    if b"\0" in data:
        raise DataSetError(f"{file} is not a text file (it contains zero bytes): expected UTF-8 text.")
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    # Not splitlines(): a file name may contain U+2028 and other characters that it treats as line ends.
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if stripped := line.strip():
            yield Line(file, number, stripped)


def numbered_names(lines: Sequence[Line]) -> dict[int, str] | None:
    """Return the names of lines ``<class id> <name>`` by their ids; None where a line is not like that.

    Raises:
        DataSetError: An id has two names.
    """
    fields = [line.text.split(None, 1) for line in lines]
    if not all(len(row) == 2 and row[0].isdecimal() for row in fields):
        return None
    names: dict[int, str] = {}
    for line, (number, name) in zip(lines, fields, strict=True):
        first = names.setdefault(int(number), name)
        if first != name:
            raise DataSetError(
                f"{line.place}: the class id {int(number)} has two names, '{first}' and '{name}'; leave one of them."
            )
    return names


def some(names: Sequence[str], most: int = 4) -> str:
    """Return the first names of a list, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def name_inside(name: str, line: Line) -> str:
    """Check that a listed name stays inside the data set folder, and return it without ``.`` and ``..`` components.

    Windows and POSIX paths are checked on every system, so that a list means the same everywhere.

    Raises:
        DataSetError: The name is absolute, has a drive letter, or leads out of the folder.
    """
    windows = PureWindowsPath(name)
    normal = posixpath.normpath(name)
    forward = posixpath.normpath(name.replace("\\", "/"))
    outside = (
        name.startswith("/")
        or bool(windows.drive or windows.root)
        or any(path == ".." or path.startswith("../") for path in (normal, forward))
    )
    if outside:
        raise DataSetError(f"{line.place}: '{name}' points outside the data set's folder: list only paths inside it.")
    return normal


def require_listed_once(name: str, line: Line, listed: dict[str, Line]) -> None:
    """Remember the line of a listed image; one that is listed twice could be in training and in test.

    Args:
        name: The image.
        line: Where it stands.
        listed: The images that were listed before; this one is added.

    Raises:
        DataSetError: It is among them.
    """
    first = listed.setdefault(name, line)
    if first is not line:
        raise DataSetError(f"{line.place}: the image {name} is listed in {first.place} already.")
