"""Tables of predictions on disk: CSV for spreadsheets, JSON for programs, both written atomically.

Both hold exactly the values of the rows. In CSV all text is quoted according to RFC 4180, so names may contain commas,
quotes and line breaks; names are written as they are, unless the table is for Excel (`csv_tables`).
"""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from s3n_core.errors import OutputError
from s3n_core.method.weight_licences import COLUMN
from s3n_core.prediction.rows import COLUMNS, Prediction, PredictionHeader
from s3n_core.prediction.schema import Cell
from s3n_core.system.atomic_files import make_folder, open_atomic, output_error
from s3n_core.system.csv_tables import CsvWriter
from s3n_core.system.json_values import from_json

TableFormat = Literal["csv", "json"]
FORMAT = "s3n-predictions"
VERSION = 4
_ROWS_BEGIN = b' "rows": ['

CSV_NAMES: tuple[str, ...] = tuple(name for column in COLUMNS for name in column.csv_names)
"""Columns of the CSV, the same for every model; ``stop_below`` follows if images may stop after O, and then the licence of the
weights that the model began with (`weight_licences.COLUMN`) if a person must be told."""

_CELLS = tuple(column.csv_cells for column in COLUMNS)


def table_format(path: Path) -> TableFormat:
    """Return the format of a table according to its suffix.

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
    """Create the table's folder; check, before any work is done, that a table can be written there.

    Raises:
        OutputError: The suffix is unknown, the folder cannot be created, or the path is a folder.
    """
    table_format(path)
    make_folder(path.parent)
    if path.is_dir():
        raise output_error(path, OSError(errno.EISDIR, "is a folder"))


def write_table(path: Path, header: PredictionHeader, rows: Iterable[Prediction], *, excel: bool = False) -> None:
    """Write a table in constant memory: the rows are consumed one by one.

    Args:
        path: The file, whose suffix determines the format; replaced atomically.
        header: The header of the rows.
        rows: The rows.
        excel: Write a CSV for Excel.

    Raises:
        OutputError: The table cannot be written, or the suffix is unknown; an existing file is unchanged.
    """
    write = partial(_write_csv, excel=excel) if table_format(path) == "csv" else _write_json
    with open_atomic(path) as file:
        # Names that are not valid Unicode become \udcXX, so that the file is valid UTF-8 for every reader. In JSON that
        # escape restores the name exactly.
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        write(text, header, rows)
        text.detach()  # flushes, and leaves the file open for its owner


def csv_record(row: Prediction) -> list[Cell]:
    """Return a row's values in the order of ``CSV_NAMES``; None for missing values."""
    return [cell for cells in _CELLS for cell in cells(row)]


def read_json_table(path: Path) -> tuple[PredictionHeader, Iterator[Prediction]]:
    """Read a JSON table.

    Args:
        path: A finished table (``.json``).

    Returns:
        The header and the rows.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a table of predictions.
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
    """Read the header of a JSON table, up to its first row; `json_row_lines` continues from there.

    Reading line by line does not block other threads, as `read_json_table` does for a table of many rows.

    Args:
        file: The lines of a finished table.

    Returns:
        The header; None if the file is not laid out line by line by this program.

    Raises:
        ValueError, KeyError, TypeError: The text before the rows is not a header of predictions.
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


def _write_csv(file: io.TextIOWrapper, header: PredictionHeader, rows: Iterable[Prediction], *, excel: bool) -> None:
    writer = CsvWriter(file, excel=excel, quote_all_text=True)
    common: dict[str, Cell] = {"stop_below": header.stop_below, COLUMN: header.weights_licence or None}
    common = {name: cell for name, cell in common.items() if cell is not None}
    writer.write((*CSV_NAMES, *common))
    writer.write_all([*csv_record(row), *common.values()] for row in rows)


def _write_json(file: io.TextIOWrapper, header: PredictionHeader, rows: Iterable[Prediction]) -> None:
    """Write one object with one row per line, so that it is readable and `grep` finds whole rows."""
    opening = json.dumps({"format": FORMAT, "version": VERSION, **header.to_dict()}, indent=1, ensure_ascii=False)
    file.write(opening.removesuffix("\n}") + ",\n" + _ROWS_BEGIN.decode())
    separator = "\n  "
    for row in rows:
        file.write(separator + json.dumps(row.to_dict(), ensure_ascii=False, allow_nan=False))
        separator = ",\n  "
    file.write("\n ]\n}\n")
