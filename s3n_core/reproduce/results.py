"""The numbers of a campaign: from the finished cells to the values of each arm, with intervals and differences."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from s3n_core.errors import OutputError
from s3n_core.reproduce.answers import read_answers
from s3n_core.reproduce.campaign import ANSWERS, PLACES, cell_folder, failure_of, is_finished
from s3n_core.reproduce.experiments import OF_PLACES, Arm, Experiment, Measure, paper_name
from s3n_core.reproduce.planning import Cell, Material, Plan
from s3n_core.reproduce.statistics import Interval, difference, holm_lower_bounds, interval, paired, table_of
from s3n_core.system.atomic_files import read_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """What an arm gives on a data set.

    Attributes:
        arm: The arm.
        data: The data set's name.
        images: Number of measured images.
        seeds: Number of seeds of which all parts are finished.
        missing: Cells that are not finished.
        failures: Why cells failed, each reason once.
        values: By measure, in [0, 1]: the mean over images and seeds with its interval; measures of places have the range over
            seeds instead, because they are not stored per image.
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
    missing: int
    failures: tuple[str, ...] = ()
    values: Mapping[Measure, Interval] = field(default_factory=dict)
    paper: Mapping[Measure, float] = field(default_factory=dict)
    full_over: Interval | None = None
    loss_over: Interval | None = None
    over_seeds: int = 0
    lower: float | None = None


@dataclass(frozen=True, slots=True)
class _Measured:
    """The finished seeds of an arm: by column of the answers, seed and image; and by place measure and seed."""

    answers: Mapping[str, Mapping[int, Mapping[str, float]]]
    places: Mapping[Measure, Mapping[int, float]]


def results_of(plan: Plan, experiment: Experiment, out: Path) -> list[ArmResult]:
    """Return the results of an experiment, data set by data set, arm by arm; arms without a finished seed have no values."""
    return [result for material in plan.materials for result in _of_material(plan, experiment, material, out)]


def decides(experiment: Experiment, results: list[ArmResult]) -> bool:
    """Whether the compared arm is better than every control: each adjusted lower bound is above zero, on every data set.

    Never before all trainings are finished: whoever looks after each of them would otherwise stop at the best moment.
    """
    controls = [result for result in results if result.arm.title != experiment.compared]
    above = all(result.lower is not None and result.lower > 0 for result in controls)
    return bool(controls) and not missing_text(results) and above


def missing_text(results: list[ArmResult]) -> str:
    """Say how many trainings are missing for a verdict, as a clause; "" if there are all."""
    missing = sum(result.missing for result in results)
    return f"{missing:,} training{' is' if missing == 1 else 's are'} missing" if missing else ""


def _of_material(plan: Plan, experiment: Experiment, material: Material, out: Path) -> list[ArmResult]:
    measured: dict[str, _Measured] = {}
    found: dict[str, tuple[int, int, tuple[str, ...]]] = {}
    for arm in experiment.arms:
        by_seed = plan.cells_of[(experiment.key, arm.title, material.name)]
        whole = {seed: cells for seed, cells in enumerate(by_seed) if all(is_finished(out, cell) for cell in cells)}
        cells = [cell for of_seed in by_seed for cell in of_seed]
        reasons = dict.fromkeys(failure_of(out, cell) for cell in cells)
        found[arm.title] = (
            len(whole),
            sum(not is_finished(out, cell) for cell in cells),
            tuple(reason for reason in reasons if reason),
        )
        measured[arm.title] = _read(whole, out)
    compared = experiment.compared
    views = {arm.title: arm.views for arm in experiment.arms}
    lower: Mapping[str, float] = {}
    if experiment.family:
        pairs = {
            arm.title: paired(_joint(measured[compared], views[compared]), _joint(measured[arm.title], arm.views))
            for arm in experiment.arms
            if arm.title != compared
        }
        if pairs and all(values is not None for values in pairs.values()):
            lower = holm_lower_bounds({title: values for title, values in pairs.items() if values is not None})
    results = []
    for arm in experiment.arms:
        seeds, missing, failures = found[arm.title]
        of_arm = measured[arm.title]
        values: dict[Measure, Interval] = {}
        for measure in experiment.measures:
            if measure in OF_PLACES:
                numbers = list(of_arm.places.get(measure, {}).values())
                if numbers:
                    values[measure] = Interval(sum(numbers) / len(numbers), min(numbers), max(numbers))
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
                values=values,
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
    return results


def _joint(measured: _Measured, views: int) -> Mapping[int, Mapping[str, float]]:
    return measured.answers.get(f"joint/{views}", {})


def _read(whole: Mapping[int, tuple[Cell, ...]], out: Path) -> _Measured:
    answers: dict[str, dict[int, dict[str, float]]] = {}
    places: dict[Measure, dict[int, float]] = {}
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
            except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
                raise OutputError(f"The results in {folder} are damaged ({error}); delete this folder.") from error
        for name, pairs in weighted.items():
            places.setdefault(name, {})[seed] = sum(v * n for v, n in pairs) / sum(n for _, n in pairs)
    return _Measured(answers, places)
