"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, whose first row is its head."""
    head, *body = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    columns = head.count("|") - head.count(r"\|") - 1
    return [head, "|" + "---|" * columns, *body]
