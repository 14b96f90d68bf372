"""Progress as a bar with the time left (on standard error), or as one JSON object per line (on standard output)."""

from __future__ import annotations

import json as json_format
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from s3n_core.commands.failures import say
from s3n_core.system.json_values import to_json

OBJECT_SECONDS = 0.2  # between two objects of progress for a program
_MEGABYTE = 1_000_000
LINE_SECONDS = 30.0  # between two lines of progress where no bar can be drawn (a log file, a pipe)


class Bar(Protocol):
    """Where a job reports its progress."""

    def __call__(self, done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
        """Report the progress; without ``seconds_left`` the time left is estimated from the speed so far."""


@contextmanager
def progress_bar(what: str, *, quiet: bool = False, json: bool = False, late: bool = False) -> Iterator[Bar]:
    """Show a job's progress, speed and time left while the block runs.

    On a terminal it is a bar, which is gone at the end; elsewhere a line every half minute.

    Args:
        what: What is being done ("Predicting").
        quiet: Show nothing, because the command tells of its progress in its own way.
        json: Print an object a line, a few a second, because a program reads.
        late: Show nothing before the first report: there may be nothing to do.
    """
    with progress_bars(what, quiet=quiet, json=json, late=late) as (bar,):
        yield bar


@contextmanager
def progress_bars(
    *stages: str, quiet: bool = False, json: bool = False, late: bool = False
) -> Iterator[tuple[Bar, ...]]:
    """Show the progress of a job that has several stages: one bar per stage, which appears when the stage begins.

    Args:
        stages: What is being done in each.
        quiet: As in `progress_bar`, and so are the others.
        json: Print an object a line.
        late: Do not show the first bar before its first report either.
    """
    if quiet:
        yield tuple(_silent for _ in stages)
    elif json:
        yield tuple(_objects(what) for what in stages)
    elif sys.stderr.isatty():
        with _drawn_bars(stages, late=late) as bars:
            yield bars
    else:
        yield tuple(_lines(what) for what in stages)


def _silent(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
    """Say nothing."""


@contextmanager
def _drawn_bars(stages: Sequence[str], *, late: bool) -> Iterator[tuple[Bar, ...]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    # Without markup: a file's name may look like it. The output stream is left alone: a program may read it.
    what_column, note_column = (
        TextColumn(field, markup=False) for field in ("{task.description}", "{task.fields[note]}")
    )
    columns = (what_column, BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn(), note_column)
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as display:

        def drawn(what: str, *, first: bool) -> Bar:
            task, reckon, began = (
                display.add_task(what, total=None, note="", start=first, visible=first),
                _reckoner(),
                first,
            )

            def bar(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
                nonlocal began
                if not began:
                    began = True
                    display.start_task(task)
                note = _remark(note, reckon(done, total, seconds_left))
                display.update(task, completed=done, total=total, note=note, visible=True)

            return bar

        yield tuple(drawn(what, first=place == 0 and not late) for place, what in enumerate(stages))


def _lines(what: str) -> Bar:
    reckon, said = _reckoner(), time.monotonic()

    def bar(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
        nonlocal said
        left = reckon(done, total, seconds_left)
        if time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            remark = _remark(note, left)
            say(f"{what}: {done} of {total}{f', {remark}' if remark else ''}")

    return bar


def _objects(what: str) -> Bar:
    reckon, said = _reckoner(), -math.inf

    def bar(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
        nonlocal said
        left = reckon(done, total, seconds_left)
        if done >= total or time.monotonic() - said >= OBJECT_SECONDS:
            said = time.monotonic()
            print_json({"event": "progress", "what": what, "done": done, "total": total, "seconds_left": left})

    return bar


def _reckoner() -> Callable[[int, int, float | None], float | None]:
    """Return a function that estimates the seconds left from the progress since the first report."""
    first: tuple[float, int] | None = None

    def reckon(done: int, total: int, seconds_left: float | None) -> float | None:
        nonlocal first
        now = time.monotonic()
        if first is None:
            first = (now, done)
        if seconds_left is not None:
            return seconds_left
        since, before = first
        return (now - since) * (total - done) / (done - before) if done > before else None

    return reckon


def _remark(note: str, seconds_left: float | None) -> str:
    left = "" if seconds_left is None else f"{duration(seconds_left)} left"
    return ", ".join(part for part in (note, left) if part)


def print_json(value: Any) -> None:
    """Print one JSON object on a line of its own, at once."""
    print(json_format.dumps(to_json(value), ensure_ascii=True), flush=True)


def print_event(event: Any, name: str | None = None) -> None:
    """Print an event as one JSON object: its name as ``event``, then the fields of the dataclass."""
    kind = name or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()
    print_json({"event": kind, **to_json(event)})


def megabytes(bar: Bar) -> Bar:
    """Return where a job reports bytes, which the bar shows as megabytes."""

    def report(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
        bar(done // _MEGABYTE, max(total // _MEGABYTE, 1), ", ".join(filter(None, ("MB", note))), seconds_left)

    return report


def duration(seconds: float) -> str:
    """Return a duration as text: 48 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
