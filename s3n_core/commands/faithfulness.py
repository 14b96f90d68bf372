"""`s3n faithfulness`: how much the predictions depend on the places with the largest contributions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import (
    DataArgument,
    DeviceOption,
    FormatOption,
    JsonOption,
    MeasuredSplitOption,
    ModelArgument,
    PrecisionOption,
    RunsOption,
    SamplingOption,
    WorkersOption,
    evaluation_records,
    open_named_model,
    say_problems,
)
from s3n_core.commands.failures import interruptible
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.evaluation.goals import fail_unless_met

if TYPE_CHECKING:
    from s3n_core.models.opening import Model

HELP = """Measure how faithful contributions are, on any folder of images.

Removes the patches that contribute most to the predicted class, or puts them into an otherwise removed image, and asks all
branches again: deletion AUC (less is better) and insertion AUC. RD@5 % and RD@10 % say how much more the predicted class loses
than its strongest rival when 5 or 10 % of the area are removed. Removed patches are replaced by their blur, or by those of
another image. Each value stands beside that of random patches of equal area, on the object's box where the data set has boxes;
correctly and wrongly predicted images apart. Takes about 210 predictions per image.

On synthetic birds drawn with --interventions, attributions are held against exact drawings without each part and each
background object, in the protocols of FunnyBirds: contributions in several forms, the response map and Q_d beside controls and
a ceiling. Takes about 50 drawings and predictions per image. --patches measures such a folder like any other.

Examples: s3n faithfulness first birds --images 50; s3n faithfulness first truth --sanity --shuffled shuffled
"""


def faithfulness(
    model: ModelArgument,
    data: DataArgument,
    split: MeasuredSplitOption = None,
    images: Annotated[
        int | None,
        typer.Option("--images", metavar="N", min=2, help="Measure only N images, evenly spaced in the list."),
    ] = None,
    format: FormatOption = "auto",
    sampling: SamplingOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    interventions: Annotated[
        Path | None,
        typer.Option(
            "--interventions",
            metavar="DIR",
            help="Synthetic birds drawn with interventions; default: DATA, if it has them.",
        ),
    ] = None,
    patches: Annotated[
        bool, typer.Option("--patches", help="Remove patches, even if the folder has interventions.")
    ] = False,
    sanity: Annotated[
        bool,
        typer.Option(
            "--sanity",
            help="Also measure networks with random heads, and with random weights; with interventions only.",
        ),
    ] = False,
    shuffled: Annotated[
        str | None,
        typer.Option(
            "--shuffled",
            metavar="MODEL",
            help="With --sanity; also measure this model, trained on shuffled labels (s3n shuffle-labels).",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="With --sanity; print goals, and exit with 1 if one is missed; needs --shuffled, with interventions only.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Measure faithfulness."""
    from s3n_core.demo.interventions import has_interventions

    if patches and interventions is not None:
        raise typer.BadParameter("choose one of --patches and --interventions")
    truth = interventions or (data if not patches and has_interventions(data) else None)
    if truth is not None:
        if split is not None:
            raise typer.BadParameter("--split needs --patches: interventions belong to the test images")
        if format != "auto":
            raise typer.BadParameter("--format needs --patches: interventions are of synthetic birds")
        if workers is not None:
            raise typer.BadParameter("--workers needs --patches: with interventions one thread draws each scene")
        opened = open_named_model(model, runs, device, precision, sampling)
        other = None if shuffled is None else open_named_model(shuffled, runs, device, precision, sampling)
        sane = sanity or check or other is not None
        _by_interventions(opened, truth, images, sanity=sane, shuffled=other, check=check, json=json)
        return
    if sanity or check or shuffled is not None:
        raise typer.BadParameter(f"--sanity, --shuffled and --check need interventions, which {data} does not have")
    from s3n_core.datasets.assignment import assignment_sentence, open_assigned

    data_set = open_assigned(data, format)
    if data_set.original is not None:
        from s3n_core.commands.failures import say

        say(assignment_sentence(data_set))
    say_problems(data_set, json=json)
    part, records = evaluation_records(data_set, split, model, runs)
    count = len(records) if images is None else min(images, len(records))
    some = [records[index * len(records) // count] for index in range(count)]

    from s3n_core.parts.faithfulness.faithfulness import measure_faithfulness

    opened = open_named_model(model, runs, device, precision, sampling)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        result = measure_faithfulness(
            opened, some, data_set.classes, split=part, total=len(records), workers=workers, progress=bar
        )
    licence = _licence(opened)
    if json:
        print_json({"event": "faithfulness", "data": str(data), **result.to_dict(), **licence})
    else:
        typer.echo(f"Split: {part} of {data}\n{result.text()}")


def _licence(model: Model) -> dict[str, str]:
    """Say what must be told of the licence of the weights that a model began with, and return it for JSON; {} for nothing."""
    from s3n_core.commands.failures import say

    if not (notice := model.header.network.licence_notice):
        return {}
    say(notice)
    return {"licence": notice}


def _by_interventions(
    model: Model,
    truth: Path,
    images: int | None,
    *,
    sanity: bool,
    shuffled: Model | None,
    check: bool,
    json: bool,
) -> None:
    """Measure with interventions and print the result.

    Raises:
        S3NError: A goal is missed, with ``check``.
    """
    from s3n_core.commands.intervention_text import interventions_text
    from s3n_core.parts.truth.intervention_protocol import measure_interventions

    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        found = measure_interventions(model, truth, images=images, sanity=sanity, shuffled=shuffled, progress=bar)
    licence = _licence(model)
    if json:
        print_json({"event": "interventions", "data": str(truth), **found.to_dict(), **licence})
    else:
        typer.echo(f"Data: {truth}\n{interventions_text(found, goals=check)}", nl=False)
    if check:
        fail_unless_met(found.goals())
