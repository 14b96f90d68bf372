"""Predictions as a table on the disk: CSV for spreadsheets, JSON for programs, both written whole or not at all.

Both say exactly what the rows say. In CSV every text is quoted, as RFC 4180 has it, so names may hold commas, quotes and
line ends; a name that a spreadsheet would take for a formula (it begins with = + - or @) is kept as it is, because a
changed name would no longer find its file (docs/reference/tables.md says how to open such a table).
"""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from s3n_core.errors import OutputError
from s3n_core.prediction.rows import COLUMNS, Prediction, PredictionHeader
from s3n_core.prediction.schema import Cell
from s3n_core.system.atomic_files import make_folder, open_atomic, output_error
from s3n_core.system.json_values import from_json

TableFormat = Literal["csv", "json"]
FORMAT = "s3n-predictions"
VERSION = 2
_ROWS_BEGIN = b' "rows": ['

CSV_NAMES: tuple[str, ...] = tuple(name for column in COLUMNS for name in column.csv_names)
"""Columns of the CSV, the same for every model; ``stop_below`` follows where images may stop after O."""

_CELLS = tuple(column.csv_cells for column in COLUMNS)


def table_format(path: Path) -> TableFormat:
    """Return the format that a table's name asks for.

    Raises:
        OutputError: The suffix is neither ``.csv`` nor ``.json``.
    """
    match path.suffix.lower():
        case ".csv":
            return "csv"
        case ".json":
            return "json"
    raise OutputError(f"The table {path} must end with .csv or .json; choose another name.")


def prepare_place(path: Path) -> None:
    """Make the table's folder, or refuse at once, before any work is done, a place where no table can be written.

    Raises:
        OutputError: The suffix is unknown, the folder cannot be made, or a folder has the table's name.
    """
    table_format(path)
    make_folder(path.parent)
    if path.is_dir():
        raise output_error(path, OSError(errno.EISDIR, "is a folder"))


def write_table(path: Path, header: PredictionHeader, rows: Iterable[Prediction]) -> None:
    """Write a table; the rows are taken one by one, so memory does not grow with them.

    Args:
        path: The file, its suffix says the format; replaced whole.
        header: What the rows share.
        rows: The rows.

    Raises:
        OutputError: It cannot be written, or the suffix is unknown; what was there before is untouched.
    """
    write = _write_csv if table_format(path) == "csv" else _write_json
    with open_atomic(path) as file:
        # Names that are no valid Unicode become \udcXX, so that the file stays valid UTF-8 for every reader. In JSON that
        # is the escape which brings the name back exactly.
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        write(text, header, rows)
        text.detach()  # flushed, and the file left open for its owner


def csv_record(row: Prediction) -> list[Cell]:
    """Return a row's values in the order of ``CSV_NAMES``; None where there is nothing to say."""
    return [cell for cells in _CELLS for cell in cells(row)]


def read_json_table(path: Path) -> tuple[PredictionHeader, Iterator[Prediction]]:
    """Read a JSON table.

    Args:
        path: A finished table (``.json``).

    Returns:
        The header and the rows.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no table of predictions.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        if document["format"] != FORMAT or document["version"] > VERSION:
            raise ValueError(f"{path} is not a table of predictions that this version can read")
        header = from_json(PredictionHeader, document)
        rows = document["rows"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is not a table of predictions") from error
    return header, (Prediction.from_dict(row, header) for row in rows)


def read_json_head(file: Iterator[bytes]) -> PredictionHeader | None:
    """Read the head of a JSON table from its first line to before its first row; `json_row_lines` goes on from there.

    Reading line by line holds up no other thread, as `read_json_table` does for a table of many rows.

    Args:
        file: The lines of a finished table.

    Returns:
        The header; None where another program has laid out the lines, or it is no table at all.

    Raises:
        ValueError, KeyError, TypeError: What stands before the rows is no header of predictions.
    """
    head: list[bytes] = []
    for line in file:
        if line.rstrip() == _ROWS_BEGIN:
            return from_json(PredictionHeader, json.loads(b"".join(head).rstrip().rstrip(b",") + b"}"))
        head.append(line)
    return None


def json_row_lines(file: Iterator[bytes]) -> Iterator[bytes]:
    """Return the rows after `read_json_head`, each as the bytes of one JSON object."""
    for line in file:
        if not line.startswith(b"  {"):
            return
        yield line.rstrip().rstrip(b",")


def _write_csv(file: io.TextIOWrapper, header: PredictionHeader, rows: Iterable[Prediction]) -> None:
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    threshold = header.stop_below
    writer.writerow(CSV_NAMES if threshold is None else (*CSV_NAMES, "stop_below"))
    writer.writerows(csv_record(row) + ([] if threshold is None else [threshold]) for row in rows)


def _write_json(file: io.TextIOWrapper, header: PredictionHeader, rows: Iterable[Prediction]) -> None:
    """Write one object, a row a line, so that a person can look through it and `grep` finds whole rows."""
    opening = json.dumps({"format": FORMAT, "version": VERSION, **header.to_dict()}, indent=1, ensure_ascii=False)
    file.write(opening.removesuffix("\n}") + ",\n" + _ROWS_BEGIN.decode())
    separator = "\n  "
    for row in rows:
        file.write(separator + json.dumps(row.to_dict(), ensure_ascii=False, allow_nan=False))
        separator = ",\n  "
    file.write("\n ]\n}\n")
