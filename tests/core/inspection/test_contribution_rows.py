"""Contributions in original pixels: painting them and dividing them, on cells drawn by hand."""

import math

import numpy as np
import pytest

from s3n_core.datasets.records import Box
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.placed_contributions import Contributions, class_index

VALUES = np.array([[1.0, 2.0], [3.0, -4.0]], dtype=np.float32)


def peak(x: float, y: float) -> Peak:
    return Peak(x=x, y=y, cell=(0, 0), found_at=(0, 0), response=1.0, zeta=None, set="D", weight_d=1.0, weight_c=0.0)


def even(values: np.ndarray, box: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return places and corners of undeformed cells in a box of the original (x0, y0, x1, y1)."""
    rows, columns = values.shape
    x, y = np.linspace(box[0], box[2], columns + 1), np.linspace(box[1], box[3], rows + 1)
    corners = np.stack(np.meshgrid(x, y), axis=-1)
    places = np.stack(np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2), axis=-1)
    return places.astype(np.float32), corners.astype(np.float32)


def drawn(*peaks: Peak, bias: float = 0.5, size: tuple[int, int] = (100, 100), **branches: np.ndarray) -> Contributions:
    """Return contributions whose cells lie undeformed in the whole image."""
    branches = branches or {"O": VALUES}
    placed = {branch: even(values, (0, 0, *size)) for branch, values in branches.items()}
    return Contributions(
        name="bird",
        head="joint",
        target=1,
        versus=0,
        values=branches,
        places={branch: places for branch, (places, _) in placed.items()},
        corners={branch: corners for branch, (_, corners) in placed.items()},
        bias=bias,
        peaks=peaks,
        image_size=size,
        classes=("wren", "robin"),
        model="birds",
        model_digest="0" * 16,
        precision="float32",
    )


@pytest.mark.parametrize("size", [None, 7, 64, 640, (30, 50), (1, 1)])
def test_a_picture_sums_to_the_margin_at_every_size(size: int | tuple[int, int] | None) -> None:
    found = drawn(size=(90, 60), D=VALUES, C=2 * VALUES)
    picture = found.picture(size)
    shape = {None: (60, 90), 7: (5, 7), 64: (43, 64), 640: (427, 640)}.get(size) or size[::-1]  # type: ignore[call-overload, index]
    assert picture.shape == shape
    assert picture.sum() + found.bias == pytest.approx(found.total, abs=1e-9)
    assert found.total == pytest.approx(0.5 + 2 + 4)
    assert dict(found.by_branch) == pytest.approx({"D": 2.0, "C": 4.0})


def test_a_cell_is_painted_evenly_over_its_quadrilateral() -> None:
    picture = drawn().picture()
    expected = np.kron(VALUES / 2500, np.ones((50, 50)))
    np.testing.assert_allclose(picture, expected, atol=1e-12)


def test_a_cell_without_area_is_painted_on_the_pixel_of_its_place() -> None:
    corners = np.array([[[0, 0], [0, 0], [40, 0]], [[0, 40], [0, 40], [40, 40]]], dtype=np.float32)
    places = np.array([[[0, 20], [20, 20]]], dtype=np.float32)
    values = {"C": np.array([[5.0, 16.0]], dtype=np.float32)}
    flat = Contributions(**{**vars(drawn()), "values": values, "places": {"C": places}, "corners": {"C": corners}})
    picture = flat.picture()
    assert picture[20, 0] == pytest.approx(5 + 0.01)
    assert picture[:40, :40].sum() == pytest.approx(21)
    assert np.count_nonzero(picture) == 1600


def test_a_peak_owns_what_is_near_and_nearest_to_it() -> None:
    found = drawn(peak(25, 25), peak(75, 25), peak(77, 25))
    *peaks, rest, bias = found.rows()
    assert [row.label for row in peaks] == ["peak 1", "peak 2", "peak 3"]
    disc = math.pi * 100 / 2500
    assert peaks[0].total == pytest.approx(disc * 1, rel=0.02)
    assert peaks[1].total == pytest.approx(peaks[2].total, rel=0.1)  # halves of nearly one disc
    assert peaks[1].total + peaks[2].total == pytest.approx(2 * (disc + 20 * 2 / 2500), rel=0.02)
    assert rest.kind == "elsewhere"
    assert (bias.kind, bias.total, bias.place) == ("bias", 0.5, None)
    assert sum(row.total for row in found.rows()) == pytest.approx(found.total, abs=1e-9)
    assert peaks[0].place == (25, 25)


def test_near_is_a_tenth_of_the_longer_side() -> None:
    ones = np.ones((1, 1), dtype=np.float32)
    first, *_ = drawn(peak(100, 50), size=(200, 100), O=ones).rows()
    assert first.total == pytest.approx(math.pi * 20**2 / 20000, rel=0.02)


def test_the_rest_is_divided_by_the_box() -> None:
    box = Box(x=0, y=0, width=50, height=100)
    first, elsewhere, outside, bias = drawn(peak(50, 25), O=VALUES).rows(box=box)
    half = math.pi * 50 / 2500
    assert first.total == pytest.approx(half * (1 + 2), rel=0.03)
    assert first.outside == pytest.approx(half * 2, rel=0.05)  # the peak's own, beyond the box
    assert elsewhere.total == pytest.approx(1 + 3 - half, rel=0.03)
    assert elsewhere.outside == 0
    assert outside.label == "outside the object"
    assert outside.total == outside.outside == pytest.approx(2 - 4 - 2 * half, rel=0.03)
    assert first.total + elsewhere.total + outside.total + bias.total == pytest.approx(2.5)
    assert all(row.outside is None for row in drawn(peak(50, 25)).rows())


def test_parts_own_their_cells_and_no_cell_is_counted_twice() -> None:
    found = drawn(peak(25, 25), O=VALUES, D=10 * VALUES)
    parts = {"O": np.array([[4, -1], [0, 0]]), "D": np.array([[-1, 4], [-1, -1]])}
    first, fifth, rest, bias = found.rows(parts=parts)
    assert [(row.kind, row.index, row.label) for row in (first, fifth, rest)] == [
        ("part", 0, "part 1"),
        ("part", 4, "part 5"),
        ("elsewhere", None, "elsewhere"),
    ]
    assert dict(first.branches) == pytest.approx({"O": -1.0, "D": 0.0})
    assert dict(fifth.branches) == pytest.approx({"O": 1.0, "D": 20.0})
    assert rest.total == pytest.approx(2 + 10 + 30 - 40)
    assert first.total + fifth.total + rest.total + bias.total == pytest.approx(found.total)


def test_shares_are_of_the_absolute_totals_and_files_hold_logits() -> None:
    found = drawn(bias=-1.0, O=np.array([[6.0, -3.0]], dtype=np.float32))
    rows = found.rows(parts={"O": np.array([[0, 1]])})
    assert [row.share for row in rows] == pytest.approx([0.6, -0.3, 0.0, -0.1])
    written = found.to_dict()
    assert (written["total"], written["bias"], written["branches"]) == (2.0, -1.0, {"O": 3.0})
    assert written["target"] == {"index": 1, "class": "robin"}
    assert [row["contribution"] for row in written["rows"]] == pytest.approx([3.0, -1.0])
    assert "share" not in written["rows"][0]


@pytest.mark.parametrize(
    ("wanted", "message"), [("robbin", "did you mean 'robin'"), (2, "0 to 1"), (-1, "no class -1")]
)
def test_an_unknown_class_is_named(wanted: str | int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        class_index(("wren", "robin"), wanted)
    assert class_index(("wren", "robin"), "robin") == class_index(("wren", "robin"), 1) == 1
