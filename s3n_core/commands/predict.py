"""`s3n predict`: a table of predictions for a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import ExcelOption, StopBelowOption, find_model
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.image_job import ImageJob, takes_image_job
from s3n_core.commands.job_progress import follow
from s3n_core.commands.progress import progress_bar
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
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Fast mode: stop after O up to the entropy that saves the most without losing accuracy on the "
            "validation images of the model's run; measured first.",
        ),
    ] = False,
    excel: ExcelOption = False,
) -> None:
    """Predict a folder."""
    from s3n_core.commands.teamwork import working_together

    if fast and stop_below is not None:
        raise typer.BadParameter("--fast chooses H; leave out one of --fast and --stop-below.")
    with working_together() as team:
        if fast and team.size > 1:
            raise typer.BadParameter("--fast measures in one process; choose H with s3n evaluate --cascade instead.")
        if fast:
            stop_below = _chosen_threshold(job)
        if team.leads:
            _predict(job, out, restart, team, stop_below, excel)
        else:
            _assist(job, team, stop_below)


def _chosen_threshold(job: ImageJob) -> float | None:
    """Choose the entropy of fast mode on the validation images of the model's run, and say what it gains and costs."""
    from s3n_core.datasets.opening import named_records, open_images
    from s3n_core.evaluation.chosen_images import threshold_images

    path = find_model(job.model, job.runs)
    source = threshold_images(path, Path(job.images))
    data_set = open_images(source.folder, source.format)
    records = named_records(data_set, source.split, path)

    from s3n_core.evaluation.evaluate import evaluate

    with (
        interruptible(lambda: "Stopped; nothing was written."),
        progress_bar("Measuring fast mode", json=job.json) as bar,
    ):
        measured = evaluate(
            job.open_model(),
            records,
            data_set.classes,
            workers=job.workers,
            cascade=True,
            split=source.split,
            progress=bar,
        )
    assert measured.cascade is not None
    best, whole = measured.cascade.no_loss(), measured.cascade.at(None)
    say(f"Fast mode, chosen on {best.images} validation images of {source.folder}: {best.effect_text(whole)}.")
    return best.stop_below


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
        if notice := opened.header.network.licence_notice:
            say(notice)
        if last.seen is not None and job.data_set.classes and (sentence := last.seen.sentence()):
            say(sentence)
        if last.passes is not None:
            say(
                f"Fast mode, stopping after O up to H = {stop_below} nats: {last.passes:.2f} backbone passes per image."
            )
        typer.echo(str(out))
