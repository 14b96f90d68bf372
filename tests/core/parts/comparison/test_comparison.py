"""What tells two classes apart, on values whose answer is known."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from s3n_core.parts.comparison.comparison import Comparison
from s3n_core.parts.comparison.measured_images import ClassValues, compare_values

PARTS = [(0, "bill", False), (1, "tail", False), (2, "sky", True)]


def values(contributions: NDArray[np.float64], *, losses: NDArray[np.float64] | None = None) -> ClassValues:
    """Every image a unit of its own; a part is found where it contributes; the last column is the rest."""
    found = contributions != 0
    found[:, -1] = True
    return ClassValues(contributions, found, losses, np.arange(len(contributions)))


def compared(a: ClassValues, b: ClassValues, split: str = "test") -> Comparison:
    parts, rest = compare_values(a, b, PARTS, ["no part"])
    return Comparison(
        a="001.A",
        b="002.B",
        split=split,
        images_a=len(a.units),
        images_b=len(b.units),
        units_a=int(a.units.max()) + 1,
        units_b=int(b.units.max()) + 1,
        margin=float(a.contributions.sum(axis=1).mean() - b.contributions.sum(axis=1).mean()),
        parts=parts,
        rest=rest,
    )


def test_the_parts_and_the_rest_sum_to_the_margin_and_split_exactly() -> None:
    rng = np.random.default_rng(0)
    a, b = (values(rng.normal(size=(12, 4)) * (rng.random((12, 4)) < 0.7)) for _ in range(2))
    found = compared(a, b)
    assert sum(row.contribution for row in found.rows) == pytest.approx(found.margin)
    for row in found.rows:
        assert row.more_often + row.stronger == pytest.approx(row.contribution)
    assert [part.contribution for part in found.parts] == sorted(
        (part.contribution for part in found.parts), reverse=True
    )


def test_seen_more_often_and_stronger_when_seen() -> None:
    """The bill is found in all of A and half of B, always with 2; the tail always in both, with 3 in A and 1 in B."""
    a = np.tile([2.0, 3.0, 0.0, 0.5], (10, 1))
    b = np.tile([2.0, 1.0, 0.0, 0.5], (10, 1))
    b[:5, 0] = 0
    found = {part.name: part for part in compared(values(a), values(b)).parts}
    assert (found["bill"].more_often, found["bill"].stronger) == (pytest.approx(1), pytest.approx(0))
    assert (found["tail"].more_often, found["tail"].stronger) == (pytest.approx(0), pytest.approx(2))
    assert (found["bill"].images_a, found["bill"].images_b) == (10, 5)
    assert (found["sky"].contribution, found["sky"].images_a) == (0, 0)
    # A part that is found in A only: everything is "more often".
    b[:, 0] = 0
    only = next(part for part in compared(values(a), values(b)).parts if part.name == "bill")
    assert (only.more_often, only.stronger) == (pytest.approx(2), pytest.approx(0))


def test_intervals_hold_the_estimate_and_the_first_is_certain_where_it_is_clear() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal((5, 1, 0.1, 0), 0.5, size=(30, 4))
    b = rng.normal((0.5, 0, 0.1, 0), 0.5, size=(30, 4))
    found = compared(values(a), values(b))
    assert [part.name for part in found.parts] == ["bill", "tail", "sky"]
    assert found.parts[0].first == 1
    assert sum(part.first or 0 for part in found.parts) == pytest.approx(1)
    for row, true in zip(found.rows, (4.5, 1, 0, 0), strict=True):
        assert row.interval is not None
        low, high = row.interval
        assert low < row.contribution < high
        assert low - 0.2 < true < high + 0.2
        # The half width of a normal interval for a difference of two means of 30.
        assert (high - low) / 2 == pytest.approx(1.96 * 0.5 * np.sqrt(2 / 30), rel=0.35)


def test_under_ten_units_there_is_no_interval_and_it_is_said() -> None:
    rng = np.random.default_rng(2)
    a, b = values(rng.random((9, 4))), values(rng.random((30, 4)))
    found = compared(a, b)
    assert all(row.interval is None and row.first is None for row in found.rows)
    assert any("No intervals" in sentence for sentence in found.sentences())
    # Near-duplicates are one unit: twelve images of nine birds are too few, too.
    doubled = ClassValues(rng.random((12, 4)), np.ones((12, 4), dtype=bool), None, np.arange(12) % 9)
    found = compared(doubled, b)
    assert found.parts[0].interval is None
    assert any("9 and 30 units" in sentence for sentence in found.sentences())


def test_copies_of_an_image_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(3)
    once, b = rng.random((12, 4)), values(rng.random((12, 4)))
    copies = ClassValues(np.repeat(once, 5, axis=0), np.ones((60, 4), dtype=bool), None, np.repeat(np.arange(12), 5))
    widths = []
    for a in (values(once), copies):
        low, high = compared(a, b).parts[0].interval or (0, 0)
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=1e-6)


def test_relied_on_is_the_loss_and_what_could_not_be_hidden_is_left_out() -> None:
    contributions = np.tile([1.0, 1.0, 0.0, 0.0], (12, 1))
    of_a, of_b = np.tile([2.0, 0.0, 0.0], (12, 1)), np.tile([-1.0, 0.0, 0.0], (12, 1))
    of_a[0] = np.nan
    found = compared(values(contributions, losses=of_a), values(contributions, losses=of_b))
    by_name = {part.name: part for part in found.parts}
    assert by_name["bill"].relied_on == pytest.approx(3)
    assert by_name["bill"].relied_interval == pytest.approx((3, 3))
    assert by_name["tail"].relied_on == pytest.approx(0)
    assert by_name["sky"].relied_on is None  # found nowhere
    assert "95 % intervals above 0): bill." in " ".join(found.sentences())


def test_what_it_relies_on_needs_ten_images_with_room_to_hide_on_each_side() -> None:
    """Images without room for random places count neither as a loss of 0 nor towards the ten."""
    rng = np.random.default_rng(4)
    contributions = np.tile([1.0, 1.0, 0.0, 0.0], (30, 1))

    def losses(known: int, mean: float) -> NDArray[np.float64]:
        found = np.full((30, 3), np.nan)
        found[:known] = rng.normal(mean, 0.5, size=(known, 3))
        return found

    few = compared(values(contributions, losses=losses(4, 2)), values(contributions, losses=losses(4, 0))).parts[0]
    assert few.relied_on is not None
    assert few.relied_interval is None
    assert not few.beats_random
    of_a, of_b = losses(12, 2), losses(30, 0)
    some = {
        part.name: part
        for part in compared(values(contributions, losses=of_a), values(contributions, losses=of_b)).parts
    }
    low, high = some["bill"].relied_interval or (0, 0)
    own = np.nanmean(of_a[:, 0]) - of_b[:, 0].mean()
    assert some["bill"].relied_on == pytest.approx(own)
    assert low < own < high
    assert (high - low) / 2 == pytest.approx(1.96 * 0.5 * np.sqrt(1 / 12 + 1 / 30), rel=0.35)


def test_the_ranking_for_programs_has_exactly_its_fields() -> None:
    found = compared(values(np.ones((3, 4))), values(np.full((3, 4), 0.5)))
    ranking = json.loads(json.dumps(found.to_dict()))
    assert list(ranking) == ["a", "b", "margin", "parts"]
    assert list(ranking["parts"][0]) == [
        "part",
        "name",
        "contribution",
        "relied_on",
        "low",
        "high",
        "images_a",
        "images_b",
    ]
    rows = found.cells()
    assert rows[-2][0] == "no part"
    assert rows[-1][:2] == ["sum = margin", f"{found.margin:+.2f}"]
