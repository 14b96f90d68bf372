"""The front door: what `import s3n_core` offers. Heavy modules are loaded by the calls that need them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from difflib import get_close_matches
from os import PathLike
from typing import TYPE_CHECKING, Any

from s3n_core.datasets.records import Annotation, DataSet
from s3n_core.errors import S3NError
from s3n_core.evaluation.result import Evaluation
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.model import ImageLike, Model, Source
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.comparison import Comparison
from s3n_core.parts.comparison.model_atlas import ModelAtlas
from s3n_core.prediction.predictions import Predictions
from s3n_core.prediction.rows import Prediction
from s3n_core.progress import Progress, progress_bar
from s3n_core.system.typed_paths import typed_path
from s3n_core.training.events import Event, RunStarted, StepDone
from s3n_core.training.run import Run

__all__ = [
    "Atlas",
    "Comparison",
    "Contributions",
    "DataSet",
    "Evaluation",
    "HiddenPlace",
    "HidingSettings",
    "ImageLike",
    "Inspection",
    "InspectionSettings",
    "Model",
    "ModelAtlas",
    "Prediction",
    "Predictions",
    "Run",
    "S3NError",
    "Source",
    "figure",
    "find_parts",
    "load_model",
    "open_data",
    "open_run",
    "start_training",
    "train",
]

if TYPE_CHECKING:
    from PIL import Image


def load_model(
    source: str | PathLike[str] | Run, *, device: str = "auto", precision: str = "auto", sampling: str | None = None
) -> Model:
    """Open a trained model.

    Args:
        source: A ``.safetensors`` file, a run, or a run's name or folder (its best epoch).
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto" (on a CPU as measured by `s3n devices --tune`), "float32",
            "float32+bfloat16" (O in float32, D and C in bfloat16), "bfloat16" or "float16".
        sampling: How peaks are divided; None: the model's own rule.

    Raises:
        S3NError: There is no such model, it is damaged, or device or precision cannot be used here.
    """
    from s3n_core.method.configuration import SAMPLING_MODES
    from s3n_core.models.opening import open_model
    from s3n_core.runs.locations import find_model, runs_root

    mode = _known(sampling, SAMPLING_MODES, "sampling")
    if isinstance(source, Run):
        return Model(open_model(source.path, device, precision, mode), source.name)
    path = find_model(str(source), runs_root())
    name = path.stem if path.is_file() else path.name
    return Model(open_model(path, device, precision, mode), name)


def open_data(path: str | PathLike[str], *, format: str = "auto") -> DataSet:
    """Open a data set, a folder of images, or one image.

    Args:
        path: The folder or the file.
        format: "auto", or one of the formats of ``docs/reference/data-sets.md``.

    Raises:
        DataSetError: There is no image, or it cannot be read as this format.
    """
    from s3n_core.datasets.opening import open_images

    return open_images(typed_path(path), format)


def open_run(name_or_path: str | PathLike[str]) -> Run:
    """Open a training run by its name or its folder.

    Raises:
        RunError: There is none.
    """
    from s3n_core.runs.locations import find_run, runs_root

    return Run(find_run(str(name_or_path), runs_root()))


def train(
    data: str | PathLike[str] | DataSet,
    *,
    recipe: str = "quick",
    name: str | None = None,
    device: str = "auto",
    settings: Mapping[str, Any] = {},
    on_event: Callable[[Event], None] | None = None,
    progress: Progress = None,
    **fields: Any,
) -> Run:
    """Train a model from image labels and wait for its end. Ctrl+C stops after the batch and keeps everything.

    Args:
        data: A data set, or its folder.
        recipe: "quick", "small-data", "paper", "release", "hawkeye" or "baseline".
        name: The run's name; None: the data set's and a number.
        device: "auto", "cpu", "cuda" or "mps".
        settings: Changed settings of the recipe by dotted name: ``{"network.input_size": 320}``.
        on_event: Called with every event as it happens.
        progress: See `Progress`; counts batches. Before them, a bar of its own counts the training images of more than 8 bits,
            if there are any, while the range of their values is found.
        **fields: Changed settings without a dot: ``epochs=3``.

    Returns:
        The run, finished or stopped.

    Raises:
        S3NError: A setting or the data set cannot be used, or the training failed; what was saved stays.
    """
    from s3n_core.training.trainer import Trainer

    run = _prepared(data, recipe, name, device, {**settings, **fields}, progress)
    trainer = Trainer(run.path)
    with (
        _unchanged_random_state(),
        _stopping_on_interrupt(trainer.request_stop),
        progress_bar("Training", progress) as bar,
        closing(trainer.run()) as events,
    ):
        epochs = 0
        for event in events:
            if isinstance(event, RunStarted):
                epochs = event.epochs
            if isinstance(event, StepDone):
                bar(event.epoch * event.batches + event.batch, epochs * event.batches)
            if on_event is not None:
                on_event(event)
    return run


def start_training(
    data: str | PathLike[str] | DataSet,
    *,
    recipe: str = "quick",
    name: str | None = None,
    device: str = "auto",
    settings: Mapping[str, Any] = {},
    progress: Progress = None,
    **fields: Any,
) -> Run:
    """Train a model in a process of its own, which goes on when this one ends. The arguments are those of `train`.

    The range of the values of images of more than 8 bits is found before it begins, in this process, with a bar; Ctrl+C ends
    the search, and there is no run.

    Returns:
        The run: go through it to follow it, or `Run.wait`.

    Raises:
        S3NError: A setting or the data set cannot be used, or the process cannot be started.
    """
    run = _prepared(data, recipe, name, device, {**settings, **fields}, progress)
    run.resume()
    return run


def find_parts(
    model: Model | str | PathLike[str],
    data: str | PathLike[str] | DataSet,
    *,
    split: str | None = None,
    out: str | PathLike[str] | None = None,
    parts: int | None = None,
    parts_of: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> ModelAtlas:
    """Find the parts that a model's peaks lie on, over a set of images.

    Args:
        model: The model, or what `load_model` opens.
        data: A data set, or its folder.
        split: "train", "val", "test", "validation" (those of the model's run) or "all"; None: as `Model.evaluate`, the
            labelled test images where there are any.
        out: The atlas's folder. A stopped one is continued, a finished one is opened. None: a temporary folder, which lasts as
            long as the atlas.
        parts: Number of parts; None: suggested.
        parts_of: The folder of another atlas of the model, whose parts these images get, with their names and edits; None: the
            parts are found in these images.
        seed: Seed of all draws.
        progress: See `Progress`; counts images.

    Raises:
        S3NError: The images or the folder cannot be used.
    """
    opened = model if isinstance(model, Model) else load_model(model)
    return opened.find_parts(data, split=split, out=out, parts=parts, parts_of=parts_of, seed=seed, progress=progress)


def figure(
    inspection: Inspection,
    *,
    panels: str | Sequence[str] = "sheet",
    annotation: Annotation | None = None,
    contributions: Contributions | None = None,
) -> Image.Image:
    """Draw what a network saw in an image.

    Args:
        inspection: From `Model.inspect`.
        panels: "sheet": the labelled sheet with all panels; several names: a sheet of these; one name: that panel alone.
        annotation: The image's box and key points to draw (`ImageRecord.annotation`); peaks outside the box get a mark.
        contributions: Those of the image (`Model.contributions`), for the panel "contributions".

    Returns:
        RGB pixels, as `s3n export` writes them. ``info`` says what the metadata of an exported figure say: image, program, model,
        sampling, and the licence of the model's weights if it must be told.

    Raises:
        ValueError: There is no such panel, and the message lists them; or "contributions" are missing.
    """
    from s3n_core.export.figures.figure_style import FigureStyle
    from s3n_core.export.figures.figures import panel_figure, sheet_figure
    from s3n_core.export.figures.panels import PANELS, check_panels
    from s3n_core.export.figures.sheet import origin_of
    from s3n_core.inspection.contribution_view import contribution_view

    box = None if annotation is None else annotation.box
    shown = None if contributions is None else contribution_view(contributions, box)
    style = FigureStyle()
    if isinstance(panels, str) and panels != "sheet":
        (panel,) = check_panels((_known(panels, tuple(PANELS), "panel"),))
        drawn = panel_figure(inspection, panel, style, annotation=annotation, contributions=shown)
    else:
        if not isinstance(panels, str):
            style = FigureStyle(panels=check_panels(tuple(_known(panel, tuple(PANELS), "panel") for panel in panels)))
        drawn = sheet_figure(inspection, style, annotation=annotation, contributions=shown)
    drawn.info.update({name: text for name, text in origin_of(inspection).items() if text})
    return drawn


def _prepared(
    data: str | PathLike[str] | DataSet,
    recipe: str,
    name: str | None,
    device: str,
    settings: Mapping[str, Any],
    progress: Progress,
) -> Run:
    from s3n_core.datasets.assignment import open_assigned
    from s3n_core.datasets.left_out import without_left_out
    from s3n_core.datasets.range_finding import FINDING
    from s3n_core.runs.locations import runs_root
    from s3n_core.training.preparing import new_run
    from s3n_core.training.recipes import find_recipe

    chosen = find_recipe(recipe).changed(settings)
    data_set = data if isinstance(data, DataSet) else open_assigned(typed_path(data))
    shown = None if callable(progress) else progress  # a function counts batches only
    with progress_bar(FINDING, shown, late=True) as bar:
        run = new_run(runs_root(), without_left_out(data_set), chosen, name=name, device=device, progress=bar)
    return Run(run.path)


@contextmanager
def _unchanged_random_state() -> Iterator[None]:
    """Leave the global generators of torch and NumPy, and torch's threads, as they are: a training seeds and sets them."""
    import numpy as np
    import torch

    threads, numbers = torch.get_num_threads(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        np.random.set_state(numbers)
        torch.set_num_threads(threads)


@contextmanager
def _stopping_on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl+C call ``stop`` and the second interrupt; only the main thread can be asked to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def handle(number: int, frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _known(name: Any, names: Sequence[Any], what: str) -> Any:
    """Return a name that there is, or None for None.

    Raises:
        ValueError: There is none; the message names the nearest one and all.
    """
    if name is None or name in names:
        return name
    near = get_close_matches(str(name), [str(one) for one in names], n=1)
    hint = f" did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"there is no {what} {name!r};{hint} choose one of {', '.join(map(str, names))}")
