"""Every place of the program that reads an accuracy, and that it is shown with its 95 % interval.

The source is walked: a function that reads an accuracy either turns it into text by one of the functions of
`s3n_core.evaluation.intervals` (or a property that does), or stands in ``NOT_SHOWN`` with the reason why nobody reads
the number there. A new place that shows one in another way is found by either test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FIELD = re.compile(
    r"(best|mean_class|validation|training|test)_accuracy|(top1|top5)(_share)?|recall|mean_recall|localized\w*"
    r"|(\w+_)?accuracy_(joint|[ODC]|mean|top5)?"
)
"""Names of attributes, variables and keys that hold an accuracy."""
INTERVAL = re.compile(
    r"(run_)?accuracy_text|accuracy_share_text|wilson_interval|interval_of_share|\w+_interval|interval"
)
"""What gives an accuracy its interval."""
TEXT = re.compile(
    r"accuracy_text|accuracy_share_text|mean_accuracy_text|(top1|top5|recall|precision|share)_text|(run)?_?accuracy_text"
)
"""What turns an accuracy into text."""
PERCENT = re.compile(r"_?percent(_text)?|probability_text|number_text|format|str")
"""What turns any other share into text."""

NOT_SHOWN = {
    "s3n_core.commands.run_figures.epoch_lines": "chooses keys; _accuracy makes the text",
    "s3n_core.commands.run_figures.every_figure": "chooses keys; _accuracy makes the text",
    "s3n_core.datasets.validation_images.other_validation": "asks whether there is one",
    "s3n_core.evaluation.accuracy.Accuracy.top1_share": "computes it",
    "s3n_core.evaluation.accuracy.Accuracy.top5_share": "computes it",
    "s3n_core.evaluation.accuracy.mean_recall": "computes it",
    "s3n_core.evaluation.confusion.class_order": "the name of an order",
    "s3n_core.evaluation.counting.EvaluationCounts.result": "counts correct images",
    "s3n_core.evaluation.hit_rates._count": "counts images",
    "s3n_core.evaluation.hit_rates._places_in": "hands it on for one image",
    "s3n_core.evaluation.hit_rates.summary_of": "computes it",
    "s3n_core.evaluation.result.Evaluation.top1": "hands it on as a number; interval stands beside it",
    "s3n_core.evaluation.result.Evaluation.mean_class_accuracy": "hands it on as a number; mean_class_interval stands beside it",
    "s3n_core.evaluation.result.Evaluation.figures": "numbers for a log",
    "s3n_core.export.run_snapshots.RunSnapshots.accuracy": "reads it with its number of images",
    "s3n_core.reproduce.rendering.plot": "draws each value with its interval as a line",
    "s3n_core.training.checkpoint_writer.CheckpointWriter.checkpoint": "stores it",
    "s3n_core.training.loop.TrainingLoop._improve": "compares it",
    "s3n_core.training.measurements.loss_sums": "sums correct images",
    "s3n_core.training.preparing.model_header": "stores it",
    "s3n_core.training.run.Run.best_accuracy": "hands it on as a number; best_interval stands beside it",
    "s3n_core.training.run_control.RunControl.write": "stores it",
    "s3n_core.training.training_progress.TrainingProgress.improve": "compares it",
    "s3n_core.training.training_progress.TrainingProgress.ended": "stores it",
    "s3n_gui.prediction.accuracy.class_table.ClassModel._arrange": "sorts by it",
    "s3n_gui.prediction.fast_mode.plot.FastModePlot.place_of": "places a point; _draw_curve draws the interval around it",
    "s3n_gui.training.curves.charts.Chart.shows_accuracy": "asks whether there is one",
    "s3n_gui.training.sentences._main_accuracy": "chooses them; _accuracy and result_sentence make the texts",
}
"""Functions that read an accuracy, but make no text of it, and what they do."""


def named(node: ast.AST, pattern: re.Pattern[str]) -> bool:
    """Return whether a node is a name, an attribute or a key that matches a pattern."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return bool(pattern.fullmatch(name))
    return False


def functions(tree: ast.Module, module: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield each function with its dotted name; what stands outside functions counts as the module's or class's."""

    def walk(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}.{child.name}", child
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{name}.{child.name}")

    yield from walk(tree, module)


def reads(function: ast.AST) -> bool:
    """Return whether a function reads an accuracy."""
    written = {id(node) for node in ast.walk(function) if isinstance(getattr(node, "ctx", None), ast.Store)}
    return any(id(node) not in written and named(node, FIELD) for node in ast.walk(function))


def has_text(function: ast.AST) -> bool:
    """Return whether a function gives an accuracy its interval."""
    return any(named(node, TEXT) or named(node, INTERVAL) for node in ast.walk(function))


def accuracy_names(function: ast.AST) -> re.Pattern[str]:
    """Return the names of a function's variables that hold an accuracy, by what is assigned to them."""
    names: set[str] = set()
    for _ in range(3):  # A variable of a variable of a variable is far enough.
        known = re.compile("|".join(map(re.escape, names)) or "(?!)")
        for node in ast.walk(function):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.NamedExpr(target=ast.Name(id=name), value=value)
                ):
                    if holds_accuracy(value, known):
                        names.add(name)
    return re.compile("|".join(map(re.escape, names)) or "(?!)")


def holds_accuracy(node: ast.AST, known: re.Pattern[str]) -> bool:
    """Return whether an expression reads an accuracy other than through a text, a comparison or a condition."""
    match node:
        case ast.Call(func=function) if named(function, TEXT):
            return False
        case ast.Compare():
            return False
        case ast.IfExp(body=body, orelse=orelse):
            return holds_accuracy(body, known) or holds_accuracy(orelse, known)
        case ast.Name(id=name) if known.fullmatch(name):
            return True
    return named(node, FIELD) or any(holds_accuracy(child, known) for child in ast.iter_child_nodes(node))


def other_texts(function: ast.AST) -> list[str]:
    """Return the expressions that turn an accuracy into text without its interval."""
    known = accuracy_names(function)
    found = []
    for node in ast.walk(function):
        match node:
            case ast.FormattedValue(value=value):
                shown = value
            case ast.Call(func=called, args=[value, *_]) if named(called, PERCENT):
                shown = value
            case _:
                continue
        if holds_accuracy(shown, known):
            found.append(ast.unparse(node))
    return found


def faults(source: str, module: str) -> list[str]:
    """Return what a module shows of accuracies without an interval, or reads without being listed."""
    found = []
    for name, function in functions(ast.parse(source), module):
        if not reads(function) or name in NOT_SHOWN:
            continue
        if not has_text(function):
            found.append(f"{name} reads an accuracy, but gives it no interval")
        found += [f"{name} shows {text} without an interval" for text in other_texts(function)]
    return found


@pytest.mark.parametrize("package", ["s3n_core", "s3n_gui"])
def test_every_accuracy_has_its_interval(package: str) -> None:
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        found += faults(path.read_text(encoding="utf-8"), ".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert not found, "use accuracy_text or accuracy_share_text (s3n_core/evaluation/intervals.py): " + "; ".join(found)


def test_the_list_of_places_is_that_of_today() -> None:
    read = set()
    for path in (path for package in ("s3n_core", "s3n_gui") for path in (ROOT / package).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        read |= {
            name for name, function in functions(ast.parse(path.read_text(encoding="utf-8")), module) if reads(function)
        }
    assert not NOT_SHOWN.keys() - read, "these read no accuracy any more"
    assert len(read - NOT_SHOWN.keys()) >= 20


@pytest.mark.parametrize(
    "planted",
    [
        'def line(run): return f"best {100 * run.state.best_accuracy:.1f} %"',
        "def line(run): return percent_text(run.state.best_accuracy)",
        'def line(run):\n    share = run.best_accuracy\n    return "best {:.0%}".format(share)',
        "def line(values): return f\"{values['validation_accuracy_joint']:.3f}\"",
        "def rows(table): return [percent_text(one.recall) for one in table.by_class]",
        # beside a place that has its interval
        'def line(one):\n    share = one.top1_share\n    return f"{accuracy_text(one.top1, one.images)}, {100 * share:.1f} %"',
        'def line(one): return f"{accuracy_text(one.right, one.images)}, top-5 {one.top5_share:.1%}"',
    ],
)
def test_a_new_place_without_an_interval_is_found(planted: str) -> None:
    assert faults(planted, "planted")


def test_a_new_place_with_an_interval_is_not() -> None:
    assert not faults("def line(run, images): return accuracy_share_text(run.state.best_accuracy, images)", "planted")
    assert not faults('def line(one): return f"top-1 {one.top1_text}"', "planted")


def test_the_report_makes_no_percentages_of_accuracies_itself() -> None:
    script = (ROOT / "resources/report/report.js").read_text(encoding="utf-8")
    asked = set(re.findall(r"[^\w ] ?percent\(([\w.]+)\)", script))
    assert asked == {"image.probability", "image.margin", "probability"}
