"""Formulas of the protocols with interventions, on hand-made cases with known answers."""

import numpy as np
import pytest

from s3n_core.parts.truth.intervention_measures import (
    THRESHOLDS,
    best_threshold,
    completeness,
    densities,
    dilated,
    distractibility,
    important,
    irrelevant,
    masses,
    premise_holds,
    rank_correlation,
    ranks,
    read_at_cells,
    single_deletion,
    spread,
    sufficiency,
    target_sensitivity,
)


def mask(*rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_a_mask_grows_by_two_pixels_in_all_directions_and_stays_in_the_picture() -> None:
    dot = np.zeros((7, 8), dtype=bool)
    dot[3, 4] = dot[0, 0] = True
    expected = np.zeros((7, 8), dtype=bool)
    expected[1:6, 2:7] = expected[:3, :3] = True
    assert np.array_equal(dilated(dot), expected)
    assert dot.sum() == 2  # the argument is as it was
    assert np.array_equal(dilated(dot, 1), dot)


def test_the_importance_of_a_region_is_the_sum_in_its_mask_or_the_mean() -> None:
    picture = np.array([[1.0, 2.0], [-4.0, 8.0]])
    masks = [mask("##", ".."), mask("#.", "#."), mask("..", "..")]
    assert masses(picture, masks).tolist() == [3, -3, 0]
    assert densities(picture, masks).tolist() == [1.5, -1.5, 0]


def test_importances_are_spread_over_masks_that_may_overlap() -> None:
    masks = [mask("##", ".."), mask(".#", ".#"), mask("..", "..")]
    assert spread(np.array([2.0, -4.0, 9.0]), masks).tolist() == [[1, -1], [0, -2]]


def test_cells_see_the_mean_of_their_pixels() -> None:
    picture = np.arange(8.0).reshape(2, 4)
    pixels, cells = np.array([0, 1, 4, 5, 2, 6]), np.array([0, 0, 0, 0, 1, 1])  # the last column belongs to no cell
    assert read_at_cells(picture, pixels, cells).tolist() == [[2.5, 2.5, 4, 0], [2.5, 2.5, 4, 0]]


def test_there_are_eighty_thresholds_and_importance_must_exceed_them() -> None:
    assert (len(THRESHOLDS), THRESHOLDS[0], THRESHOLDS[-1]) == (80, 0.01, 0.5)
    found = important(np.array([5.0, 2.5, 1.0]), 10.0, np.array([0.1, 0.25, 0.5]))
    assert found.tolist() == [[True, True, False], [True, False, False], [False, False, False]]


def test_the_best_sufficient_set_counts() -> None:
    sets = [np.array([True, True, False, False]), np.array([False, True, True, True])]
    parts = np.array([[True, True, False, False], [False, True, True, False], [False, False, False, False]])
    assert sufficiency(parts, sets) == pytest.approx([1, 2 / 3, 0])


def test_a_region_is_irrelevant_below_five_percent_or_if_its_removal_raises_the_logit() -> None:
    without = np.array([10.0, 9.51, 9.5, 2.0, 12.0])
    assert irrelevant(10.0, without).tolist() == [True, True, False, False, True]


def test_distractibility_counts_irrelevant_regions_that_are_important() -> None:
    regions = np.array([[True, True, True, False], [False, True, False, False]])
    assert distractibility(regions, np.array([True, False, True, True])) == pytest.approx([1 / 3, 1])
    assert distractibility(regions, np.zeros(4, dtype=bool)) is None


def test_ranks_and_their_correlation() -> None:
    assert ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [2.5, 1, 2.5, 4]
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 100.0, 1000.0])) == pytest.approx(1)
    # Without ties: 1 - 6 (0 + 1 + 1) / (3 (9 - 1)).
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])) == pytest.approx(0.5)
    # Ranks 1.5, 1.5, 3 and 1, 2, 3: covariance 1.5, variances 1.5 and 2.
    assert rank_correlation(np.array([0.0, 0.0, 7.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(1.5 / np.sqrt(3))
    assert rank_correlation(np.ones(3), np.arange(3.0)) is None


def test_single_deletion_is_half_without_a_relation() -> None:
    drops = np.array([3.0, 2.0, 1.0, 0.0])
    assert single_deletion(drops * 2, drops) == pytest.approx(1)
    assert single_deletion(-drops, drops) == pytest.approx(0)
    assert single_deletion(np.array([1.0, 4.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0, 3.0])) == pytest.approx(0.6)
    assert single_deletion(np.ones(4), drops) is None
    assert single_deletion(drops, np.zeros(4)) is None


@pytest.mark.parametrize(
    ("without_first", "without_second", "holds"),
    [
        ((1, 4), (3, 2), True),
        ((3, 4), (1, 2), False),  # the first class loses more without the other's parts
        ((1, 2), (3, 4), False),
        ((3, 4), (3, 2), False),
    ],
)
def test_the_premise_is_that_each_class_loses_more_without_its_own_parts(
    without_first: tuple[float, float], without_second: tuple[float, float], holds: bool
) -> None:
    assert premise_holds(without_first, without_second) is holds


def test_each_comparison_between_two_classes_counts_by_itself() -> None:
    assert target_sensitivity((5, 1), (2, 4)) == 1
    assert target_sensitivity((5, 4), (2, 3)) == 0.5
    assert target_sensitivity((1, 4), (2, 3)) == 0
    assert target_sensitivity((2, 2), (2, 2)) == 0  # a map that does not depend on the class


def test_the_threshold_weighs_distractibility_as_much_as_the_other_three_together() -> None:
    csdc, pc, dc = np.array([0.9, 0.6, 0.3]), np.array([0.9, 0.6, 0.3]), np.array([0.9, 0.6, 0.3])
    assert best_threshold(csdc, pc, dc, np.array([0.1, 0.5, 0.7])) == 1
    assert best_threshold(csdc, pc, dc, np.array([0.1, 0.4, 0.7])) == 0  # the first of equals


def test_completeness_weighs_distractibility_as_much_and_leaves_out_what_does_not_apply() -> None:
    nan = np.nan
    values = np.array([[1.0, 1.0, 0.0, 0.4], [nan, 0.0, 0.0, 0.6], [0.5, 1.0, 1.0, nan]])
    # Means 0.75, 2/3, 1/3 and 0.5.
    assert completeness(values) == pytest.approx((1.75 / 3 + 0.5) / 2)
    assert completeness(np.stack([values, np.ones((3, 4))])) == pytest.approx([(1.75 / 3 + 0.5) / 2, 1])
    assert np.isnan(completeness(values[1:2]))
