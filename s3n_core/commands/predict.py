"""`s3n predict`: a table of predictions for a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import ExcelOption, StopBelowOption
from s3n_core.commands.failures import say
from s3n_core.commands.image_job import ImageJob, takes_image_job
from s3n_core.commands.job_progress import follow
from s3n_core.errors import DataSetError

if TYPE_CHECKING:
    from s3n_core.system.distributed import Team

HELP = """Predict the images of a folder into a table.

One row per image, in the order of the folder: class, probability, top five, each branch's class, entropy, rule of Eq. 3,
number of peaks; for unreadable files the reason. To resume a job that was stopped, run the same command again.

Example: s3n predict first photos --out predictions.csv
"""


@takes_image_job
def predict(
    job: ImageJob,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The table: .csv or .json.")],
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard the rows of a job that was stopped and start from the beginning.")
    ] = False,
    stop_below: StopBelowOption = None,
    excel: ExcelOption = False,
) -> None:
    """Predict a folder."""
    from s3n_core.commands.teamwork import working_together

    with working_together() as team:
        if team.leads:
            _predict(job, out, restart, team, stop_below, excel)
        else:
            _assist(job, team, stop_below)


def _assist(job: ImageJob, team: Team, stop_below: float | None) -> None:
    records, classes = job.records, job.data_set.classes

    from s3n_core.prediction.job import assist

    assist(job.open_model(), records, team, classes=classes, workers=job.workers, stop_below=stop_below)


def _predict(job: ImageJob, out: Path, restart: bool, team: Team, stop_below: float | None, excel: bool) -> None:
    from s3n_core.prediction.tables import prepare_place

    prepare_place(out)
    records, classes = job.records, job.data_set.classes

    from s3n_core.evaluation.label_check import unknown_labels
    from s3n_core.prediction.job import predict_to_file

    opened = job.open_model()
    steps = predict_to_file(
        opened,
        records,
        out,
        classes=classes,
        workers=job.workers,
        restart=restart,
        team=team,
        stop_below=stop_below,
        excel=excel,
    )
    last = follow(steps, "Predicting", json=job.json, note=lambda step: f"{step.images_per_second:.1f} images/s")
    for sentence in last.warnings:
        say(sentence)
    if last.unreadable == last.total:
        raise DataSetError(f"None of the {last.total} images could be read; {out} says why for each.")
    if not job.json:
        labels = [classes[record.label] for record in records if record.label is not None]
        if sentence := unknown_labels(labels, opened.classes):
            say(sentence)
        unreadable = f", {last.unreadable} unreadable (listed in the table)" if last.unreadable else ""
        say(
            f"{last.total} images{unreadable}; sampling {opened.sampling}, {opened.precision}, model {opened.digest}, "
            f"{opened.device_name or opened.device}."
        )
        if last.seen is not None and job.data_set.classes and (sentence := last.seen.sentence()):
            say(sentence)
        if last.passes is not None:
            say(f"Stopping below {stop_below} nats: {last.passes:.2f} backbone passes per image.")
        typer.echo(str(out))
