"""Tables as CSV (RFC 4180): cells as they are, or as Excel needs them.

Names, paths and classes are written unchanged, because a changed name no longer matches its file. Excel takes text that begins
with ``=``, ``+``, ``-`` or ``@`` for a formula, and CSV without a byte-order mark for an old encoding; a table for Excel begins
with the mark, and such text begins with ``'``. This is the only place where cells are changed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from s3n_core.system.atomic_files import open_atomic

BYTE_ORDER_MARK = "\ufeff"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CsvWriter:
    """Writes rows as CSV.

    Args:
        file: Opened for text with ``newline=""``; the mark of a table for Excel is written at once.
        excel: Whether the table is for Excel.
        quote_all_text: Quote every text, not only where it is needed.
        line_end: What ends a row.
    """

    def __init__(
        self, file: TextIO, *, excel: bool = False, quote_all_text: bool = False, line_end: str = "\r\n"
    ) -> None:
        self._writer = csv.writer(
            file, lineterminator=line_end, quoting=csv.QUOTE_NONNUMERIC if quote_all_text else csv.QUOTE_MINIMAL
        )
        self._excel = excel
        if excel:
            file.write(BYTE_ORDER_MARK)

    def write(self, row: Sequence[object]) -> None:
        """Write one row."""
        self._writer.writerow([_for_excel(cell) for cell in row] if self._excel else row)

    def write_all(self, rows: Iterable[Sequence[object]]) -> None:
        """Write rows one by one."""
        for row in rows:
            self.write(row)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]], *, excel: bool = False) -> str:
    """Return a table as text; rows end in a line feed."""
    buffer = io.StringIO(newline="")
    _write_lines(buffer, header, rows, excel)
    return buffer.getvalue()


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], *, excel: bool = False) -> None:
    """Write the table of `csv_text` atomically in constant memory: the rows are consumed one by one.

    Names that are not valid Unicode are escaped, as in a table of predictions, so that the file is valid UTF-8.

    Raises:
        OutputError: The file cannot be written; it is unchanged.
    """
    with open_atomic(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        _write_lines(text, header, rows, excel)
        text.detach()  # flushes, and leaves the file open for its owner


def _write_lines(file: TextIO, header: Sequence[str], rows: Iterable[Sequence[object]], excel: bool) -> None:
    writer = CsvWriter(file, excel=excel, line_end="\n")
    writer.write(header)
    writer.write_all(rows)


def _for_excel(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
