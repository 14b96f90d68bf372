"""A page drawn as pixels has the layout and the words that matplotlib's artists give it in a PDF or SVG file."""

import io
import itertools

import numpy as np
import pytest
from drawn_inspection import drawn_inspection
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image, JpegImagePlugin

from s3n_core.datasets.records import Annotation, Box, Part
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.encoding import encode
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import panel_page, sheet_page
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.vector_files import figure_of
from s3n_core.system.resources import resource

PEAKS = ((10, 20, 1.0, 1.0, 0.0), (20, 6, 0.9, 0.0, 1.0), (4, 4, 0.5, 0.5, 0.5), (25, 25, 0.7, 0.0, 0.0))
MARKED = Annotation(box=Box(x=20, y=20, width=90, height=70), parts=(Part(name="beak", x=60, y=50),))
CROP = (50.0, 40.0, 250.0, 160.0)
PANEL_CHOICES = (("peaks", "map_d"), ("grid_c", "image_d"), ("original", "response"), ("map_c", "grid_d", "image_c"))
# 20 sheets: every size with and without a label and letters of other scripts; some with a crop or an annotation.
SHEETS = list(
    itertools.product(
        ((300, 200), (200, 300), (700, 200), (90, 90), (400, 300)),
        ("001.Red_bird", None),
        ("folder/bird.jpg", "写真/птица é.jpg"),
    )
)


def by_artists(page: Canvas) -> np.ndarray:
    canvas = FigureCanvasAgg(figure_of(page))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].astype(int)


def drawn_sheet(number: int, dpi: int) -> Canvas:
    size, truth, name = SHEETS[number]
    rng = np.random.default_rng(number)
    photograph = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    box = CROP if number % 3 == 0 and size[0] >= 250 and size[1] >= 160 else None
    inspection = drawn_inspection(size, box, PEAKS, image=np.asarray(photograph), name=name)
    annotation = MARKED if number % 2 else None
    style = FigureStyle(dpi=dpi, panels=PANEL_CHOICES[number // 4 % 4])
    return sheet_page(inspection, style, truth=truth, model="a model", annotation=annotation)


def text_boxes(page: Canvas) -> list[tuple[slice, slice]]:
    """The rows and columns of each text, with room around it."""
    shift = {"left": 0.0, "center": 0.5, "right": 1.0}
    boxes = []
    for text in page.texts:
        left = text.x - shift[text.align] * text.width
        area = (left - 2, text.baseline - 1.1 * text.size, left + text.width + 2, text.baseline + 0.5 * text.size)
        x0, y0, x1, y1 = (max(0, round(v * page.scale)) for v in area)
        boxes.append((slice(y0, y1), slice(x0, x1)))
    return boxes


def centre_of_ink(pixels: np.ndarray) -> np.ndarray:
    ink = np.abs(pixels - 255).sum(axis=-1).astype(float)
    rows, columns = np.indices(ink.shape)
    return np.array([(rows * ink).sum(), (columns * ink).sum()]) / ink.sum()


@pytest.mark.parametrize("number", range(20))
def test_twenty_sheets_are_the_same_by_artists_and_as_pixels(number: int) -> None:
    page = drawn_sheet(number, 60)
    old, new = by_artists(page), np.asarray(drawn_pixels(page)).astype(int)
    assert old.shape == new.shape
    elsewhere = np.ones(old.shape[:2], dtype=bool)
    for rows, columns in text_boxes(page):
        elsewhere[rows, columns] = False
    assert np.abs(old - new)[elsewhere].max() <= 1, "images, lines, marks and bars are the same"
    for (rows, columns), text in zip(text_boxes(page), page.texts, strict=True):
        one, two = old[rows, columns], new[rows, columns]
        ink = [np.abs(255 - part).sum() for part in (one, two)]
        assert ink[1] == pytest.approx(ink[0], rel=0.15), text.text
        assert np.abs(centre_of_ink(one) - centre_of_ink(two)).max() < 0.75, text.text


def test_single_panels_are_the_same_too() -> None:
    inspection = drawn_inspection((300, 200), CROP, PEAKS)
    for panel in ("peaks", "map_d", "grid_c", "image_d"):
        page = panel_page(inspection, panel, FigureStyle(dpi=60), annotation=MARKED)
        old, new = by_artists(page), np.asarray(drawn_pixels(page)).astype(int)
        assert np.abs(old - new).mean() < 1


def test_what_lies_partly_outside_the_page_is_drawn_as_far_as_it_is_inside() -> None:
    page = Canvas(30, 20, 72)
    page.image(Area(25, 15, 10, 10), np.full((10, 10, 3), 100, dtype=np.uint8))
    page.text(-8, 5, "words that begin before the page and end after it", colour="#000000")
    page.text(2, 40, "below")
    page.circles(np.array([[30.0, 0.0]]), np.array([4.0]), fill="#FF0000")
    pixels = np.asarray(drawn_pixels(page))
    assert pixels.shape == (20, 30, 3)
    assert (pixels[15:, 25:] == 100).all()
    assert tuple(pixels[0, 29]) == (255, 0, 0)
    assert pixels[:6].min() < 128


def photographs_sheet(dpi: int) -> Image.Image:
    path = next(iter(sorted(resource("demo/images").rglob("*.jpg"))))
    with Image.open(path) as photograph:
        pixels = np.asarray(photograph.convert("RGB"))
    return drawn_pixels(
        sheet_page(drawn_inspection(pixels.shape[1::-1], peaks=PEAKS, image=pixels), FigureStyle(dpi=dpi))
    )


def test_a_jpeg_sheet_has_all_colours_few_bytes_and_clear_words() -> None:
    sheet = photographs_sheet(150)
    data = encode(sheet, "jpeg", dpi=150)
    assert len(data) <= 400_000
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.size == sheet.size
        assert JpegImagePlugin.get_sampling(opened) == 0, "4:4:4"
        head = (slice(45, 225), slice(45, 900))
        error = np.asarray(opened).astype(float)[head] - np.asarray(sheet).astype(float)[head]
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 36


def test_a_page_that_is_hard_to_compress_is_still_small_and_a_larger_one_may_be_larger() -> None:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (150, 250, 3), dtype=np.uint8))
    assert 250_000 < len(encode(coarse.resize((1000, 600)), "jpeg", dpi=200)) <= 400_000
    assert 400_000 < len(encode(coarse.resize((2800, 1700)), "jpeg", dpi=300)) <= 400_000 * 2.8 * 1.7 / 3.5


def test_png_keeps_every_pixel() -> None:
    sheet = photographs_sheet(72)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode(sheet, "png", dpi=72)))), np.asarray(sheet))
