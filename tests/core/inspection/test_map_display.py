"""The display of maps: ranges, colour bar labels, palettes."""

import matplotlib
import numpy as np
import pytest

from s3n_core.inspection.geometry import cell_places, largest_magnification
from s3n_core.inspection.map_display import (
    ValueRange,
    coloured,
    magnification_range,
    overlaid,
    palette_colours,
    sampling_map_range,
)
from s3n_core.inspection.number_text import magnification_text, number_text, probability_text
from s3n_core.inspection.palettes import PALETTES, PaletteName, palette_named


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (0.12345, "0.123"), (93.26, "93.3"), (1234.5, "1230"), (0.5, "0.5"), (float("inf"), "∞")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number_text(value) == text


def test_magnifications_have_two_digits() -> None:
    assert [magnification_text(ratio) for ratio in (1.0, 2.345, 12.3, 0.0871)] == ["1", "2.3", "12", "0.087"]


def test_percent_never_rounds_a_doubt_away() -> None:
    texts = [probability_text(share) for share in (1.0, 0.99999, 0.5, 0.00001, 0.0)]
    assert texts == ["100.0 %", "> 99.9 %", "50.0 %", "< 0.1 %", "0.0 %"]


def test_ticks_are_the_ends_and_round_values() -> None:
    assert [text for _, text in ValueRange(0, 1).ticks()] == ["0", "0.25", "0.5", "0.75", "1"]
    assert [text for _, text in ValueRange(0.09, 4.83).ticks()] == ["0.09", "2", "4", "4.83"]
    assert [text for _, text in ValueRange(0.2, 9, "ratio").ticks(2)][0::3] == ["0.2", "9"]
    assert ValueRange(2, 2).ticks() == [(2, "2")]


def test_ranges_are_those_of_the_finite_values() -> None:
    assert ValueRange.of(np.array([np.inf, 1.0, 3.0])) == ValueRange(1, 3)
    assert ValueRange.of(np.array([np.nan, np.inf])) == ValueRange(0.0, 1.0)
    assert ValueRange(0.25, 4, "ratio").share(1.0) == pytest.approx(0.5)
    assert ValueRange(1, 3).share(np.array([np.nan, np.inf, -np.inf])) == pytest.approx([0, 1, 0])
    assert sampling_map_range(np.array([0.09, 1.0]), np.array([2.0])) == ValueRange(0.09, 2.0, "root")


def test_square_root_steps_give_small_values_more_room() -> None:
    limits = ValueRange(1, 5, "root")
    assert limits.share(np.array([0.0, 1.0, 2.0, 5.0, 9.0])) == pytest.approx([0, 0, 0.5, 1, 1])
    between: dict[int, list[str]] = {1: [], 2: ["1"], 4: ["0.5", "1.5", "3"]}
    for most, texts in between.items():
        ticks = ValueRange(0.09, 4.83, "root").ticks(most)
        places = [float(ValueRange(0.09, 4.83, "root").share(value)) for value, _ in ticks]
        assert [text for _, text in ticks] == ["0.09", *texts, "4.83"]
        assert min(np.diff(places)) >= 0.6 / most - 1e-9


def test_the_range_of_magnification_ends_at_the_largest() -> None:
    places = cell_places(31, 31)
    bent, plain = places - 0.5 * np.sin(np.pi * places) / np.pi, places
    limits = magnification_range(bent, plain)
    assert limits.steps == "ratio"
    assert limits.high == largest_magnification(bent)
    assert limits.low < 1


@pytest.mark.parametrize("name", PALETTES)
def test_palettes_grow_evenly_brighter(name: PaletteName) -> None:
    table = palette_colours(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    brightness = table @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(brightness) > -1.0).all()
    assert brightness[-1] - brightness[0] > 150
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1


@pytest.mark.parametrize("name", ["viridis", "magma", "cividis"])
def test_palettes_are_those_of_the_field(name: PaletteName) -> None:
    theirs = matplotlib.colormaps[name](np.arange(256), bytes=True)
    np.testing.assert_array_equal(palette_colours(name), np.asarray(theirs)[:, :3])


def test_the_palette_is_its_own_at_both_ends() -> None:
    np.testing.assert_array_equal(coloured(np.array([0.0, 1.0]), "viridis"), [(68, 1, 84), (253, 231, 36)])


def test_palettes_have_one_name_and_an_old_one_is_still_read() -> None:
    assert palette_named("gray") == palette_named("grey") == "grey"
    with pytest.raises(ValueError, match="colour map must be one of viridis, magma, cividis, grey, not 'jet'"):
        palette_named("jet")


def test_a_map_lies_over_the_grey_image() -> None:
    image, red = np.full((1, 1, 3), (10, 200, 30), dtype=np.uint8), np.full((1, 1, 3), (255, 0, 0), dtype=np.uint8)
    grey = round(0.299 * 10 + 0.587 * 200 + 0.114 * 30)
    np.testing.assert_array_equal(overlaid(image, red, 0.0)[0, 0], [grey] * 3)
    np.testing.assert_array_equal(overlaid(image, red, 1.0)[0, 0], [255, 0, 0])
