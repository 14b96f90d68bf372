"""Class orders of the confusion matrix, and the most confused pairs."""

from __future__ import annotations

import numpy as np
import pytest

from s3n_core.evaluation.confusion import class_order, confused_pairs

COUNTS = np.array(
    [
        [8, 0, 0, 2, 0],
        [0, 5, 0, 0, 0],
        [0, 0, 9, 0, 1],
        [3, 0, 0, 1, 0],
        [0, 0, 1, 0, 0],
    ]
)


def test_pairs_come_by_how_often() -> None:
    pairs = confused_pairs(COUNTS)
    assert [(pair.label, pair.predicted, pair.count) for pair in pairs] == [(3, 0, 3), (0, 3, 2), (4, 2, 1), (2, 4, 1)]
    assert pairs[0].share == pytest.approx(0.75)
    assert pairs[2].share == 1.0, "among equals the larger share first"
    assert confused_pairs(COUNTS, most=1) == pairs[:1]


def test_confused_classes_stand_side_by_side() -> None:
    order = class_order(COUNTS, "confusion").tolist()
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert set(order[:2]) == {0, 3}
    assert set(order[2:4]) == {2, 4}
    assert order[4] == 1, "never confused: last"


def test_groups_join_at_their_nearest_ends() -> None:
    counts = np.diag([5, 5, 5, 5])
    for (row, column), number in {(0, 1): 4, (2, 3): 3, (1, 2): 2}.items():
        counts[row, column] = number
    order = class_order(counts, "confusion").tolist()
    assert order in ([0, 1, 2, 3], [3, 2, 1, 0])


def test_other_orders() -> None:
    assert class_order(COUNTS, "model").tolist() == [0, 1, 2, 3, 4]
    assert class_order(COUNTS, "recall").tolist() == [4, 3, 0, 2, 1]
    empty = np.array([[0, 0], [1, 1]])
    assert class_order(empty, "recall").tolist() == [1, 0], "a class without images comes last"
