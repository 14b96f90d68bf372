"""Tables as people save them: CSV with any separator and encoding, JSON, JSON Lines."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.errors import DataSetError

DELIMITED = frozenset({".csv", ".tsv", ".tab"})
TABLE_SUFFIXES = DELIMITED | {".jsonl", ".json"}
"""Suffixes of files that are read as tables."""

LARGEST = 512 * 2**20  # bytes
_SEPARATORS = (",", ";", "\t", "|")
_NAMES = {"\t": "a tab"}
_SAMPLE = 50  # lines by which the separator is found
_DECLARED = re.compile(r'"?sep=([^\w\s"]|\t)"?(?=[\r\n])', re.IGNORECASE)  # a first line that Excel writes and obeys
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one file.

    Attributes:
        file: The file.
        columns: The headings; a file without headings has "column 1", "column 2" and so on.
        rows: A tuple per row with a text for each column, as it stands in the file; empty where there is none.
        numbers: The line (or record) of each row in the file, from 1.
    """

    file: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]

    def column(self, index: int) -> list[str]:
        """Return all values of a column."""
        return [row[index] for row in self.rows]

    def place(self, row: int) -> str:
        """Return a row as a person names it: the file and the line."""
        return f"{self.file}:{self.numbers[row]}"

    def without_headings(self) -> Table:
        """Return the table whose first line is a row, because it names an image."""
        columns = tuple(f"column {number}" for number in range(1, len(self.columns) + 1))
        return Table(self.file, columns, (self.columns, *self.rows), (1, *self.numbers))


class BrokenTable(Exception):
    """A line of a table cannot be read, or has more fields than the first one; its text is a sentence for a person.

    Attributes:
        table: What the table seems to hold nevertheless, to find out what it is about; None: nothing.
    """

    def __init__(self, message: str, table: Table | None) -> None:
        super().__init__(message)
        self.table = table


def read_table(file: Path) -> Table | None:
    """Read a table.

    Returns:
        The table; None where the file is text but no table (fewer than two columns and no row, JSON of another kind).

    Raises:
        BrokenTable: A line of it is not one of a table.
        DataSetError: The file cannot be read, or is not what its suffix says.
    """
    text = read_text(file)
    suffix = file.suffix.lower()
    if suffix == ".jsonl":
        return _of_records(file, _json_lines(file, text))
    if suffix == ".json":
        return _of_records(file, _json_records(text))
    return _delimited(file, text, "\t" if suffix in (".tsv", ".tab") else None)


def read_text(file: Path) -> str:
    """Read a text file in UTF-8, UTF-16 or, where it is neither, Windows-1252.

    Raises:
        DataSetError: The file cannot be read, is larger than 512 MiB, or is not text.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise DataSetError(f"{file} is larger than {LARGEST // 2**20} MiB, which no table of labels is.")
        data = file.read_bytes()
    except OSError as error:
        raise DataSetError(f"{file} cannot be read ({error.strerror}).") from error
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    zeros = data[:4096].count(0)
    if zeros:
        if zeros >= len(data[:4096]) // 4:
            return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", "replace")
        raise DataSetError(f"{file} is not a text file (it contains zero bytes).")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_mapping(file: Path) -> Mapping[str, str] | None:
    """Return a JSON object of texts, such as the names of numbered classes; None where the file is none."""
    try:
        content = json.loads(read_text(file))
    except (ValueError, DataSetError, RecursionError):
        return None
    if isinstance(content, dict) and content and all(isinstance(value, str) for value in content.values()):
        return content
    return None


def _delimited(file: Path, text: str, separator: str | None) -> Table | None:
    if declared := _DECLARED.match(text):
        separator, text = declared[1], text[declared.end() :]  # its line end stays, and counts as a line
    separator = separator or _separator(text)
    if separator is None:
        return None
    rows, numbers, error = _rows(text, separator, strict=True)
    fault = None
    if error is not None:
        fault = (
            f"{file}:{numbers[-1] + 1 if numbers else 1}: this is not a line of a table ({error}): close every quotation mark "
            "that opens a text, or remove it."
        )
        rows, numbers, _ = _rows(text, separator, strict=False)
    rows, numbers = _without_blank(rows, numbers)
    width = len(rows[0]) if rows else 0
    long = next((at for at, row in enumerate(rows) if any(field.strip() for field in row[width:])), None)
    if fault is None and long is not None:
        fault = (
            f"{file}:{numbers[long]}: this line has {len(rows[long])} fields, but the first line has {width}: put a text that "
            f"contains {_NAMES.get(separator, repr(separator))} between quotation marks."
        )
    table = None
    if len(rows) >= 2:
        filled = tuple((*row[:width], *[""] * (width - len(row))) for row in rows[1:])
        table = Table(file, tuple(name.strip() for name in rows[0]), filled, tuple(numbers[1:]))
    if fault is not None:
        raise BrokenTable(fault, table)
    return table


def _rows(text: str, separator: str, *, strict: bool) -> tuple[list[tuple[str, ...]], list[int], csv.Error | None]:
    """Return the rows, the line at which each of them ends, and what ends the reading early.

    Args:
        text: The file.
        separator: What separates the fields.
        strict: Whether a quotation mark that is never closed is an error.
    """
    # A blank before a field belongs to it (a file's name may begin with one), but not before a quotation mark.
    spaced = f'{separator} "' in text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=spaced, strict=strict)
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    try:
        for fields in reader:
            rows.append(tuple(fields))
            numbers.append(reader.line_num)
    except csv.Error as error:
        return rows, numbers, error
    return rows, numbers, None


def _without_blank(rows: list[tuple[str, ...]], numbers: list[int]) -> tuple[list[tuple[str, ...]], list[int]]:
    kept = [at for at, row in enumerate(rows) if any(field.strip() for field in row)]
    return [rows[at] for at in kept], [numbers[at] for at in kept]


def _separator(text: str) -> str | None:
    """Return the character by which most of the first lines have as many fields as the first, at least two."""
    sample = "\n".join(text.splitlines()[:_SAMPLE])
    best: tuple[int, int, str] | None = None
    for separator in _SEPARATORS:
        rows, _, error = _rows(sample, separator, strict=False)
        if error is not None:
            continue
        widths = [len(fields) for fields in rows if fields]
        if widths and widths[0] >= 2:
            agreeing = Counter(widths)[widths[0]]
            if best is None or (agreeing, widths[0]) > best[:2]:
                best = (agreeing, widths[0], separator)
    return None if best is None else best[2]


def _json_lines(file: Path, text: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise DataSetError(f"{file}:{number}: this is not a line of JSON ({error}).") from error
    return found


def _json_records(text: str) -> list[Any]:
    """Return the records of a JSON file: a list of objects, or an object from image names to labels."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if isinstance(content, list):
        return content
    if isinstance(content, dict) and content and all(isinstance(value, str | int) for value in content.values()):
        return [{"image": key, "label": value} for key, value in content.items()]
    return []


def _of_records(file: Path, records: list[Any]) -> Table | None:
    if not records or not all(isinstance(record, dict) for record in records):
        return None
    columns = tuple(dict.fromkeys(str(key) for record in records for key in record))
    rows = tuple(tuple(_cell(record.get(column)) for column in columns) for record in records)
    return Table(file, columns, rows, tuple(range(1, len(rows) + 1))) if columns else None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return "|".join(_cell(item) for item in value)
    return str(value)
