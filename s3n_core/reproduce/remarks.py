"""What stands below a table of a campaign: what differs from the paper, what is not finished, and what was left out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from s3n_core.method.backbones import imagenet_place
from s3n_core.method.weight_files import HASH_IN_NAME
from s3n_core.method.weight_licences import WeightLicence
from s3n_core.reproduce.experiments import MEASURE_TITLES, Experiment, Measure
from s3n_core.reproduce.planning import Plan
from s3n_core.reproduce.results import ArmResult, missing_trainings
from s3n_core.runs.model_paths import file_sha256
from s3n_core.system.typed_paths import typed_path
from s3n_core.training.recipe import Recipe
from s3n_core.training.recipes import find_recipe

# Images and classes of the paper's data sets, by the title of their format.
_PAPER_SETS = {"CUB-200-2011": (11_788, 200), "FGVC-Aircraft 2013b": (10_000, 100), "Stanford Cars": (16_185, 196)}

# Settings in which a campaign always differs, or which do not matter for the result; the weights are compared by their file.
_NOT_COMPARED = frozenset(
    {"validation", "probes", "patience", "checkpoint_minutes", "split_seed", "seed", "weights", "compile"}
)


def remarks(plan: Plan, experiment: Experiment, results: list[ArmResult], told: Sequence[WeightLicence]) -> list[str]:
    """Return the sentences below a table.

    Args:
        plan: The campaign.
        experiment: The table's experiment.
        results: Its results so far.
        told: Licences that must be told of.
    """
    said = []
    paper = find_recipe("paper").model_dump(mode="json", exclude={"name", "about", "sources"})
    ours = plan.recipe.model_dump(mode="json", exclude={"name", "about", "sources"})
    changed = [
        f"{key} {_said(value)} (paper: {_said(paper_value)})" for key, value, paper_value in _differences(ours, paper)
    ]
    changed += _other_weights(plan.recipe)
    said.append(
        f"Recipe {plan.recipe.name}; "
        + (f"it differs from the paper's: {', '.join(changed)}." if changed else "the paper's.")
    )
    said.append(
        "All training images are learned from, official validation images too, and the last epoch is measured: no image is used "
        "to choose it."
    )
    folds = {len(material.parts) for material in plan.materials}
    if any(material.divisions for material in plan.materials):
        said.append(
            f"Repeated cross-validation: each seed divides all labelled images, test images too, anew into {max(folds)} folds."
        )
    elif folds != {1}:
        said.append(f"Cross-validation with {max(folds)} folds of the training images; test images were not used.")
    for material in plan.materials:
        images, classes = len(material.whole.records), len(material.whole.classes)
        if _PAPER_SETS.get(material.whole.title) != (images, classes):
            said.append(
                f"{material.name} is not the paper's data set: {images:,} images of {classes} classes. The paper's numbers "
                "are for orientation only."
            )
    said += [
        f"{result.arm.title}: {result.arm.note}."
        for result in results
        if result.arm.note and result.data == results[0].data
    ]
    said += _other_compute(plan, experiment)
    if missing := missing_trainings(results):
        said.append(f"{missing} trainings are not finished; numbers so far are of the finished seeds.")
    said += _not_measured(results) + _not_learned(results) + _computed_differently(results)
    reasons = dict.fromkeys(reason for result in results for reason in result.failures)
    said += [f"A training failed: {reason}" for reason in reasons]
    said += [licence.notice for licence in told]
    return said


def _other_compute(plan: Plan, experiment: Experiment) -> list[str]:
    """Say how much compute the trainings of controls take, if it is not that of the arm that they are compared with.

    So it is with O alone, whose three times as many epochs are for an O that costs as much as D or C, where O reads the image at
    another size.
    """
    if not experiment.family:
        return []
    material = plan.materials[0].name
    costs = {
        arm.title: sum(cell.cost for cell in plan.cells_of[(experiment.key, arm.title, material)][0])
        for arm in experiment.arms
        if arm.answered == "none"  # else it is not trained
    }
    ours = costs.get(experiment.compared, 0.0)
    return [
        f"{title}: trained with {cost / ours:.2g} times the compute of {experiment.compared}."
        for title, cost in costs.items()
        if ours and not math.isclose(cost, ours)
    ]


def _not_measured(results: list[ArmResult]) -> list[str]:
    """Say of how many predictions the measures of places are, if not of all."""
    rows: dict[tuple[str, Measure, int, int], list[str]] = {}
    for result in results:
        predictions = result.images * result.seeds
        for measure, measured in result.predictions.items():
            if measured < predictions:
                rows.setdefault((result.data, measure, measured, predictions), []).append(result.arm.title)
    return [
        f"{data}: {MEASURE_TITLES[measure]} of {measured:,} of {predictions:,} predictions, each an image with a seed: "
        f"{predictions - measured:,} {'has' if predictions - measured == 1 else 'have'} no box"
        f"{' or no peak' if measure == 'hit_rate' else ''} ({', '.join(titles)})."
        for (data, measure, measured, predictions), titles in rows.items()
    ]


def _not_learned(results: list[ArmResult]) -> list[str]:
    """Say which training images could not be read, of each data set."""
    said = []
    for data in dict.fromkeys(result.data for result in results):
        of_data = [result for result in results if result.data == data]
        if found := {name: reason for result in of_data for name, reason in result.not_learned.items()}:
            name, reason = min(found.items())
            those = "1 training image" if len(found) == 1 else f"{len(found):,} training images"
            were = "was" if len(found) == 1 else "were"
            said.append(
                f"{data}: {those} could not be read and {were} not learned from; the first is {name} ({reason})."
            )
    return said


def _computed_differently(results: list[ArmResult]) -> list[str]:
    """Say of trainings in how many precisions and on how many kinds of device they were computed, if not in one."""
    known = {key: how for result in results for key, how in result.computed.items()}
    counts = Counter(known.values())
    if len(counts) < 2 and not any(", then " in how for how in counts):
        return []
    those = "; ".join(f"{number:,} in {how}" for how, number in counts.most_common())
    return [f"The trainings were not all computed in the same way: {those}."]


def _differences(
    ours: dict[str, object], paper: dict[str, object], prefix: str = ""
) -> list[tuple[str, object, object]]:
    found: list[tuple[str, object, object]] = []
    for key, value in ours.items():
        if key in _NOT_COMPARED:
            continue
        other = paper.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            found += _differences(value, other, f"{key}.")
        elif value != other:
            found.append((prefix + key, value, other))
    return found


def _other_weights(recipe: Recipe) -> list[str]:
    """Say from which weights the backbone starts, if it is not known that they are the published ones of ImageNet."""
    if recipe.weights == "imagenet":
        return []
    if recipe.weights == "none":
        return ["weights none (paper: imagenet)"]
    file, backbone = typed_path(recipe.weights), recipe.network.backbone
    address, _ = imagenet_place(backbone)
    published = HASH_IN_NAME.search(address)
    if published and file.is_file() and file_sha256(file).startswith(published[1]):
        return []
    return [
        f"weights {file.name} (paper: imagenet; this is not the published file of {backbone}, and its numbers were not compared)"
    ]


def _said(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return "[" + ", ".join(map(_said, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
