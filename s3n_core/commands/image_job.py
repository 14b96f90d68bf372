"""Arguments and options of the commands that run a model over images."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from s3n_core.commands.arguments import (
    DeviceOption,
    FormatOption,
    ImagesArgument,
    JsonOption,
    ModelArgument,
    PrecisionOption,
    RunsOption,
    SamplingOption,
    SplitOption,
    WorkersOption,
    chosen_records,
    open_named_model,
    say_problems,
)

if TYPE_CHECKING:
    from s3n_core.datasets.records import DataSet, ImageRecord
    from s3n_core.models.opening import Model


@dataclass(frozen=True, kw_only=True)
class ImageJob:
    """A model and images, as named on the command line."""

    model: ModelArgument
    images: ImagesArgument
    split: SplitOption = "all"
    format: FormatOption = "auto"
    sampling: SamplingOption = None
    device: DeviceOption = "auto"
    precision: PrecisionOption = "auto"
    workers: WorkersOption = None
    runs: RunsOption = None
    json: JsonOption = False

    @cached_property
    def data_set(self) -> DataSet:
        """The images; files that cannot be used are listed once."""
        from s3n_core.datasets.opening import open_images

        data_set = open_images(self.images, self.format)
        say_problems(data_set, json=self.json)
        return data_set

    @cached_property
    def records(self) -> tuple[ImageRecord, ...]:
        """The images of the chosen split."""
        return chosen_records(self.data_set, self.split, self.model, self.runs)

    def open_model(self) -> Model:
        """Open the model. Call it last, because it takes seconds."""
        return open_named_model(self.model, self.runs, self.device, self.precision, self.sampling)


def takes_image_job(command: Callable[..., None]) -> Callable[..., None]:
    """Turn a function that takes an ``ImageJob`` and its own options into a command with the options of both.

    Args:
        command: Its first parameter is the job; all others are options with Typer's annotations.
    """
    hints = get_type_hints(ImageJob, globalns={**globals(), "Path": Path}, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(
            one.name,
            kind,
            annotation=hints[one.name],
            default=inspect.Parameter.empty if one.name in ("model", "images") else one.default,
        )
        for one in fields(ImageJob)
    ]
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    # Arguments first, then what is particular to the command, as its help lists them.
    listed = [*shared[:2], *(parameter.replace(kind=kind) for parameter in own), *shared[2:]]

    def whole(**values: Any) -> None:
        job = ImageJob(**{parameter.name: values.pop(parameter.name) for parameter in shared})
        command(job, **values)

    whole.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    whole.__annotations__ = {parameter.name: parameter.annotation for parameter in listed}
    whole.__name__, whole.__doc__ = command.__name__, command.__doc__
    return whole
