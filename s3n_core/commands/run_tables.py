"""Runs and the trash as tables for people and as JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from s3n_core.commands.failures import say
from s3n_core.commands.progress import print_json
from s3n_core.commands.text_tables import table_text
from s3n_core.system.json_values import to_json

if TYPE_CHECKING:
    from s3n_core.runs.run_summary import RunSummary

COLUMNS = ("name", "status", "epoch", "validation", "recipe", "data")


def print_runs(summaries: Sequence[RunSummary]) -> None:
    """Print a table of runs."""
    from s3n_core.datasets.validation_images import OTHER_MARK, OTHER_VALIDATION, other_validation

    others = other_validation(summaries)
    _print_table(COLUMNS, [row_of(summary, other=summary.path in others) for summary in summaries])
    if others:
        say(f"{OTHER_MARK} {OTHER_VALIDATION} than most runs on this data set; these accuracies cannot be compared.")


def print_trash(root: Path, json: bool) -> None:
    """Print what is in the trash of a runs folder."""
    from s3n_core.runs.trash import list_trash

    entries = list_trash(root)
    if json:
        print_json([{"name": entry.name, "path": entry.path, "deleted": entry.deleted} for entry in entries])
        return
    if not entries:
        say(f"The trash of {root} is empty.")
        return
    _print_table(
        ("name", "deleted"),
        [(entry.name, time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.deleted))) for entry in entries],
    )


def _print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    typer.echo(table_text([header, *rows], left=len(header)))


def fields_of(summary: RunSummary) -> dict[str, Any]:
    """Return a run as values that JSON holds; runs with the same ``validation_images`` can be compared."""
    from s3n_core.datasets.validation_images import run_validation_count, run_validation_fingerprint
    from s3n_core.evaluation.intervals import interval_of_share

    count = None if summary.problem else run_validation_count(summary.path)
    interval = None if summary.state is None else interval_of_share(summary.state.best_accuracy, count)
    return {
        "name": summary.name,
        "path": str(summary.path),
        "status": summary.status,
        "live": summary.live,
        "created": summary.created,
        "state": to_json(summary.state),
        "validation_count": count,
        "best_accuracy_interval_95": None if interval is None else list(interval),
        "run": dict(summary.run),
        "validation_images": None if summary.problem else run_validation_fingerprint(summary.path, summary.run),
        "problem": summary.problem,
    }


def row_of(summary: RunSummary, *, other: bool = False) -> tuple[str, ...]:
    """Return a run's row: one text for each of ``COLUMNS``.

    Args:
        summary: The run.
        other: Whether its accuracy is marked as one on other validation images.
    """
    from s3n_core.datasets.validation_images import OTHER_MARK, run_validation_count
    from s3n_core.evaluation.intervals import accuracy_share_text
    from s3n_core.runs.run_state import STATUS_TEXTS

    state, run = summary.state, summary.run
    share = None if state is None else state.best_accuracy
    best = accuracy_share_text(share, None if share is None else run_validation_count(summary.path))
    recipe, data = run.get("recipe"), run.get("data")
    return (
        summary.name,
        STATUS_TEXTS[summary.status].lower(),
        "" if state is None else f"{state.epoch}/{state.epochs}",
        f"{best} {OTHER_MARK}" if other else best,
        str(recipe.get("name", "")) if isinstance(recipe, dict) else "",
        str(data.get("name", "")) if isinstance(data, dict) else "",
    )
