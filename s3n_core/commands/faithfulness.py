"""`s3n faithfulness`: how much the predictions depend on the places with the largest contributions."""

from __future__ import annotations

from typing import Annotated

import typer

from s3n_core.commands.arguments import (
    DataArgument,
    DeviceOption,
    FormatOption,
    JsonOption,
    ModelArgument,
    PrecisionOption,
    RunsOption,
    SamplingOption,
    WorkersOption,
    find_model,
    open_named_model,
    say_problems,
    split_name,
)
from s3n_core.commands.failures import interruptible
from s3n_core.commands.progress import print_json, progress_bar

HELP = """Measure how faithful contributions are, on any folder of images.

Removes the patches that contribute most to the predicted class, or puts them into an otherwise removed image, and asks all
branches again: deletion AUC (less is better) and insertion AUC. RD@5 % and RD@10 % say how much more the predicted class loses
than its strongest rival when 5 or 10 % of the area are removed. Removed patches are replaced by their blur, or by those of
another image. Each value stands beside that of random patches of equal area, on the object's box where the data set has boxes;
correctly and wrongly predicted images apart. Takes about 126 predictions per image.

Example: s3n faithfulness first birds --images 50
"""


def faithfulness(
    model: ModelArgument,
    data: DataArgument,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="SPLIT",
            callback=split_name,
            help="train, val, test or all; validation: the images that the run chose its best epoch by.",
        ),
    ] = None,
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
    json: JsonOption = False,
) -> None:
    """Measure faithfulness."""
    from s3n_core.datasets.assignment import assignment_sentence, open_assigned

    data_set = open_assigned(data, format)
    if data_set.original is not None:
        from s3n_core.commands.failures import say

        say(assignment_sentence(data_set))
    say_problems(data_set, json=json)
    from s3n_core.datasets.splits import VALIDATION
    from s3n_core.evaluation.chosen_images import evaluation_images

    of_run = split in (None, VALIDATION)
    part, records = evaluation_images(data_set, find_model(model, runs) if of_run else None, split)
    count = len(records) if images is None else min(images, len(records))
    some = [records[index * len(records) // count] for index in range(count)]

    from s3n_core.parts.faithfulness import measure_faithfulness

    opened = open_named_model(model, runs, device, precision, sampling)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        result = measure_faithfulness(
            opened, some, data_set.classes, split=part, total=len(records), workers=workers, progress=bar
        )
    if json:
        print_json({"event": "faithfulness", "data": str(data), **result.to_dict()})
    else:
        typer.echo(f"Split: {part} of {data}\n{result.text()}")
