"""Arguments that several commands share, and functions that open what they name."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.failures import say
from s3n_core.commands.number_options import fraction, whole
from s3n_core.commands.progress import print_json
from s3n_core.errors import RunError
from s3n_core.runs.earlier_versions import current_name

if TYPE_CHECKING:
    from s3n_core.datasets.records import DataSet, ImageRecord
    from s3n_core.models.opening import Model


def split_name(text: str | None) -> str | None:
    """Return the split that a person has named; they may still use the name of an earlier version."""
    return None if text is None else current_name(text)


ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A run's name or folder, or a .safetensors file.")]
ImagesArgument = Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder of images, a data set, or one image.")]
DataArgument = Annotated[Path, typer.Argument(metavar="DATA", help="A data set's folder.")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Format of the folder: class-folders (append :classes, :splits or :2 for other readings), label-table, "
        "list-files, file-names (append :PATTERN, such as {class}_*), cub-200-2011, fgvc-aircraft-2013b (variants; append "
        ":family or :manufacturer for those), stanford-cars or images; auto detects it.",
    ),
]
MeasuredSplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="SPLIT",
        callback=split_name,
        help="train, val, test or all; validation: the images that the run chose its best epoch by. Default: test, where "
        "there are labelled test images.",
    ),
]
SplitOption = Annotated[
    str,
    typer.Option(
        "--split",
        metavar="SPLIT",
        callback=split_name,
        help="Only this split: train, val or test; validation: the images that the run chose its best epoch by; all "
        "takes "
        "everything.",
    ),
]
DeviceOption = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="NAME",
        help="auto, float32, float32+bfloat16 (O in float32, D and C in bfloat16), bfloat16 or float16.",
    ),
]
SamplingOption = Annotated[
    str | None,
    typer.Option(
        "--sampling",
        metavar="MODE",
        help="How peaks are assigned to D and C: expected, extremes, all, identity, coin or random; default: the "
        "model's own.",
    ),
]


def _finite(number: float | None) -> float | None:
    if number is not None and not math.isfinite(number):
        raise typer.BadParameter("use a number of nats, such as 0.1.")
    return number


ExcelOption = Annotated[
    bool,
    typer.Option(
        "--excel", help="Write CSV for Excel: with a byte-order mark, and ' before text that begins with = + - @."
    ),
]
StopBelowOption = Annotated[
    float | None,
    typer.Option(
        "--stop-below",
        metavar="H",
        parser=fraction(0.0),
        callback=_finite,
        help="Stop after O if its entropy (nats) is at most H; choose H with s3n evaluate --cascade. Default: off.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        parser=whole(0),
        help="Number of threads that read images; default: depends on the machine.",
    ),
]
RunsOption = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="DIR",
        help="The folder that contains the runs; default: runs in S3N_HOME, or else in the user's data folder.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result of the training.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for other programs.")]

_SHOWN_PROBLEMS = 5


def open_named_model(text: str, runs: Path | None, device: str, precision: str, sampling: str | None) -> Model:
    """Open the model that the argument names: a file, a run's name, or a run's folder.

    Raises:
        S3NError: If there is none, or it cannot be used.
    """
    from s3n_core.method.configuration import SAMPLING_MODES

    mode = next((known for known in SAMPLING_MODES if known == sampling), None)
    if sampling is not None and mode is None:
        raise RunError(f"There is no sampling mode {sampling!r}; choose one of {', '.join(SAMPLING_MODES)}.")
    path = find_model(text, runs)

    from s3n_core.models.opening import open_model  # last: it takes seconds, and the mistakes above none

    return open_model(path, device, precision, mode)


def find_model(text: str, runs: Path | None) -> Path:
    """Return the file or the run folder that a model argument names.

    Raises:
        S3NError: If there is neither.
    """
    from s3n_core.runs import locations

    return locations.find_model(text, locations.runs_root(runs))


def chosen_records(data_set: DataSet, split: str, model: str, runs: Path | None) -> tuple[ImageRecord, ...]:
    """Return the records of the part that a person chose; of "validation" those of the model's run.

    Raises:
        S3NError: If there is no such part, or no such run.
    """
    from s3n_core.datasets.opening import named_records
    from s3n_core.datasets.splits import VALIDATION

    return named_records(data_set, split, find_model(model, runs) if split == VALIDATION else None)


def evaluation_records(
    data_set: DataSet, split: str | None, model: str, runs: Path | None
) -> tuple[str, Sequence[ImageRecord]]:
    """Return the images that a model is measured on, and the name of their split; see `evaluation_images`.

    Raises:
        S3NError: If there is no such split, or no such run.
    """
    from s3n_core.datasets.splits import VALIDATION
    from s3n_core.evaluation.chosen_images import evaluation_images

    of_run = split in (None, VALIDATION)  # else a wrong split is said before a wrong model
    return evaluation_images(data_set, find_model(model, runs) if of_run else None, split)


def quoted(text: str | Path) -> str:
    """Quote a name for a shell command that a person may copy: names may contain spaces and letters of any script."""
    text = str(text)
    # A shell takes letters of any script as they are; `shlex.quote` alone would put quotes around each "é".
    if re.fullmatch(r"[\w@%+=:,./-]+", text) or (os.name == "nt" and re.fullmatch(r"[\w@+=:./\\-]+", text)):
        return text
    return f'"{text}"' if os.name == "nt" else shlex.quote(text)


def say_problems(data_set: DataSet, *, json: bool = False, remarks: bool = True) -> None:
    """Say how a data set was read, list the first files that could not be used, and count what else was skipped.

    Args:
        data_set: The data set.
        json: Also print what was skipped as an object, for a program.
        remarks: Say how it was read, unless `detection_sentence` has done so.
    """
    from s3n_core.datasets.skipped_files import skipped_sentence

    for remark in (data_set.original or data_set).remarks if remarks else ():
        say(remark)
    for problem in data_set.problems[:_SHOWN_PROBLEMS]:
        say(f"Left out: {problem.path}: {problem.reason}")
    more = len(data_set.problems) - _SHOWN_PROBLEMS
    if more > 0:
        say(f"... and {more} more; `s3n audit {quoted(data_set.root)}` lists all.")
    sentence = skipped_sentence(data_set.skipped, companions=False)
    if sentence:
        say(sentence)
    if json and data_set.skipped:
        print_json({"event": "skipped", "message": sentence, "skipped": data_set.skipped})
