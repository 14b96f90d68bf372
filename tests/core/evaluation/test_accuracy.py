"""Accuracy, confusion and coverage on hand-counted examples: ties, images without a result, classes without images."""

from __future__ import annotations

import numpy as np
import pytest

from s3n_core.evaluation.accuracy import class_accuracies, mean_recall, table_accuracy
from s3n_core.evaluation.confusion import ConfusionCells, confused_pairs

NOBODY, NAN = -1, float("nan")

# label, predicted, correct, confidence; class 3 is a label that the model does not know.
ROWS = [
    (0, 0, 1, 0.9),
    (0, 1, 0, 0.8),
    (1, 1, 1, 0.8),
    (1, 0, 0, 0.6),
    (1, 1, 1, 0.5),
    (NOBODY, 2, -1, 0.95),
    (3, 0, -1, 0.7),
    (0, NOBODY, -1, NAN),
]


def columns() -> list[np.ndarray]:
    label, predicted, correct, confidence = zip(*ROWS, strict=True)
    return [np.array(label), np.array(predicted), np.array(correct), np.array(confidence)]


def test_only_labelled_images_that_the_model_can_name_count() -> None:
    accuracy = table_accuracy(*columns(), 4)
    assert (accuracy.images, accuracy.predicted, accuracy.counted, accuracy.correct) == (8, 7, 5, 3)
    assert accuracy.top1 == 3 / 5
    assert accuracy.classes.tolist() == [0, 1]
    assert accuracy.confusion.tolist() == [[1, 1], [1, 2]]
    first, second = accuracy.by_class
    assert (first.images, first.correct, first.predicted, first.predictions) == (2, 1, 2, 3)
    assert (first.recall, first.precision) == (1 / 2, 1 / 2)
    assert (second.recall, second.precision) == (2 / 3, 2 / 3)


def test_a_threshold_keeps_equal_confidences_together() -> None:
    coverage = table_accuracy(*columns(), 4).coverage
    assert coverage.at(0.8) == (4 / 8, 2 / 3)
    assert coverage.at(0.81) == (2 / 8, 1.0)
    assert coverage.at(0.94) == (1 / 8, None), "no image above it counts"
    assert coverage.at(0.0) == (7 / 8, 3 / 5), "an image without a prediction is never covered"


def test_classes_without_images_have_no_share() -> None:
    by_class = class_accuracies(ConfusionCells.of_matrix(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]])))
    assert [one.recall for one in by_class] == [0.75, None, 1.0]
    assert [one.precision for one in by_class] == [1.0, 0.0, 1.0]
    assert mean_recall(by_class) == pytest.approx(0.875)


def test_mistakes_are_ordered_by_count_then_share_then_class() -> None:
    label = np.array([0] * 10 + [1] * 4 + [2] * 4)
    predicted = np.array([0] * 7 + [1, 1, 2] + [1, 1, 0, 0] + [2, 2, 1, 1])
    cells = ConfusionCells.of(label, predicted, 3)
    counts = cells.matrix()
    assert counts.tolist() == [[7, 2, 1], [2, 2, 0], [0, 2, 2]]
    assert cells.pairs() == confused_pairs(counts)
    assert (cells.images.tolist(), cells.predictions.tolist()) == ([10, 4, 4], [9, 6, 3])
    assert cells.correct.tolist() == [7, 2, 2]
    pairs = [(pair.label, pair.predicted, pair.count, pair.share) for pair in confused_pairs(counts)]
    assert pairs == [(1, 0, 2, 0.5), (2, 1, 2, 0.5), (0, 1, 2, 0.2), (0, 2, 1, 0.1)]
