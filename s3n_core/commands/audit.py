"""`s3n audit`: what is in a data set, and what is wrong with it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.atomic_files import output_error, write_json, write_text
from s3n_core.commands.arguments import DataArgument, FormatOption, JsonOption, WorkersOption
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import Bar, print_json, progress_bar

if TYPE_CHECKING:
    from s3n_core.datasets.audit_report import AuditReport

HELP = """Look through a data set for what is broken, too small or double.

Images of each class and part, unreadable files with the reason, classes and images too small to learn from, equal files and
near-duplicates within and across parts, and file names that betray one source in training and test or another label.

Example: s3n audit birds --out findings
"""

_PROGRESS_SECONDS = 0.2  # between two lines of progress for a program


def audit(
    data: DataArgument,
    decode: Annotated[bool, typer.Option("--decode/--no-decode", help="Open every image to its last pixel.")] = True,
    smallest: Annotated[
        int, typer.Option("--smallest", metavar="PIXELS", min=1, help="Name images whose shorter side is below this.")
    ] = 64,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Write audit.txt and audit.json there, in full.")
    ] = None,
    format: FormatOption = "auto",
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Audit a data set."""
    from s3n_core.datasets.assignment import open_assigned
    from s3n_core.datasets.audit import audit as audit_data_set
    from s3n_core.datasets.audit_text import report_text

    if out is not None:
        _make_folder(out)
    data_set = open_assigned(data, format)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Reading", quiet=json) as bar:
        tell = _json_progress() if json else bar
        report = audit_data_set(data_set, decode=decode, smallest_side=smallest, workers=workers, progress=tell)
    if out is not None:
        _write(report, out)
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report_text(report))


def _json_progress() -> Bar:
    """Return what prints a line of progress now and then, and one at the end."""
    said = 0.0

    def tell(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
        nonlocal said
        now = time.monotonic()
        if done == total or now - said >= _PROGRESS_SECONDS:
            said = now
            print_json({"event": "progress", "done": done, "total": total})

    return tell


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(out, error) from error


def _write(report: AuditReport, out: Path) -> None:
    from s3n_core.datasets.audit_text import report_text

    write_text(out / "audit.txt", report_text(report, most=None) + "\n")
    write_json(out / "audit.json", report.to_dict())
    for name in ("audit.txt", "audit.json"):
        say(f"Written: {out / name}")
