"""The plan of a campaign: which trainings its experiments need, each once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from s3n_core.datasets.assignment import open_assigned
from s3n_core.datasets.content_hashes import content_hash
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import without_left_out
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError
from s3n_core.method.configuration import Control
from s3n_core.reproduce.answers import measured_records
from s3n_core.reproduce.experiments import Arm, Experiment, Reading
from s3n_core.reproduce.folds import write_folds
from s3n_core.training.recipe import Recipe

# What an experiment never varies: all training images are learned from, and the last epoch is measured, so that no result is
# chosen by looking at it.
_COMMON: Mapping[str, Any] = {"validation": 0.0, "probes": 0, "patience": None}
_WITHOUT_EFFECT = ("name", "about", "sources", "checkpoint_minutes", "split_seed", "compile")  # on the trained weights
# No effect either, but part of the names of cells since the first campaigns, always with this value.
_NAMED_AS: Mapping[str, Any] = {"probes": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A data set of a campaign.

    Attributes:
        name: Its name in tables: that of its folder.
        whole: The data set.
        parts: What is trained and measured on: itself, or its folds.
        divisions: By seed the folds, where every seed divides all images anew; ``parts`` are then those of the first seed. Else
            empty.
    """

    name: str
    whole: DataSet
    parts: tuple[DataSet, ...]
    divisions: tuple[tuple[DataSet, ...], ...] = ()

    def parts_of(self, seed: int) -> tuple[DataSet, ...]:
        """Return what is trained and measured on with a seed."""
        return self.divisions[seed] if self.divisions else self.parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A training of one network with one seed, and its measurement.

    Attributes:
        key: Its name, from everything that determines the result, of the images their names, classes, splits and file sizes
            (`DataSet.fingerprint`); equal cells of several experiments are one, which saves
            snapshots, and has the readings, that one of them wants.
        network: The key of the cell whose training it measures: its own, unless it only answers with other peaks.
        answered: With which peaks the network answers; "none": with those that it was trained with.
        data: The data set, or a fold of it.
        recipe: The recipe, with the seed.
        cost: Its compute, in epochs times passes through the backbone times training images.
        readings: What is read of its test besides the answers.
    """

    key: str
    network: str
    answered: Control = "none"
    data: DataSet
    recipe: Recipe
    cost: float
    readings: frozenset[Reading] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign.

    Attributes:
        experiments: The experiments.
        materials: The data sets.
        recipe: The recipe that arms change.
        seeds: Number of seeds, from 0.
        cells: All trainings, each once; all arms of the first seed come before the second.
        cells_of: The cells of an arm on a data set: (experiment, arm's title, data set's name) -> by seed its parts.
    """

    experiments: tuple[Experiment, ...]
    materials: tuple[Material, ...]
    recipe: Recipe
    seeds: int
    cells: tuple[Cell, ...]
    cells_of: Mapping[tuple[str, str, str], tuple[tuple[Cell, ...], ...]]


def open_materials(paths: Sequence[Path], out: Path, folds: int, *, divisions: int = 0) -> list[Material]:
    """Open the data sets of a campaign, each with its saved assignment and without the images left out of training by hand.

    Their official validation images are training images here, as no image chooses an epoch.

    Args:
        paths: Their folders.
        out: The campaign's folder, which holds the folds.
        folds: Number of folds of the training part; 0: the official test split is measured.
        divisions: Number of seeds, each of which divides all labelled images into folds, test images too; 0: the training part is
            divided, for all seeds in the same way.

    Raises:
        DataSetError: One cannot be read, or has no labelled test images and no folds are asked for; or two have the same name.
    """
    left_out = without_left_out if divisions else _without_left_out  # every image of a division is learned from
    wholes = {path: _with_all_learned_from(left_out(open_assigned(path))) for path in paths}
    _require_different_names({path: path.resolve().name for path in paths})
    if folds:  # which are written under the name of the folder that holds the images
        _require_different_names({path: whole.root.resolve().name for path, whole in wholes.items()})
    return [_material(path, whole, out, folds, divisions) for path, whole in wholes.items()]


def _material(path: Path, whole: DataSet, out: Path, folds: int, divisions: int) -> Material:
    def opened(division: int | None) -> tuple[DataSet, ...]:
        written = write_folds(whole, out / "folds", folds, division=division)
        return tuple(open_data_set(folder, linked=whole) for folder in written)

    name = path.resolve().name
    if divisions:
        by_seed = tuple(opened(seed) for seed in range(divisions))
        return Material(name=name, whole=whole, parts=by_seed[0], divisions=by_seed)
    if not folds and not measured_records(whole):
        raise DataSetError(f"{path} has no labelled test images to measure on; use --folds 5 for cross-validation.")
    return Material(name=name, whole=whole, parts=opened(None) if folds else (whole,))


def _require_different_names(names: Mapping[Path, str]) -> None:
    paths: dict[str, Path] = {}
    for path, name in names.items():
        if (other := paths.setdefault(name, path)) is not path:
            raise DataSetError(
                f"{other} and {path} have the same name, {name}, by which tables and folds tell data sets apart; give one of "
                "them another folder name."
            )


def _without_left_out(data_set: DataSet) -> DataSet:
    """Return the data set without the images left out by hand of those for training; all for testing stay."""
    others = tuple(record for record in data_set.records if record.split != "test")
    learned = without_left_out(replace(data_set, records=others))
    kept = {record.name for record in learned.records}
    records = tuple(record for record in data_set.records if record.split == "test" or record.name in kept)
    return replace(learned, records=records)


def _with_all_learned_from(data_set: DataSet) -> DataSet:
    """Return the data set with its validation images among those for training; without any, it is the same."""
    records = tuple(replace(record, split="train") if record.split == "val" else record for record in data_set.records)
    return replace(data_set, records=records)


def plan_campaign(experiments: Sequence[Experiment], materials: Sequence[Material], recipe: Recipe, seeds: int) -> Plan:
    """Plan a campaign.

    Raises:
        RecipeError: An arm's setting does not fit the recipe.
    """
    cells: dict[str, Cell] = {}
    keys_of: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
    readings: dict[str, frozenset[Reading]] = {}
    fingerprints = {
        id(part): part.fingerprint()
        for material in materials
        for parts in material.divisions or (material.parts,)
        for part in parts
    }
    for seed in range(seeds):
        for experiment in experiments:
            for arm in experiment.arms:
                trained = recipe_of(arm, recipe, seed)
                for material in materials:
                    own = []
                    for part in material.parts_of(seed):
                        cell = _cell(part, fingerprints[id(part)], trained)
                        if cell.recipe.probes >= cells.setdefault(cell.key, cell).recipe.probes:
                            cells[cell.key] = cell
                        if arm.answered == "none":
                            readings[cell.key] = readings.get(cell.key, frozenset()) | _readings(experiment, part)
                        else:
                            cell = _answered(cell, arm.answered)
                            cells.setdefault(cell.key, cell)
                        own.append(cell.key)
                    keys_of.setdefault((experiment.key, arm.title, material.name), []).append(tuple(own))
    cells = {key: replace(cell, readings=readings.get(key, frozenset())) for key, cell in cells.items()}
    return Plan(
        tuple(experiments), tuple(materials), recipe, seeds, tuple(cells.values()),
        {arm: tuple(tuple(cells[key] for key in keys) for keys in by_seed) for arm, by_seed in keys_of.items()},
    )  # fmt: skip


def _readings(experiment: Experiment, data: DataSet) -> frozenset[Reading]:
    boxed = any(record.box is not None for record in measured_records(data))
    return experiment.readings if boxed else experiment.readings - {"places", "peaks"}


def recipe_of(arm: Arm, recipe: Recipe, seed: int) -> Recipe:
    """Return the recipe of an arm with a seed.

    Raises:
        RecipeError: A setting of the arm does not fit.
    """
    length: dict[str, Any] = {"epochs": recipe.epochs * arm.length}
    if recipe.schedule == "step":
        length["step_epochs"] = [epoch * arm.length for epoch in recipe.step_epochs]
    if arm.warm_up:
        first = max(round(recipe.epochs * arm.length * arm.warm_up), 1)
        length["phases"] = [{"epochs": first, "sampling": "all"}]
    return recipe.changed({**length, **_COMMON, **arm.settings, "seed": seed})


def _cell(data: DataSet, fingerprint: str, recipe: Recipe) -> Cell:
    # Without what is at its default, so that an option that a later version adds, off, does not train everything anew.
    fields = recipe.model_dump(mode="json", exclude=set(_WITHOUT_EFFECT), exclude_defaults=True)
    if (file := Path(recipe.weights)).is_file():  # the same weights on another machine lie elsewhere
        fields["weights"] = content_hash(file)
    named = json.dumps({"data": fingerprint, **fields, **_NAMED_AS}, sort_keys=True)
    digest = hashlib.blake2b(named.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    name = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in data.root.name
    )
    images = sum(record.split in ("train", None) and record.label is not None for record in data.records)
    network = recipe.network
    others = 0 if network.branches == "O" else len({"D", "C"} & set(network.joined))
    passes = others + (network.original_size / network.input_size) ** 2  # of D's and C's size
    key = f"{name}-{digest}-s{recipe.seed}"
    return Cell(key=key, network=key, data=data, recipe=recipe, cost=float(recipe.epochs * passes * images))


def _answered(cell: Cell, control: Control) -> Cell:
    """Return the cell that measures the network of another with other peaks; it trains nothing."""
    # Three views of the measured images; a pass of a prediction costs about a third of one of a training.
    cost = float(len(cell.recipe.network.joined) * len(measured_records(cell.data)))
    return replace(cell, key=f"{cell.key}-by-{control.replace('_', '-')}", answered=control, cost=cost)
