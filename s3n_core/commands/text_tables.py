"""Tables for a terminal or a file: plain text, aligned whatever script the cells are written in."""

from __future__ import annotations

import io
from collections.abc import Sequence

_WIDEST = 100_000  # Nothing is wrapped or cut: a terminal wraps, a file keeps all.


def table_text(rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows of cells aligned in columns.

    Args:
        rows: The rows, all of one length.
        left: How many columns are aligned to the left; the others to the right.

    Returns:
        A line a row, without a final line end.
    """
    from rich.console import Console  # `s3n --help` starts without it
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for index in range(len(rows[0])):
        table.add_column(justify="left" if index < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    written = io.StringIO()
    Console(file=written, width=_WIDEST, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())
