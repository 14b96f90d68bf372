import base64
import functools
import io
import re
import shutil
import subprocess
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from drawn_inspection import drawn_inspection
from PIL import Image

from s3n_core.export.figures import tokens
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import panel_page, sheet_figure, sheet_page
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.vector_files import vector_bytes
from s3n_core.export.image_files import picture_bytes
from s3n_core.export.options import ExportOptions

STYLE = FigureStyle(dpi=100)
PEAKS = ((10, 20, 1.0, 1.0, 0.0), (20, 6, 0.9, 0.0, 1.0))
NAME = 'a <b> & "c"  d/鳥 é ]]> \ufffe.jpg'
SVG = "{http://www.w3.org/2000/svg}"


@functools.cache
def file_of(format: str, name: str = NAME) -> bytes:
    inspection = drawn_inspection(name=name, peaks=PEAKS)
    page = sheet_page(inspection, STYLE, truth="002.Blue_bird")
    return picture_bytes(page, inspection, ExportOptions(format=format, style=STYLE))


def svg_texts(data: bytes) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(data).iter(f"{SVG}text")]


@pytest.mark.parametrize("format", ["pdf", "svg"])
def test_the_same_sheet_gives_the_same_bytes(format):
    again = file_of.__wrapped__(format)
    assert file_of(format) == again


def test_words_of_an_svg_sheet_are_text():
    texts = svg_texts(file_of("svg"))
    assert {"Red bird", "Joint prediction", "Response map", "✗ true class: Blue bird"} <= set(texts)
    assert "The network sees the whole image. Places are accurate to about 1/2 of the side (2 × 2 cells)." in texts
    assert any(text.startswith('a <b> & "c"  d/') for text in texts), "names are written as they are"


def test_an_svg_sheet_has_the_places_of_the_png_sheet():
    root = ElementTree.fromstring(file_of("svg"))
    inspection = drawn_inspection(name=NAME, peaks=PEAKS)
    picture = sheet_figure(inspection, STYLE, truth="002.Blue_bird")
    for side, pixels in zip(("width", "height"), picture.size, strict=True):
        assert float(root.get(side).removesuffix("pt")) == pytest.approx(pixels * 72 / 100, abs=0.02)
    discs = [e.get("d") for e in root.iter(f"{SVG}path") if tokens.BRANCH_COLOURS["D"].lower() in e.get("style", "")]
    numbers = np.array([[float(n) for n in re.findall(r"-?[\d.]+", path)[-2:]] for path in discs])
    marked = np.abs(np.asarray(picture).astype(int) - (0xD5, 0x5E, 0)).max(axis=-1) < 24
    for x, y in numbers * 100 / 72:  # the last point of a circle's outline
        assert marked[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].any()


def test_panels_pixels_are_embedded_as_they_are():
    root = ElementTree.fromstring(file_of("svg"))
    sizes = []
    for image in root.iter(f"{SVG}image"):
        data = image.get("{http://www.w3.org/1999/xlink}href").split(",", 1)[1]
        sizes.append(Image.open(io.BytesIO(base64.b64decode(data))).size)
        width, height = float(image.get("width")), float(image.get("height"))
        assert sizes[-1] == (round(width * 100 / 72), round(height * 100 / 72))
    assert len(sizes) == 8 + 3, "the panels, and the colour bars of the three maps"


def test_fonts_come_with_the_files():
    assert file_of("svg").count(b"@font-face") == 2
    pdf = file_of("pdf")
    assert pdf.count(b"/FontFile2") >= 2, "TrueType, embedded"
    assert b"/Type3" not in pdf
    assert b"+Inter-SemiBold" in pdf
    assert b"CreationDate" not in pdf


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext of poppler")
def test_words_of_a_pdf_sheet_can_be_searched(tmp_path):
    (tmp_path / "sheet.pdf").write_bytes(file_of("pdf", "folder/Ärger & <birds>.jpg"))
    done = subprocess.run(["pdftotext", tmp_path / "sheet.pdf", "-"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "folder/Ärger & <birds>.jpg" in done.stdout
    assert "Discriminative prediction" in done.stdout


def test_a_page_is_the_same_picture_after_it_was_written_as_vectors():
    page = sheet_page(drawn_inspection(peaks=PEAKS), STYLE)
    before = np.asarray(drawn_pixels(page))
    for format in ("pdf", "svg"):
        vector_bytes(page, format, {})
    np.testing.assert_array_equal(np.asarray(drawn_pixels(page)), before)


@pytest.mark.parametrize("panel", ["map_d", "grid_c", "image_d"])
def test_single_panels_are_vectors_too(panel):
    page = panel_page(drawn_inspection(), panel, STYLE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert vector_bytes(page, "pdf", {}).startswith(b"%PDF")
        texts = svg_texts(vector_bytes(page, "svg", {"Title": "\udcff"}))
    assert bool(texts) == (panel == "map_d"), "numbers beside the colour bar"
