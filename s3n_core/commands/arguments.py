"""Arguments that several commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.errors import DataSetError, ModelFileError, RunError

if TYPE_CHECKING:
    from s3n_core.analysis.loaded_model import Model
    from s3n_core.datasets.records import DataSet, ImageRecord

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A run's name or folder, or a .safetensors file.")]
ImagesArgument = Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder of images, a data set, or one image.")]
DataArgument = Annotated[Path, typer.Argument(metavar="DATA", help="A data set's folder.")]
FormatOption = Annotated[str, typer.Option("--format", help="Form of the folder; auto looks at what lies in it.")]
SplitOption = Annotated[str, typer.Option("--split", help="Only this part: train, val or test; all takes everything.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
PrecisionOption = Annotated[str, typer.Option("--precision", help="auto, float32, bfloat16 or float16.")]
SamplingOption = Annotated[
    str | None, typer.Option("--sampling", help="How peaks are divided; the model's own rule if not given.")
]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=0, help="Threads that read images.")]
RunsOption = Annotated[Path | None, typer.Option("--runs", metavar="DIR", help="Where runs live.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for a program to read.")]


def open_named_model(text: str, runs: Path | None, device: str, precision: str, sampling: str | None) -> Model:
    """Open the model that a person named: a path if there is one, else a run of that name.

    Raises:
        S3NError: If there is none, or it cannot be used.
    """
    from s3n_core.analysis.loaded_model import open_model
    from s3n_core.method.configuration import SAMPLING_MODES
    from s3n_core.runs.locations import find_run, runs_root

    mode = next((known for known in SAMPLING_MODES if known == sampling), None)
    if sampling is not None and mode is None:
        raise RunError(f"There is no sampling {sampling!r}; choose one of {', '.join(SAMPLING_MODES)}.")
    path = Path(text).expanduser()
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise ModelFileError(f"There is no model {path}.")
        path = find_run(text, runs_root(runs))
    return open_model(path, device, precision, mode)


def open_images(path: Path, format: str) -> DataSet:
    """Open what is to be looked at: a data set with its labels if it is one, else plain images.

    Raises:
        DataSetError: If there is no image.
    """
    from s3n_core.datasets.detection import open_data_set

    try:
        return open_data_set(path, format)
    except DataSetError:
        # One class, or none, is no data set to learn from, but its images can be looked at all the same.
        if format != "auto" or not path.exists():
            raise
        return open_data_set(path, "images")


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
