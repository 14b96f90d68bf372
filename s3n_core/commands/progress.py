"""Progress for a person (a bar with time left, on the error stream) or for a program (a JSON object a line, on the output)."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol


class Bar(Protocol):
    """What a job tells of itself."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Say how far it is."""


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Bar]:
    """Show a bar with count, pace and time left while the block runs.

    Args:
        what: What is being done ("Predicting").
        quiet: Show nothing, because a program reads.
    """
    if quiet:
        yield lambda done, total, note="": None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(what, total=None, note="")
        yield lambda done, total, note="": display.update(task, completed=done, total=total, note=note)


def print_json(value: Any) -> None:
    """Print one JSON object on a line of its own, at once."""
    print(json.dumps(plain(value), ensure_ascii=True), flush=True)


def plain(value: Any) -> Any:
    """Turn dataclasses and paths into what JSON holds; NaN and infinities become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not (-float("inf") < value < float("inf")):
        return None
    return value


def duration(seconds: float) -> str:
    """Write a time for a person: 48 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def is_interactive() -> bool:
    """Whether a person looks at the error stream."""
    return sys.stderr.isatty()
