"""CSV tables of an evaluation for spreadsheets: accuracy, figures per class, and the confusion matrix.

`own_folders.is_own_table` knows them by their columns, so that they are never read as labels.
"""

from __future__ import annotations

from pathlib import Path

from s3n_core.evaluation.cascade import CascadePoint
from s3n_core.evaluation.confusion import MOST_MATRIX_CLASSES
from s3n_core.evaluation.intervals import wilson_interval
from s3n_core.evaluation.result import Evaluation
from s3n_core.method.weight_licences import column_of
from s3n_core.models.seen_images import SEEN
from s3n_core.system.atomic_files import write_text
from s3n_core.system.csv_tables import csv_text

FAST_MODE = "fast mode"
"""Name of the prediction in fast mode, in the table of accuracies."""

_NONE = (None, None)


def write_evaluation_tables(
    evaluation: Evaluation,
    folder: Path,
    stem: str = "evaluation",
    *,
    stop_below: float | None = None,
    excel: bool = False,
) -> tuple[Path, ...]:
    """Write every table of an evaluation.

    Args:
        evaluation: The figures.
        folder: An existing folder.
        stem: Prefix of the file names.
        stop_below: As of `accuracy_csv`; the other tables are of the whole network.
        excel: Write them for Excel, see `csv_tables`.

    Returns:
        The files: ``STEM_accuracy.csv``, ``STEM_by_class.csv``, ``STEM_confusion.csv``.

    Raises:
        OutputError: A file cannot be written.
        ValueError: Fast mode was not measured (``Evaluation.cascade``).
    """
    tables = (
        accuracy_csv(evaluation, stop_below=stop_below, excel=excel),
        by_class_csv(evaluation, excel=excel),
        confusion_csv(evaluation, excel=excel),
    )
    paths = table_paths(folder, stem)
    for path, table in zip(paths, tables, strict=True):
        write_text(path, table)
    return paths


def table_paths(folder: Path, stem: str = "evaluation") -> tuple[Path, ...]:
    """Return the files of `write_evaluation_tables`."""
    return tuple(folder / f"{stem}_{name}.csv" for name in ("accuracy", "by_class", "confusion"))


def accuracy_csv(evaluation: Evaluation, *, stop_below: float | None = None, excel: bool = False) -> str:
    """Return the top-1 and top-5 accuracy, in [0, 1], of the joint prediction and of each branch, one per line.

    Then come the ends of their 95 % intervals, and, the same in every line: how many images the model has seen (a column for each
    value of the predictions' column ``seen``, in images), and mode, precision and model as in a table of predictions. The last
    column is the licence of the weights that the model began with, if a person must be told.

    Args:
        evaluation: The figures.
        stop_below: Add a line `FAST_MODE` with the top-1 accuracy if images with entropy H (nats) up to this value stop after O
            (top-5 is not measured). Two more columns are ``stop_below``, empty in all other lines, and ``passes``, the mean
            number of backbone passes per image, empty for a branch alone.
        excel: Write it for Excel, see `csv_tables`.

    Raises:
        ValueError: Fast mode was not measured (``Evaluation.cascade``).
    """
    seen = tuple(getattr(evaluation.seen, word) for word in SEEN)
    made, licence = (evaluation.mode, evaluation.precision, evaluation.model), _licence(evaluation)
    rows: list[list[object]] = []
    for row in evaluation.accuracies:
        shares = (row.top1_share, row.top5_share, *row.top1_interval, *row.top5_interval)
        rows.append([row.name, row.images, row.top1, row.top5, *map(_share, shares), *seen, *made])
    if stop_below is not None:
        if evaluation.cascade is None:
            raise ValueError("fast mode was not measured; evaluate with cascade=True")
        whole, fast = evaluation.cascade.at(None), evaluation.cascade.at(stop_below)
        ends = wilson_interval(fast.right, fast.images)
        found = (FAST_MODE, fast.images, fast.right, None, *map(_share, (fast.top1, None, *ends, *_NONE)))
        first, *others = rows
        rows = [[*first, None, _passes(whole)], *([*row, None, None] for row in others)]
        rows.append([*found, *seen, *made, stop_below, _passes(fast)])
    header = ("prediction", "images", "top1_images", "top5_images", "top1", "top5")
    intervals = ("top1_low", "top1_high", "top5_low", "top5_high")
    extra = () if stop_below is None else ("stop_below", "passes")
    names = (*header, *intervals, *(f"seen_{word}" for word in SEEN), "mode", "precision", "model", *extra, *licence)
    return csv_text(names, ((*row, *licence.values()) for row in rows), excel=excel)


def by_class_csv(evaluation: Evaluation, *, excel: bool = False) -> str:
    """Return the joint prediction's figures for each class.

    Columns: class, images, correct, recall (correct over images of the class; empty without images), predicted (images
    predicted as the class), precision (correct over predicted; empty if none), the class that it is most often
    confused with, with the number of images, and the ends of the 95 % intervals of recall and precision. Then, the same in
    every line: which prediction this is, mode, precision and model as in a table of predictions (``network_precision``, as
    ``precision`` is that of a class), and the licence as in `accuracy_csv`.
    """
    licence = _licence(evaluation)
    made = (evaluation.accuracies[0].name, evaluation.mode, evaluation.precision, evaluation.model, *licence.values())
    rows = []
    wrong = evaluation.cells.mistakes()
    worst: dict[int, tuple[int, int]] = {}
    for label, other, count in zip(wrong.label.tolist(), wrong.predicted.tolist(), wrong.count.tolist(), strict=True):
        if count > worst.get(label, (0, 0))[1]:
            worst[label] = other, count
    for name, row in zip(evaluation.classes, evaluation.by_class(), strict=True):
        other, times = worst.get(row.index, (0, 0))
        most_taken_for = evaluation.classes[other] if times else ""
        shares = _share(row.recall), row.predicted, _share(row.precision)
        ends = (*(row.recall_interval or _NONE), *(row.precision_interval or _NONE))
        rows.append((name, row.images, row.correct, *shares, most_taken_for, times, *map(_share, ends), *made))
    header = ("class", "images", "correct", "recall", "predicted", "precision", "most_taken_for", "times")
    intervals = ("recall_low", "recall_high", "precision_low", "precision_high")
    last = ("prediction", "mode", "network_precision", "model", *licence)
    return csv_text((*header, *intervals, *last), rows, excel=excel)


def confusion_csv(evaluation: Evaluation, *, excel: bool = False) -> str:
    """Return the confusion matrix in images: one row per true class, one column per predicted class.

    With more than `MOST_MATRIX_CLASSES` classes: one row per pair that occurs, with true class, predicted class and images.
    Nothing else stands in it, so that it is read as a matrix; the table of accuracies says how it was made.
    """
    classes, cells = evaluation.classes, evaluation.cells
    if len(classes) > MOST_MATRIX_CLASSES:
        pairs = zip(cells.label.tolist(), cells.predicted.tolist(), cells.count.tolist(), strict=True)
        listed = [(classes[label], classes[predicted], count) for label, predicted, count in pairs]
        return csv_text(("true class", "predicted", "images"), listed, excel=excel)
    header = ("true class \\ predicted", *evaluation.classes)
    rows = [(name, *counts) for name, counts in zip(evaluation.classes, evaluation.confusion.tolist(), strict=True)]
    return csv_text(header, rows, excel=excel)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.6f}"


def _passes(point: CascadePoint) -> str:
    return f"{point.passes:.6g}"


def _licence(evaluation: Evaluation) -> dict[str, str]:
    return column_of([] if evaluation.licence is None else [evaluation.licence])
