"""Preparing a run: from a data set and a recipe to a folder that defines the training completely."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.loading import Sample
from s3n_core.datasets.range_finding import find_ranges
from s3n_core.datasets.records import DataSet, comparable_classes, readable_name
from s3n_core.datasets.splits import read_split, split_validation, write_split
from s3n_core.datasets.transforms import Augmentation, Interpolation, Preprocess
from s3n_core.datasets.validation_images import validation_fingerprint
from s3n_core.datasets.value_ranges import NO_RANGES, ValueRanges
from s3n_core.errors import DataSetError, DataSetNotFound, ModelFileError, ModelNotFound, RecipeError, RunError
from s3n_core.method.configuration import RANGES_FILE_VERSION, TIMM, ModelHeader, NetworkConfig
from s3n_core.models.model_headers import read_header
from s3n_core.models.seen_images import SeenImages
from s3n_core.runs.job_weights import JobWeights, job_weights
from s3n_core.runs.locations import checked_run_name, new_run_name
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.typed_paths import typed_path
from s3n_core.training.changed_data import name_below, used_fingerprint
from s3n_core.training.recipe import Recipe, recipe_from
from s3n_core.training.single_images import require_batches
from s3n_core.version import __version__


@dataclass(frozen=True)
class Plan:
    """The definition of a training, as stored in the run's folder.

    Attributes:
        recipe: The recipe.
        classes: Class names.
        training: Training images.
        validation: Validation images, which choose the best epoch; may be empty.
        device: The requested device.
        root: The data set's folder.
        data_set: The data set's name.
        format: How its folder is read.
        interpolation: How the pretrained weights expect images to be resized.
        ranges: Of values of more than 8 bits in the training images.
        range_warnings: Sentences about validation and test images whose values do not suit the ranges.
        job_weights: Initial weights that came with the run from another machine; None: those that the recipe names.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    device: str
    root: Path
    data_set: str
    format: str = "auto"
    interpolation: Interpolation = "bilinear"
    ranges: ValueRanges = NO_RANGES
    range_warnings: tuple[str, ...] = ()
    job_weights: JobWeights | None = None

    @property
    def weights(self) -> str:
        """Source of the backbone's initial weights: "none", "imagenet" or a file."""
        return self.recipe.weights if self.job_weights is None else str(self.job_weights.file)

    @property
    def network(self) -> NetworkConfig:
        """Configuration of the network."""
        return NetworkConfig(num_classes=len(self.classes), **self.recipe.network.model_dump())

    @property
    def preprocess(self) -> Preprocess:
        """Preprocessing of an image to the network's input."""
        choices = self.recipe.network
        return Preprocess(
            input_size=choices.input_size,
            source_size=choices.source_size,
            resize=self.recipe.resize,
            interpolation=self.interpolation,
            integer_range=self.ranges.integers,
            float_range=self.ranges.floats,
        )

    @property
    def augmentation(self) -> Augmentation:
        """Augmentation of the training views."""
        return Augmentation(crop_scale=self.recipe.crop_scale, flip=self.recipe.flip)


def new_run(
    root: Path,
    data_set: DataSet,
    recipe: Recipe,
    *,
    name: str | None = None,
    device: str = "auto",
    processes: int = 1,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunDirectory:
    """Create the folder of a new run in the runs folder, if the pretrained weights that the recipe needs are there.

    Args:
        root: The runs folder.
        data_set: The data set to train on.
        recipe: The recipe.
        name: The run's name; None: the data set's name and a number.
        device: The device to train on.
        processes: The number of processes that will share each batch.
        tell: As in `prepare_run`.
        progress: As in `prepare_run`.

    Returns:
        The run, ready for `Trainer`.

    Raises:
        RunError: If the chosen name is taken or not valid.
        WeightsMissing: The pretrained weights are not on this machine.
        S3NError: As `prepare_run`.
    """
    chosen = None if name is None else root / checked_run_name(name)
    if recipe.weights == "imagenet":
        from s3n_core.method.weight_files import require_weights  # loads torch

        # Before the run exists: it must not take the name and never start.
        require_weights(recipe.network.backbone)
    if chosen is not None:
        return prepare_run(chosen, data_set, recipe, device=device, processes=processes, tell=tell, progress=progress)
    content, fill = _definition(data_set, recipe, device, processes, tell, progress)
    before = None
    while True:  # images may have been decoded for minutes, in which another training has begun
        path = root / new_run_name(root, data_set.root.resolve().name)
        try:
            return RunDirectory.create(path, content, fill=fill)
        except RunError:
            if path == before:
                raise
            before = path


def prepare_run(
    path: Path,
    data_set: DataSet,
    recipe: Recipe,
    *,
    device: str = "auto",
    processes: int = 1,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunDirectory:
    """Create a run's folder with recipe, classes, fingerprint, versions, split and the ranges of values.

    Args:
        path: The folder; it must be empty or not exist.
        data_set: The data set to train on.
        recipe: The recipe.
        device: The device to train on.
        processes: The number of processes that will share each batch.
        tell: Called with sentences about images of more than 8 bits, each of which is decoded once here.
        progress: Called while they are decoded, as by `find_ranges`.

    Returns:
        The run, ready for `Trainer`.

    Raises:
        DataSetError: If the data set has no labels, or fewer than two classes with training images.
        RecipeError: If BatchNorm could learn from none of the batches, or the smoothing is too much for the classes.
        RunError: If the folder is in use.
        ModelFileError: If the recipe names a weight file that does not exist.
        OutputError: If the folder cannot be written; it is then removed.
    """
    RunDirectory.require_free(path)  # before the images are decoded
    content, fill = _definition(data_set, recipe, device, processes, tell, progress)
    return RunDirectory.create(path, content, fill=fill)


def _definition(
    data_set: DataSet,
    recipe: Recipe,
    device: str,
    processes: int,
    tell: Callable[[str], None] | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, Any], Callable[[RunDirectory], None]]:
    """Return what `RunDirectory.create` writes: ``run.json``, and the split; arguments and errors as of `prepare_run`."""
    if not data_set.classes:
        raise DataSetError(
            f"{data_set.root} contains images without labels: put the images of each class in a separate folder, or "
            "add list files."
        )
    training, validation = split_validation(
        data_set.records, recipe.validation, recipe.split_seed, by_hand=data_set.by_hand
    )
    present = {record.label for record in training}
    if len(present) < 2:
        raise DataSetError(
            f"{data_set.root} has training images of only {len(present)} class; training needs at least two."
        )
    require_batches(recipe, len(training), processes)
    _require_smoothing(recipe, len(data_set.classes))
    recipe = _with_absolute_weights(recipe)
    interpolation = _interpolation_of(recipe)
    test = [record for record in data_set.records if record.split == "test"]
    others, warnings = {"validation": validation, "test": test}, list[str]()
    ranges = find_ranges(training, tell, progress, others=others, warn=warnings.append)

    def fill(run: RunDirectory) -> None:
        write_split(run.split_csv, train=training, validation=validation, test=test, classes=data_set.classes)

    return (
        {
            "recipe": recipe.model_dump(mode="json"),
            "data": {
                "root": str(data_set.root.resolve()),
                "name": readable_name(data_set.root.resolve().name),
                "format": data_set.format,
                "title": data_set.title,
                "fingerprint": data_set.fingerprint(),
                "used_fingerprint": used_fingerprint(data_set, (*training, *validation)),
                # By their names, which are the same on another machine and however the folder was written.
                "left_out": [[name_below(data_set.root, p.path), p.reason] for p in data_set.problems],
            },
            **({} if interpolation == "bilinear" else {"interpolation": interpolation}),
            **({"value_ranges": to_json(ranges)} if ranges else {}),
            **({"value_warnings": warnings} if warnings else {}),
            "classes": list(data_set.classes),
            "validation_images": validation_fingerprint(
                (record.name, data_set.classes[record.label]) for record in validation if record.label is not None
            ),
            "seed": recipe.seed,
            "device": device,
            "versions": versions(),
        },
        fill,
    )


def _require_smoothing(recipe: Recipe, classes: int) -> None:
    """Make sure that label smoothing leaves an image's own class at least as much as each of the others.

    Raises:
        RecipeError: It is too much for the number of classes.
    """
    if recipe.smoothing * classes / (classes - 1) > 1:  # as the objective computes it
        most = 1 - 1 / classes
        raise RecipeError(
            f"A smoothing of {recipe.smoothing:g} is too much for {classes} classes: an image's own class would count less than "
            f"each of the others. Use at most {math.floor(100 * most) / 100:g}; 0.1 is usual."
        )


def read_plan(run: RunDirectory) -> Plan:
    """Read the plan from a run's folder.

    Raises:
        RunError: If the folder is damaged.
        DataSetError: If the split file is damaged or the data set's folder does not exist.
        RecipeError: If the recipe is not valid.
    """
    content = run.read_run()
    try:
        root = Path(content["data"]["root"])
        classes = comparable_classes(str(name) for name in content["classes"])
        recipe = recipe_from(content["recipe"])
        device, name = str(content["device"]), str(content["data"]["name"])
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.run_json} is damaged ({error} is missing); start a new run.") from error
    try:
        ranges = from_json(ValueRanges, content.get("value_ranges", {}))
    except ValueError as error:
        raise RunError(f"{run.run_json} is damaged (value_ranges: {error}); start a new run.") from error
    if not root.is_dir():
        raise DataSetNotFound(
            f"The data set of this run, {root}, no longer exists; restore it and resume the run.", path=root
        )
    rows = read_split(run.split_csv)
    wrong = next((row for row in rows if row.part != "test" and row.label not in range(len(classes))), None)
    if wrong is not None:
        raise RunError(
            f"{run.split_csv} is damaged: the class of {wrong.name} is not a class of this run; start a new run."
        )
    if not any(row.part == "train" for row in rows):
        raise RunError(f"{run.split_csv} is damaged: it lists no training images; start a new run.")

    def samples(part: str) -> tuple[Sample, ...]:
        return tuple(
            Sample(path=root / row.name, name=row.name, label=row.label, banner=banner_of(root / row.name))
            for row in rows
            if row.part == part
        )

    return Plan(
        recipe,
        classes,
        samples("train"),
        samples("validation"),
        device,
        root,
        name,
        str(content["data"].get("format", "auto")),
        "bicubic" if content.get("interpolation") == "bicubic" else "bilinear",
        ranges,
        tuple(str(sentence) for sentence in content.get("value_warnings", ())),
        job_weights(run.path, content),
    )


def model_header(
    plan: Plan, network: NetworkConfig, *, epoch: int, best_accuracy: float | None, seen: SeenImages | None = None
) -> ModelHeader:
    """Return the header for a model file of this run.

    Args:
        plan: The run's plan.
        network: The configuration of its network, with what was measured of it.
        epoch: Number of epochs trained.
        best_accuracy: Best validation accuracy so far, in [0, 1]; None if there is none.
        seen: The images that it has seen; None where that is not known (yet).
    """
    return ModelHeader(
        network=network,
        classes=plan.classes,
        preprocess=plan.preprocess.to_dict(),
        file_version=RANGES_FILE_VERSION if plan.ranges else 1,
        recipe=plan.recipe.name,
        data_set=plan.data_set,
        epoch=epoch,
        metrics={} if best_accuracy is None else {"best_validation_accuracy": best_accuracy},
        versions=versions(),
        images={} if seen is None else seen.to_header(),
    )


def _with_absolute_weights(recipe: Recipe) -> Recipe:
    """Make a recipe's weight file path absolute: a run may be resumed from another working directory."""
    if recipe.weights in ("none", "imagenet"):
        return recipe
    file = typed_path(recipe.weights).resolve()
    if not file.is_file():
        raise ModelNotFound(f"There is no weight file {file}; choose another file, imagenet or none.", path=file)
    return recipe.changed({"weights": str(file)})


def _interpolation_of(recipe: Recipe) -> str:
    """Return how the weights of a timm backbone expect images to be resized; "bilinear" for all others.

    A file says it if it is a model of this program; any other is taken for weights as timm has them.
    """
    backbone = recipe.network.backbone
    if not backbone.startswith(TIMM) or recipe.weights == "none":
        return "bilinear"
    from s3n_core.method.timm_backbones import pretrained_facts  # loads torch

    if recipe.weights != "imagenet":
        with contextlib.suppress(ModelFileError):
            return str(read_header(Path(recipe.weights)).preprocess.get("interpolation", "bilinear"))
    return pretrained_facts(backbone).interpolation


def versions() -> dict[str, str]:
    """Return the versions of the program, Python and the packages that results depend on."""
    found: dict[str, Any] = {"s3n-studio": __version__, "python": sys.version.split()[0]}
    for package in ("torch", "torchvision", "numpy", "pillow"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found
