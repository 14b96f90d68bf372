"""`s3n audit`: what a data set contains, and its problems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import DataArgument, FormatOption, JsonOption, WorkersOption
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.number_options import whole
from s3n_core.commands.progress import print_json, progress_bars
from s3n_core.system.atomic_files import make_folder, write_json, write_text
from s3n_core.system.json_values import to_json

if TYPE_CHECKING:
    from s3n_core.datasets.audit.report import AuditReport

HELP = """Check a data set for broken files, images and classes that are too small, and duplicates.

Images of each class and split, unreadable files with the reason, classes and images too small to learn from, equal files and
near-duplicates within and across splits, and file names that betray one source in training and test or another label.

Example: s3n audit birds --out findings
"""


def audit(
    data: DataArgument,
    decode: Annotated[bool, typer.Option("--decode/--no-decode", help="Decode every image completely.")] = True,
    smallest: Annotated[
        int,
        typer.Option(
            "--smallest",
            metavar="PIXELS",
            parser=whole(1),
            help="Report images whose shorter side has fewer pixels than this.",
        ),
    ] = 64,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Write the full report (audit.txt, audit.json) to this folder."
        ),
    ] = None,
    measures: Annotated[
        bool, typer.Option("--measures", help="Include the size and perceptual hash of every image in the JSON.")
    ] = False,
    format: FormatOption = "auto",
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Audit a data set."""
    from s3n_core.datasets.assignment import open_assigned
    from s3n_core.datasets.audit.checks import audit as audit_data_set
    from s3n_core.datasets.audit.report_text import report_text

    if out is not None:
        make_folder(out)
    data_set = open_assigned(data, format)
    bars = progress_bars("Reading", "Comparing", json=json)
    with interruptible(lambda: "Stopped; nothing was written."), bars as (reading, comparing):
        report = audit_data_set(
            data_set,
            decode=decode,
            smallest_side=smallest,
            workers=workers,
            progress=reading,
            comparing=comparing,
            measure=measures,
        )
    if out is not None:
        _write(report, out)
    if json:
        print_json({"event": "audited", **to_json(report)})
    else:
        typer.echo(report_text(report))


def _write(report: AuditReport, out: Path) -> None:
    from s3n_core.datasets.audit.report_text import report_text

    write_text(out / "audit.txt", report_text(report, most=None) + "\n")
    write_json(out / "audit.json", to_json(report))
    for name in ("audit.txt", "audit.json"):
        say(f"Written: {out / name}")
