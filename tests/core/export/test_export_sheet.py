import dataclasses

import matplotlib
import numpy as np
import pytest
from drawn_inspection import drawn_inspection, pixels_of, where_colour

from s3n_core.datasets.records import displayed_class
from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import sheet_figure
from s3n_core.export.figures.lettering import BASE_FONTS, UNDRAWABLE, drawable, families
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.inspection.number_text import probability_text

STYLE = FigureStyle(dpi=72)
PEAKS = ((10, 20, 1.0, 1.0, 0.0), (20, 6, 0.9, 0.0, 1.0))


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (3000, 300), (30, 300), (8, 6)])
def test_a_sheet_has_a_margin_all_around_so_nothing_is_cut(size):
    picture = sheet_figure(drawn_inspection(size, peaks=PEAKS), STYLE, truth="002.Blue_bird")
    pixels = pixels_of(picture)
    for edge in (pixels[:14], pixels[-14:], pixels[:, :14], pixels[:, -14:]):
        assert (edge == 255).all()
    assert (pixels < 200).any()


def test_size_follows_dpi():
    small, large = (sheet_figure(drawn_inspection(), FigureStyle(dpi=dpi)) for dpi in (50, 100))
    assert np.abs(np.array(large.size) - 2 * np.array(small.size)).max() <= 2


def test_a_sheet_shows_all_panels_in_a_row_a_branch():
    picture = sheet_figure(drawn_inspection(), STYLE)
    red, blue = where_colour(picture, "#C81E1E", within=3), where_colour(picture, "#1E1EC8", within=3)
    assert len(red) == len(blue) > 1000
    assert red[:, 0].mean() == blue[:, 0].mean()
    assert red[:, 1].max() < blue[:, 1].min()


def test_bars_have_their_branches_colours():
    picture = sheet_figure(drawn_inspection(), FigureStyle(dpi=150))
    lower = picture.crop((0, picture.height * 3 // 4, picture.width, picture.height))
    widths = {}
    for answer, colour in tokens.BRANCH_COLOURS.items():
        places = where_colour(lower, colour, within=2)
        _, counts = np.unique(places[:, 1], return_counts=True)
        widths[answer] = counts.max()
    assert widths["D"] > widths["joint"] > widths["O"]  # 96, 84 and 66 per cent


def test_right_and_wrong_are_said_in_words_and_colour():
    right = sheet_figure(drawn_inspection(), STYLE, truth="001.Red_bird")
    wrong = sheet_figure(drawn_inspection(), STYLE, truth="002.Blue_bird")
    unknown = sheet_figure(drawn_inspection(), STYLE)
    assert [len(where_colour(p, tokens.BAD, within=10)) > 0 for p in (right, wrong, unknown)] == [False, True, False]
    head = [p.crop((0, 0, p.width, 60)) for p in (right, unknown)]
    assert [len(where_colour(p, tokens.GOOD, within=10)) > 0 for p in head] == [True, False]


def test_networks_without_joint_head_or_branches_have_sheets():
    only_o = drawn_inspection(logits={"O": np.array([1, 2, 0], dtype=np.float32)})
    assert sheet_figure(only_o, STYLE).width > 300
    dense = drawn_inspection(attention="saliency", control="random_places", peaks=PEAKS)
    assert sheet_figure(dense, STYLE).width > 300


def test_two_classes_and_two_hundred_have_sheets():
    for count in (2, 200):
        scores = np.linspace(0, 1, count, dtype=np.float32)
        classes = tuple(f"class {i}" for i in range(count))
        inspection = drawn_inspection(classes=classes, logits=dict.fromkeys(("joint", "O", "D", "C"), scores))
        assert sheet_figure(inspection, STYLE, truth="class 1").width > 300


@pytest.mark.parametrize(
    "name",
    [
        "x" * 500,
        "a/b\nc\td.jpg",
        "$\\frac{1}{2}$ $x_1$ _^{}%.png",
        "写真/птица/पक्षी/طائر/🐦.jpg",
        "bytes \udcff\udcfe.jpg",
        "",
        "\u202eevil.jpg",
    ],
)
def test_any_name_can_be_written_and_stays_on_the_page(name, recwarn):
    inspection = drawn_inspection(name=name, classes=(name or " ", name + "2", name + "3"))
    picture = sheet_figure(inspection, STYLE, truth=name + "2")
    assert (pixels_of(picture)[:, -14:] == 255).all()
    assert not [str(w.message) for w in recwarn if "Glyph" in str(w.message)]


def test_a_letter_that_no_font_has_becomes_a_box_and_the_sheet_says_so():
    assert drawable("bird") == "bird"
    assert drawable("a\U0010fffdb") == f"a{UNDRAWABLE}b"
    assert drawable("a\nb\udc80") == "a\ufffdb\ufffd"
    assert families("птица") == BASE_FONTS
    canvas = Canvas(100, 20, 72)
    canvas.text(2, 10, "bird")
    assert not canvas.undrawable
    canvas.text(2, 10, "\U0010fffd")
    assert canvas.undrawable


def test_text_is_shortened_to_its_room_at_the_end_or_in_the_middle():
    canvas = Canvas(300, 60, 72)
    full = canvas.width_of("Chroicocephalus philadelphia", size=8)
    assert canvas.text(0, 10, "Chroicocephalus philadelphia", size=8, room=full) == pytest.approx(full)
    assert canvas.text(0, 20, "Chroicocephalus philadelphia", size=8, room=full / 2) <= full / 2
    assert canvas.text(0, 30, "folder/with/bird_001.jpg", size=8, room=60, shorten="middle") <= 60
    assert canvas.text(0, 40, "anything", size=8, room=0) == pytest.approx(canvas.width_of("…", size=8))


def test_images_lie_on_the_page_pixel_by_pixel():
    rng = np.random.default_rng(0)
    for dpi in (72, 150, 233):
        canvas = Canvas(101.3, 77.7, dpi)
        area = canvas.snapped(Area(10.2, 20.9, 33.3, 17.1))
        pixels = rng.integers(0, 256, (*canvas.size_of(area)[::-1], 3), dtype=np.uint8)
        canvas.image(area, pixels)
        page = np.asarray(drawn_pixels(canvas))
        x, y = round(area.x * canvas.scale), round(area.y * canvas.scale)
        np.testing.assert_array_equal(page[y : y + pixels.shape[0], x : x + pixels.shape[1]], pixels)
        assert page.shape[:2] == canvas.pixels[::-1]


def test_numbers_and_names_are_for_people():
    assert [probability_text(p) for p in (1.0, 0.99999, 0.9734, 0.0004, 0.0)] == [
        "100.0 %",
        "> 99.9 %",
        "97.3 %",
        "< 0.1 %",
        "0.0 %",
    ]
    assert displayed_class("016.Painted_Bunting") == "Painted Bunting"
    assert displayed_class("737-200") == "737-200"
    assert displayed_class("3.5") == "3.5"
    assert displayed_class("_") == "_"


def test_the_persons_settings_of_matplotlib_change_nothing():
    before = sheet_figure(drawn_inspection(peaks=PEAKS), STYLE)
    with matplotlib.rc_context({"font.size": 40, "savefig.dpi": 10, "lines.linewidth": 9, "text.color": "red"}):
        kept = dict(matplotlib.rcParams)
        during = sheet_figure(drawn_inspection(peaks=PEAKS), STYLE)
        assert dict(matplotlib.rcParams) == kept
    np.testing.assert_array_equal(np.asarray(before), np.asarray(during))


def test_a_huge_photograph_kept_smaller_is_placed_by_its_own_size():
    inspection = drawn_inspection((300, 200), peaks=PEAKS)
    response, warps = inspection.response, inspection.warps
    big = dataclasses.replace(
        inspection,
        response=dataclasses.replace(
            response, image_size=(3000, 2000), image_scale=0.1, source_box=(0.0, 0.0, 3000.0, 2000.0)
        ),
        warps=dataclasses.replace(
            warps, peaks=tuple(dataclasses.replace(peak, x=10 * peak.x, y=10 * peak.y) for peak in warps.peaks)
        ),
    )
    small_sheet, big_sheet = sheet_figure(inspection, STYLE), sheet_figure(big, STYLE)
    body = (0, 60, small_sheet.width, small_sheet.height)
    difference = pixels_of(small_sheet.crop(body)) - pixels_of(big_sheet.crop(body))
    assert (np.abs(difference) > 8).mean() < 0.001


def test_a_tall_sheet_leaves_no_room_at_its_right():
    picture = sheet_figure(drawn_inspection((300, 220)), FigureStyle(dpi=72, layout="tall"))
    assert picture.height > picture.width
    right = pixels_of(picture.crop((picture.width * 3 // 4, 0, picture.width - 20, picture.height)))
    inked = (right < 200).any(axis=(1, 2))
    quarters = np.array_split(inked, 4)
    assert all(quarter.any() for quarter in quarters)
    bars = [where_colour(picture, tokens.BRANCH_COLOURS[answer], within=2) for answer in ("joint", "O", "D", "C")]
    lowest = [places[:, 1].min() for places in bars if len(places)]
    assert len(lowest) == 4
