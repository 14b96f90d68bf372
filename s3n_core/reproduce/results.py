"""The numbers of a campaign: from the finished cells to the values of each arm, with intervals and differences."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from s3n_core.errors import OutputError
from s3n_core.method.weight_licences import WeightLicence, restriction_of
from s3n_core.models.model_headers import run_origin
from s3n_core.reproduce.answers import read_answers
from s3n_core.reproduce.campaign import (
    ANSWERS,
    PER_IMAGE,
    PLACES,
    TrainingReport,
    cell_folder,
    failure_of,
    is_finished,
    run_folder,
    training_report,
)
from s3n_core.reproduce.experiments import OF_PLACES, Arm, Experiment, Measure, paper_name
from s3n_core.reproduce.planning import Cell, Material, Plan
from s3n_core.reproduce.statistics import (
    Interval,
    adjusted_bounds,
    difference,
    interval,
    table_of,
    too_few_seeds,
)
from s3n_core.system.atomic_files import read_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """What an arm gives on a data set.

    Attributes:
        arm: The arm.
        data: The data set's name.
        images: Number of measured images.
        seeds: Number of seeds of which all parts are finished.
        missing: Keys of its cells that are not finished.
        failures: Why cells failed, each reason once.
        not_learned: Training images that could not be read in one of its trainings, and why, by name.
        computed: How its finished trainings were computed (`TrainingReport.how`), by their keys, as far as it is known.
        values: By measure, in [0, 1]: the mean over images and seeds with its interval.
        predictions: By measure of places of how many predictions, each an image with a seed, it is the mean: fewer than
            ``images`` x ``seeds`` where images have no box, or for the hit rate no peak.
        ranges: Measures of which ``values`` has the range over seeds instead, because an earlier version measured them, which did
            not store them per image.
        paper: By measure the paper's number, in percent.
        full_over: The paired difference in the joint prediction between the arm that others are compared with and this one; None
            for that arm itself and where no seeds are common.
        over_seeds: Number of seeds in these differences: those that both have finished.
        loss_over: The same for the log loss, this arm minus that one, so that above zero is better for that one, too.
        lower: The lower bound of ``full_over``, adjusted for the number of controls; None outside a family.
    """

    arm: Arm
    data: str
    images: int
    seeds: int
    missing: frozenset[str]
    failures: tuple[str, ...] = ()
    not_learned: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[Measure, Interval] = field(default_factory=dict)
    predictions: Mapping[Measure, int] = field(default_factory=dict)
    ranges: frozenset[Measure] = frozenset()
    paper: Mapping[Measure, float] = field(default_factory=dict)
    full_over: Interval | None = None
    loss_over: Interval | None = None
    over_seeds: int = 0
    lower: float | None = None


@dataclass(frozen=True, slots=True)
class _Measured:
    """The finished seeds of an arm.

    Attributes:
        answers: By column of the answers, seed and image.
        places: By place measure and seed, over all images.
        boxed: Number of images by seed over which ``places`` are.
        per_image: By name in ``PER_IMAGE``, seed and image; NaN where an image has no peaks. Empty if a seed lacks them.
    """

    answers: Mapping[str, Mapping[int, Mapping[str, float]]]
    places: Mapping[Measure, Mapping[int, float]]
    boxed: Mapping[int, int]
    per_image: Mapping[str, Mapping[int, Mapping[str, float]]]


# By measure of places, what would be reached without looking: the row's title and the name in `PER_IMAGE`.
_WITHOUT_LOOKING: Mapping[Measure, tuple[tuple[str, str], ...]] = {
    "hit_rate": (("another image's peaks", "others"), ("the centre", "centre"), ("random points", "random")),
    "localized": (("a central box, of any class", "central_box"),),
}


def restrictions_of(plan: Plan, experiment: Experiment, out: Path) -> tuple[WeightLicence, ...]:
    """Return the licences of the weights with which an experiment's finished trainings began, as far as they must be told of."""
    by_seed = (plan.cells_of[(experiment.key, arm.title, of.name)] for arm in experiment.arms for of in plan.materials)
    cells = (cell for seeds in by_seed for of_seed in seeds for cell in of_seed)
    runs = dict.fromkeys(run_folder(out, cell) for cell in cells if is_finished(out, cell))
    found = (restriction_of(run_origin(run)) for run in runs)
    return tuple(dict.fromkeys(licence for licence in found if licence is not None))


def results_of(plan: Plan, experiment: Experiment, out: Path) -> list[ArmResult]:
    """Return the results of an experiment, data set by data set, arm by arm; arms without a finished seed have no values."""
    return [result for material in plan.materials for result in _of_material(plan, experiment, material, out)]


def decides(experiment: Experiment, results: list[ArmResult]) -> bool:
    """Whether the compared arm is better than every control: each adjusted lower bound is above zero, on every data set.

    Never before all trainings are finished, of at least ``FEWEST_SEEDS`` seeds: whoever looks after each of them would otherwise
    stop at the best moment.
    """
    controls = [result for result in results if result.arm.title != experiment.compared]
    above = all(result.lower is not None and result.lower > 0 for result in controls)
    return bool(controls) and not why_no_verdict(results) and above


def missing_trainings(results: list[ArmResult]) -> int:
    """Return the number of trainings that are not finished; one that several arms share counts once."""
    return len({key for result in results for key in result.missing})


def why_no_verdict(results: list[ArmResult]) -> str:
    """Say what is missing for a verdict, trainings or seeds, as a clause; "" if nothing is."""
    if missing := missing_trainings(results):
        return f"{missing:,} training{' is' if missing == 1 else 's are'} missing"
    return too_few_seeds(min(result.seeds for result in results))


def _of_material(plan: Plan, experiment: Experiment, material: Material, out: Path) -> list[ArmResult]:
    measured: dict[str, _Measured] = {}
    reports: dict[str, dict[str, TrainingReport]] = {}
    found: dict[str, tuple[int, frozenset[str], tuple[str, ...]]] = {}
    for arm in experiment.arms:
        by_seed = plan.cells_of[(experiment.key, arm.title, material.name)]
        whole = {seed: cells for seed, cells in enumerate(by_seed) if all(is_finished(out, cell) for cell in cells)}
        cells = [cell for of_seed in by_seed for cell in of_seed]
        reports[arm.title] = {cell.network: training_report(out, cell) for cell in cells}
        reasons = dict.fromkeys(failure_of(out, cell) for cell in cells)
        found[arm.title] = (
            len(whole),
            frozenset(cell.key for cell in cells if not is_finished(out, cell)),
            tuple(reason for reason in reasons if reason),
        )
        measured[arm.title] = _read(whole, out)
    compared = experiment.compared
    views = {arm.title: arm.views for arm in experiment.arms}
    lower: Mapping[str, float] = {}
    if experiment.family:
        lower = adjusted_bounds(compared, {title: _joint(measured[title], views[title]) for title in measured})
    results = []
    for arm in experiment.arms:
        seeds, missing, failures = found[arm.title]
        of_arm = measured[arm.title]
        values: dict[Measure, Interval] = {}
        predictions: dict[Measure, int] = {}
        ranges: set[Measure] = set()
        for measure in experiment.measures:
            if measure in OF_PLACES:
                if (over_images := _over_images(of_arm, measure)) is not None:
                    values[measure], predictions[measure] = over_images
                elif numbers := list(of_arm.places.get(measure, {}).values()):
                    values[measure] = Interval(sum(numbers) / len(numbers), min(numbers), max(numbers))
                    predictions[measure] = sum(of_arm.boxed.values())
                    ranges.add(measure)
            elif right := of_arm.answers.get(f"{measure}/{arm.views}"):
                values[measure] = interval(table_of(right))
        joint = _joint(of_arm, arm.views)
        own = arm.title != compared and compared in measured
        reference = _joint(measured[compared], views[compared]) if own else {}
        results.append(
            ArmResult(
                arm=arm,
                data=material.name,
                images=table_of(joint).shape[1] if joint else 0,
                seeds=seeds,
                missing=missing,
                failures=failures,
                not_learned={
                    name: reason
                    for report in reports[arm.title].values()
                    for name, reason in report.not_learned.items()
                },
                computed={key: report.how for key, report in reports[arm.title].items() if report.how},
                values=values,
                predictions=predictions,
                ranges=frozenset(ranges),
                paper=arm.paper.get(paper_name(material.whole.title), {}),
                full_over=difference(reference, joint) if own else None,
                loss_over=difference(
                    of_arm.answers.get(f"joint/{arm.views}/loss", {}),
                    measured[compared].answers.get(f"joint/{views[compared]}/loss", {}),
                )
                if own
                else None,
                over_seeds=len(reference.keys() & joint.keys()),
                lower=lower.get(arm.title),
            )
        )
    if not experiment.family and compared in measured:
        images = next(result.images for result in results if result.arm.title == compared)
        results += _without_looking(experiment, material, measured[compared], images)
    return results


def _over_images(measured: _Measured, name: str) -> tuple[Interval, int] | None:
    """Return the mean of a value of ``PER_IMAGE`` with its interval, and of how many predictions it is.

    None if it is not stored, or no image has it.
    """
    by_seed = measured.per_image.get(name, {})
    if not by_seed:
        return None
    values = table_of(by_seed)
    number = int(np.count_nonzero(~np.isnan(values)))
    return (interval(values), number) if number else None


def _without_looking(experiment: Experiment, material: Material, measured: _Measured, images: int) -> list[ArmResult]:
    """Return rows of what the measures of places are without looking, on the ``images`` that the compared arm was measured on."""
    rows = []
    for measure, baselines in _WITHOUT_LOOKING.items():
        for title, name in baselines if measure in experiment.measures else ():
            if (found := _over_images(measured, name)) is not None:
                value, number = found
                rows.append(
                    ArmResult(
                        arm=Arm(title=title),
                        data=material.name,
                        images=images,
                        seeds=len(measured.per_image[name]),
                        missing=frozenset(),
                        values={measure: value},
                        predictions={measure: number},
                    )
                )
    return rows


def _joint(measured: _Measured, views: int) -> Mapping[int, Mapping[str, float]]:
    return measured.answers.get(f"joint/{views}", {})


def _read(whole: Mapping[int, tuple[Cell, ...]], out: Path) -> _Measured:
    answers: dict[str, dict[int, dict[str, float]]] = {}
    places: dict[Measure, dict[int, float]] = {}
    per_image: dict[str, dict[int, dict[str, float]]] = {}
    boxed: dict[int, int] = {}
    whole_files = True
    for seed, cells in whole.items():
        weighted: dict[Measure, list[tuple[float, float]]] = {}
        for cell in cells:
            folder = cell_folder(out, cell)
            try:
                for column, images in read_answers(folder / ANSWERS).items():
                    answers.setdefault(column, {}).setdefault(seed, {}).update(images)
                if (folder / PLACES).is_file():
                    looked = json.loads(read_bytes(folder / PLACES))
                    for name in OF_PLACES:
                        weighted.setdefault(name, []).append((float(looked[name]), float(looked["images"])))
                    boxed[seed] = boxed.get(seed, 0) + int(looked["images"])
                    whole_files = whole_files and "per_image" in looked
                    for image, values in looked.get("per_image", {}).items():
                        for value in PER_IMAGE:
                            number = math.nan if values[value] is None else float(values[value])
                            per_image.setdefault(value, {}).setdefault(seed, {})[image] = number
            except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
                raise OutputError(f"The results in {folder} are damaged ({error}); delete this folder.") from error
        for name, pairs in weighted.items():
            places.setdefault(name, {})[seed] = sum(v * n for v, n in pairs) / sum(n for _, n in pairs)
    return _Measured(answers, places, boxed, per_image if whole_files else {})
