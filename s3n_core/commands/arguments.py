"""Arguments that several commands share, and what they stand for."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.failures import say
from s3n_core.errors import DataSetError, ModelFileError, RunError

if TYPE_CHECKING:
    from s3n_core.analysis.loaded_model import Model
    from s3n_core.datasets.records import DataSet, ImageRecord

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A run's name or folder, or a .safetensors file.")]
ImagesArgument = Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder of images, a data set, or one image.")]
DataArgument = Annotated[Path, typer.Argument(metavar="DATA", help="A data set's folder.")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="What the folder is: class-folders, cub-200-2011, list-files or images; auto looks at what lies in it.",
    ),
]
SplitOption = Annotated[
    str, typer.Option("--split", metavar="PART", help="Only this part: train, val or test; all takes everything.")
]
DeviceOption = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[
    str, typer.Option("--precision", metavar="NAME", help="auto, float32, bfloat16 or float16.")
]
SamplingOption = Annotated[
    str | None,
    typer.Option(
        "--sampling",
        metavar="MODE",
        help="How peaks are divided: expected, extremes, all, identity, coin or random; the model's own if not given.",
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=0, help="Threads that read images; else by the machine.")
]
RunsOption = Annotated[
    Path | None,
    typer.Option("--runs", metavar="DIR", help="Where runs live; else runs in S3N_HOME, else a folder of the system."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for a program to read.")]

_MODEL_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".onnx")
_SHOWN_PROBLEMS = 5


def open_named_model(text: str, runs: Path | None, device: str, precision: str, sampling: str | None) -> Model:
    """Open the model that a person named: a file, else a run's name, else a run's folder.

    Raises:
        S3NError: If there is none, or it cannot be used.
    """
    from s3n_core.method.configuration import SAMPLING_MODES
    from s3n_core.runs.locations import find_run, runs_root

    mode = next((known for known in SAMPLING_MODES if known == sampling), None)
    if sampling is not None and mode is None:
        raise RunError(f"There is no sampling {sampling!r}; choose one of {', '.join(SAMPLING_MODES)}.")
    path = Path(text).expanduser()
    if not path.is_file():
        if path.suffix.lower() in _MODEL_SUFFIXES and not path.is_dir():
            raise ModelFileError(f"There is no model file {path}; check the path.")
        path = find_run(text, runs_root(runs))

    from s3n_core.analysis.loaded_model import open_model  # last: it takes seconds, and the mistakes above none

    return open_model(path, device, precision, mode)


def open_images(path: Path, format: str) -> DataSet:
    """Open what is to be looked at: a data set with its labels if it is one, else plain images.

    Raises:
        DataSetError: If there is no image.
    """
    from s3n_core.datasets import cub_200_2011, list_files
    from s3n_core.datasets.assignment import assigned
    from s3n_core.datasets.detection import open_data_set

    try:
        data_set = open_data_set(path, format)
    except DataSetError as error:
        # One class, or none, is no data set to learn from, but its images can be looked at all the same.
        if format != "auto" or not path.is_dir():
            raise
        data_set = open_data_set(path, "images")
        if list_files.matches(path) or cub_200_2011.matches(path):
            say(f"Taken as images without labels, because: {error}")
        return data_set
    return assigned(data_set)


def quoted(text: str | Path) -> str:
    """Write a name as the shell wants it in a command that a person may copy: names may hold spaces and any script."""
    text = str(text)
    # A shell takes letters of any script as they are; `shlex.quote` alone would put quotes around each "é".
    if re.fullmatch(r"[\w@%+=:,./-]+", text) or (os.name == "nt" and re.fullmatch(r"[\w@+=:./\\-]+", text)):
        return text
    return f'"{text}"' if os.name == "nt" else shlex.quote(text)


def say_problems(data_set: DataSet) -> None:
    """Name what a data set's reader left out: the first few, and how to see the rest."""
    for problem in data_set.problems[:_SHOWN_PROBLEMS]:
        say(f"Left out: {problem.path}: {problem.reason}")
    more = len(data_set.problems) - _SHOWN_PROBLEMS
    if more > 0:
        say(f"... and {more} more; `s3n audit {quoted(data_set.root)}` lists them.")


def part_of(data_set: DataSet, split: str) -> tuple[ImageRecord, ...]:
    """Return the records of a part.

    Raises:
        DataSetError: If the data set has no such part.
    """
    if split == "all":
        return data_set.records
    records = tuple(record for record in data_set.records if record.split == split)
    if not records:
        parts = ", ".join(part for part in data_set.splits() if part) or "no parts"
        raise DataSetError(f"{data_set.root} has no part {split!r}: it has {parts}; choose one of them, or all.")
    return records
