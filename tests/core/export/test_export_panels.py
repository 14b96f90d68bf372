import numpy as np
import pytest
from drawn_contributions import drawn_contributions
from drawn_inspection import CELLS, drawn_inspection, hot_cell, pixels_of, where_colour

from s3n_core.datasets.records import Annotation, Box, Part
from s3n_core.export.figures import tokens
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import panel_figure, panel_page
from s3n_core.export.figures.panels import PANELS, STANDARD_PANELS, arrange, check_panels
from s3n_core.export.figures.placement import Placement
from s3n_core.export.figures.rasters import Rasters
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.map_display import RESPONSE_RANGE, coloured

STYLE = FigureStyle(dpi=100, single_inches=4)
CROP = (50.0, 40.0, 250.0, 160.0)


@pytest.mark.parametrize("panel", PANELS)
def test_a_single_picture_has_the_size_asked_for(panel):
    inspection = drawn_inspection((300, 200))
    picture = panel_figure(inspection, panel, STYLE, contributions=drawn_contributions({(1, 2): 1.0}))
    assert picture.mode == "RGB"
    assert picture.width == 400
    below = {"response": 21, "map_d": 21, "map_c": 21, "contributions": 28}.get(panel, 0)
    assert abs(picture.height - (267 + below * 100 / 72)) <= 1


@pytest.mark.parametrize("size", [(200, 300), (5, 4), (1, 900), (900, 1), (1, 1)])
def test_any_proportions_can_be_drawn(size):
    style = FigureStyle(dpi=40, single_inches=4)
    for panel in ("peaks", "map_d", "grid_c", "image_d"):
        picture = panel_figure(drawn_inspection(size, peaks=((3, 4, 1.0, 1.0, 0.0),)), panel, style)
        assert max(picture.size) >= 160
        assert min(picture.size) >= 3


@pytest.mark.parametrize("box", [None, CROP])
@pytest.mark.parametrize("cell", [(10, 20), (0, 0), (30, 30), (15, 0)])
def test_a_hot_cell_lights_its_own_place_in_the_original(box, cell):
    inspection = drawn_inspection((300, 200), box, map=hot_cell(*cell))
    rasters = Rasters(inspection, "viridis", 1.0)
    drawn = rasters.draw("response", (900, 600)).astype(int)
    expected = (
        np.array(inspection.response.cell_to_original(*cell)) * 3
    )  # three pixels of the figure per pixel of the original
    from_yellow = np.abs(drawn - coloured(np.array(1.0), "viridis")).sum(axis=-1)
    rows, columns = np.nonzero(from_yellow == from_yellow.min())
    lit = np.stack([columns, rows], axis=-1) + 0.5
    assert from_yellow.min() < 60
    assert np.abs(lit - expected).max(axis=1).min() <= 1
    if min(cell) > 0 and max(cell) < 30:
        assert np.abs(lit.mean(axis=0) - expected).max() <= 1
    pitch = 3 * (inspection.response.source_box[2] - inspection.response.source_box[0]) / 30
    assert np.abs(lit - expected).max() < pitch  # the last cell's value is repeated up to the border only


def test_a_map_is_read_exactly_at_the_views_own_pixels():
    """At one figure pixel per view pixel, the map's corner cells lie on the corner pixels."""
    placement = Placement((64, 64), ViewFrame(box=(0.0, 0.0, 64.0, 64.0), size=64))
    rng = np.random.default_rng(0)
    values = rng.random((64, 64))
    np.testing.assert_allclose(placement.on_picture(values, (64, 64)), values, atol=1e-12)
    small = rng.random((31, 31))
    read = placement.on_picture(small, (64, 64))
    np.testing.assert_allclose(read[[0, 0, -1, -1], [0, -1, 0, -1]], small[[0, 0, -1, -1], [0, -1, 0, -1]], atol=1e-12)


def test_outside_the_view_the_original_is_faded_and_has_no_map():
    inspection = drawn_inspection((300, 200), CROP)
    picture = pixels_of(panel_figure(inspection, "response", STYLE))
    outside = picture[10:40, 10:40]
    assert np.ptp(outside.reshape(-1, 3).mean(axis=0)) < 12  # only grey, no palette colour
    assert outside.mean() < 110  # the plain original is 128
    inside = picture[130, 100:110].mean(axis=0)
    assert np.ptp(inside) > 20


def test_peaks_are_a_disc_and_a_ring_in_their_branches_colours_at_their_places():
    inspection = drawn_inspection((300, 200), peaks=((10, 20, 1.0, 1.0, 0.0), (20, 6, 0.9, 0.0, 1.0)))
    style = FigureStyle(dpi=200, single_inches=6)
    picture = panel_figure(inspection, "peaks", style)
    scale = picture.width / 300
    d, c = (where_colour(picture, tokens.BRANCH_COLOURS[branch]) for branch in "DC")
    for found, peak in ((d, inspection.warps.peaks[0]), (c, inspection.warps.peaks[1])):
        np.testing.assert_allclose(found.mean(axis=0), np.array([peak.x, peak.y]) * scale, atol=0.3)
    centre_d, centre_c = (tuple(int(v * scale) for v in (peak.x, peak.y)) for peak in inspection.warps.peaks)
    pixels = pixels_of(picture)
    np.testing.assert_allclose(pixels[centre_d[1], centre_d[0]], (0xD5, 0x5E, 0x00), atol=3)
    np.testing.assert_allclose(pixels[centre_c[1], centre_c[0]], 128, atol=3)  # the photograph is visible inside a ring
    assert len(where_colour(picture, "#FFFFFF")) > 50  # a white halo makes marks visible on any image


def test_a_marks_size_grows_with_the_response():
    def area(response):
        inspection = drawn_inspection(peaks=((10, 20, response, 1.0, 0.0),))
        return len(where_colour(panel_figure(inspection, "peaks", STYLE), tokens.BRANCH_COLOURS["D"]))

    assert area(1.0) > 1.5 * area(0.5) > 2 * area(0.1)


def test_a_peak_of_both_sets_has_disc_and_ring_and_one_that_is_off_a_grey_cross():
    both = panel_figure(drawn_inspection(peaks=((10, 20, 1.0, 0.6, 0.4),)), "peaks", STYLE)
    assert len(where_colour(both, tokens.BRANCH_COLOURS["D"]))
    assert len(where_colour(both, tokens.BRANCH_COLOURS["C"], within=60))
    off = panel_figure(drawn_inspection(peaks=((10, 20, 1.0, 0.0, 0.0),)), "peaks", FigureStyle(dpi=200))
    assert not len(where_colour(off, tokens.BRANCH_COLOURS["D"]))
    assert not len(where_colour(off, tokens.BRANCH_COLOURS["C"]))
    assert len(where_colour(off, tokens.BRANCH_COLOURS["O"]))


def test_grid_lines_run_through_the_grids_nodes():
    inspection = drawn_inspection((310, 310))
    style = FigureStyle(dpi=300, single_inches=4)
    picture = pixels_of(panel_figure(inspection, "grid_d", style))
    scale = len(picture) / 310
    brightness = picture.sum(axis=-1)
    nodes = inspection.grid_in_original("D") * scale
    x0, x1 = nodes[15, 14:16, 0]
    row = int((nodes[14, 15, 1] + nodes[15, 15, 1]) / 2)
    line = brightness[row, int(x0) - 6 : int(x1) + 7]
    first, last = line[: len(line) // 2], line[len(line) // 2 :]
    assert abs(int(x0) - 6 + first.argmax() + 0.5 - x0) <= 1.5
    assert abs(int(x0) - 6 + len(first) + last.argmax() + 0.5 - x1) <= 1.5
    assert line.min() < 0.8 * line.max()


def test_branch_images_fill_their_frame():
    d = pixels_of(panel_figure(drawn_inspection(), "image_d", STYLE))
    assert (d == (200, 30, 30)).all()
    square_of_wide = drawn_inspection((300, 100), (100.0, 0.0, 200.0, 100.0))
    c = pixels_of(panel_figure(square_of_wide, "image_c", STYLE))
    assert (c[50, 200] == (30, 30, 200)).all()
    assert (c[50, 10] == (0x2A, 0x2D, 0x33)).all()


def test_both_sampling_maps_share_one_range_and_one_bar():
    rasters = Rasters(drawn_inspection(), "viridis", 1.0)
    assert rasters.range_of("map_d") == rasters.range_of("map_c")
    assert rasters.range_of("map_d").low == pytest.approx(0.09)
    assert rasters.range_of("map_d").high == pytest.approx(2.09)
    assert rasters.range_of("response") == RESPONSE_RANGE
    assert rasters.range_of("grid_d") is None


def test_a_weak_map_beside_a_strong_one_is_seen_and_its_numbers_are_true():
    strong, weak = np.full((CELLS, CELLS), 0.09), np.full((CELLS, CELLS), 0.09)
    strong[5, 5], weak[8, 8] = 3.09, 0.21
    rasters = Rasters(drawn_inspection(map_d=strong, map_c=weak), "grey", 1.0)
    limits = rasters.range_of("map_c")
    assert (limits.low, limits.high) == (pytest.approx(0.09), pytest.approx(3.09)), "nothing is cut off"
    assert float(limits.share(np.array(0.21))) == pytest.approx(0.2), "0.04 in even steps: nearly black"
    ticks = limits.ticks()
    places = [float(limits.share(np.array(value))) for value, _ in ticks]
    assert places == sorted(places)
    assert min(np.diff(places)) > 0.1, "the numbers do not touch"
    assert len(ticks) >= 4
    for (value, text), place in zip(ticks, places, strict=True):
        assert float(text) == pytest.approx(value, rel=0.01)
        assert place == pytest.approx(((value - 0.09) / 3.0) ** 0.5, abs=1e-6)


def test_flat_and_broken_maps_are_drawn():
    flat = np.full((CELLS, CELLS), 0.09, dtype=np.float32)
    broken = np.full((CELLS, CELLS), np.nan, dtype=np.float32)
    for values in (flat, broken):
        picture = panel_figure(drawn_inspection(map_d=values, map_c=values), "map_d", STYLE)
        assert picture.width == 400


def test_panels_are_checked_and_arranged_by_branch():
    assert check_panels(["image_d", "peaks", "peaks"]) == ("peaks", "image_d")
    with pytest.raises(ValueError, match="no panel 'nose'"):
        check_panels(["nose"])
    with pytest.raises(ValueError, match="at least one"):
        check_panels([])
    assert arrange(STANDARD_PANELS, "wide", 1.0) == (
        ("peaks", "map_d", "grid_d", "image_d"),
        ("response", "map_c", "grid_c", "image_c"),
    )
    assert arrange(STANDARD_PANELS, "auto", 3.0)[1] == ("map_d", "map_c")
    assert arrange(("peaks", "map_d", "image_d"), "auto", 1.0) == (("peaks", "map_d", "image_d"),)
    assert arrange(PANELS, "wide", 1.0) == (
        ("original", "peaks", "map_d", "grid_d", "image_d"),
        ("contributions", "response", "map_c", "grid_c", "image_c"),
    )
    for count in range(1, 11):
        panels = PANELS[:count]
        for layout in ("wide", "tall", "auto"):
            assert sorted(name for row in arrange(panels, layout, 1.0) for name in row) == sorted(panels)


@pytest.mark.parametrize(
    "wrong",
    [{"dpi": 5}, {"layout": "round"}, {"colour_map": "jet"}, {"opacity": 1.5}, {"panels": ()}, {"single_inches": 0.0}],
)
def test_a_style_says_what_is_wrong_with_it(wrong):
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence differs
        FigureStyle(**wrong)


def test_peaks_outside_the_box_get_an_open_mark() -> None:
    peaks = ((5, 5, 1.0, 1.0, 0.0), (25, 25, 1.0, 1.0, 0.0))
    inspection, style = drawn_inspection((300, 300), peaks=peaks), FigureStyle(dpi=100)
    box = Box(x=0, y=0, width=150, height=150)
    plain = pixels_of(panel_figure(inspection, "peaks", style))
    marked = pixels_of(panel_figure(inspection, "peaks", style, annotation=Annotation(box=box)))
    changed = np.argwhere((plain != marked).any(axis=2))
    half, last = len(plain) / 2, len(plain)
    beside = changed[(changed > half + 0.05 * last).all(axis=1)]  # away from the box's own outline
    assert len(beside)  # the peak at the lower right
    assert (np.abs(beside - 25 / 30 * last) < 0.1 * last).all()
    inner = changed[(changed < half - 0.05 * last).all(axis=1) & (changed > 0.05 * last).all(axis=1)]
    assert not len(inner)  # the peak in the box has no mark
    without = FigureStyle(dpi=100, annotations=False)
    off = panel_figure(inspection, "peaks", without, annotation=Annotation(box=box))
    np.testing.assert_array_equal(pixels_of(off), plain)


def test_key_points_lie_where_the_data_set_has_them() -> None:
    part = Part(name="beak", x=60, y=150)
    picture = panel_figure(
        drawn_inspection((300, 200)), "original", FigureStyle(dpi=100), annotation=Annotation(parts=(part,))
    )
    found = where_colour(picture, tokens.ANNOTATION)
    np.testing.assert_allclose(found.mean(axis=0) / (picture.width, picture.height), (60 / 300, 150 / 200), atol=0.01)


def test_the_crop_is_labelled_on_the_original_only() -> None:
    box = (45.0, 30.0, 255.0, 170.0)
    for panel, labelled in (("original", True), ("peaks", True), ("grid_d", False)):
        pages = [
            panel_page(drawn_inspection((300, 200), source_box=seen), panel, STYLE)  # type: ignore[arg-type]
            for seen in (box, None)
        ]
        texts = [[text.text for text in page.texts] for page in pages]
        assert ("the network sees this crop: 49 % of the image" in texts[0]) is labelled
        assert not any("sees" in text for text in texts[1])
