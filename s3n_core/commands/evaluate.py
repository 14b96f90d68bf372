"""`s3n evaluate`: the accuracy of a model, by branch and by class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from s3n_core.commands.arguments import (
    DataArgument,
    DeviceOption,
    ExcelOption,
    FormatOption,
    JsonOption,
    MeasuredSplitOption,
    ModelArgument,
    PrecisionOption,
    RunsOption,
    SamplingOption,
    StopBelowOption,
    WorkersOption,
    evaluation_records,
    open_named_model,
    say_problems,
)
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.system.atomic_files import make_folder
from s3n_core.system.json_values import to_json

HELP = """Measure a model on labelled images.

Prints top-1 and top-5 accuracy of each branch, of the joint prediction and of the mean of the branches; accuracy per class;
the confusion matrix. Without --split it uses the labelled test images; without these the validation images, by which the run
chose its best epoch (so the result is optimistic); without these all images. The heading says which, and how many of them
the model learned from. --places also measures whether the peaks lie in the data set's boxes and on its key points, compared
with another image's peaks, the centre and random points, and the localisation of Table 2. --cascade shows the cost and gain
of stopping after O where O is certain; --stop-below H does so for one threshold. Choose the threshold on the run's
validation set (--split validation), then measure it on the test split.

Example: s3n evaluate first birds --out figures
"""


def evaluate(
    model: ModelArgument,
    data: DataArgument,
    split: MeasuredSplitOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Write the tables (CSV) to this folder.")
    ] = None,
    format: FormatOption = "auto",
    places: Annotated[
        bool, typer.Option("--places", help="Also measure where the network looks (needs a data set with boxes).")
    ] = False,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Also show accuracy and number of passes if certain images stop after O.")
    ] = False,
    stop_below: StopBelowOption = None,
    excel: ExcelOption = False,
    sampling: SamplingOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Evaluate a model."""
    from s3n_core.datasets.assignment import assignment_sentence, open_assigned
    from s3n_core.datasets.own_folders import check_table_file

    data_set = open_assigned(data, format)
    if data_set.original is not None:
        say(assignment_sentence(data_set))
    say_problems(data_set, json=json)
    if out is not None:
        from s3n_core.export.evaluation_tables import table_paths

        for path in table_paths(out):
            check_table_file(path, data_set.root)
    part, records = evaluation_records(data_set, split, model, runs)

    from s3n_core.commands.evaluation_text import curve_text, evaluation_text
    from s3n_core.evaluation.evaluate import evaluate as evaluate_records
    from s3n_core.evaluation.hit_rates import PlaceMeasures, boxed_records, measure_places

    if places:
        boxed_records(records)  # else the lack of boxes would be said after the evaluation
    opened = open_named_model(model, runs, device, precision, sampling)
    if out is not None:
        _check_folder(out)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Evaluating", json=json) as bar:
        cascaded = cascade or stop_below is not None
        result = evaluate_records(
            opened, records, data_set.classes, workers=workers, cascade=cascaded, split=part, progress=bar
        )
    for sentence in (*result.warnings, *([] if result.licence is None else [result.licence.notice])):
        say(sentence)
    curve = result.cascade.curve() if cascade and result.cascade else None
    point = result.cascade.at(stop_below) if stop_below is not None and result.cascade else None
    if not json:
        typer.echo(f"{result.heading}\nSplit: {part} of {data}\n{evaluation_text(result)}")
        if point is not None:
            typer.echo(point.text())
        if curve is not None:
            typer.echo(curve_text(curve))
    if out is not None:
        from s3n_core.export.evaluation_tables import write_evaluation_tables

        make_folder(out)
        for path in write_evaluation_tables(result, out, stop_below=stop_below, excel=excel):
            say(f"Written: {path}")
    looked: PlaceMeasures | None = None
    try:
        if places:
            stopped = interruptible(lambda: "Stopped; the evaluation is complete, only the places were not measured.")
            with stopped, progress_bar("Measuring places", json=json) as bar:
                looked = measure_places(opened, records, data_set.classes, workers=workers, progress=bar)
            if not json:
                typer.echo(looked.text())
    finally:  # also where the places could not be measured: the evaluation took longer than all of that
        if json:
            extra: dict[str, Any] = {} if looked is None else {"places": to_json(looked)}
            if point is not None:
                extra["stop_below"] = point.to_dict()
            if curve is not None:
                extra["cascade"] = [step.to_dict() for step in curve]
            print_json({"event": "evaluated", "part": part, "data": str(data), **result.to_dict(), **extra})


def _check_folder(out: Path) -> None:
    """Refuse a folder that cannot be created; none is left behind, as the evaluation may be stopped.

    Raises:
        OutputError: It cannot be created.
    """
    there = out.exists()
    make_folder(out)
    if not there:
        out.rmdir()
