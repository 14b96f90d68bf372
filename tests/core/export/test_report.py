import base64
import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from drawn_inspection import drawn_inspection, hot_cell

from s3n_core.datasets.records import Annotation, Box, Part
from s3n_core.errors import OutputError
from s3n_core.evaluation.intervals import accuracy_text
from s3n_core.export.figures.rasters import Rasters
from s3n_core.export.options import ExportOptions, export_options
from s3n_core.export.report.report_image import ReportImage, part_bytes
from s3n_core.export.report.report_page import ReportHead, write_report
from s3n_core.inspection.inspection import Inspection

PEAKS = ((10, 20, 1.0, 1.0, 0.0), (20, 6, 0.9, 0.0, 1.0))
HOSTILE = "</script><img src=x onerror=alert(1)> & \"'`${1}\udcff/<!--\n@@PARTS@@鳥.jpg"
HEAD = ReportHead(
    data="<b>birds</b> & 'more'",
    model="run-1 / best",
    made_with="expected sampling, float32",
    classes=drawn_inspection().response.classes,
    palette="viridis",
    opacity=0.65,
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def written(tmp_path: Path, *images: tuple[Inspection, str | None], head: ReportHead = HEAD, **more: object) -> str:
    """Return a report's text; an image is an inspection and its true class."""
    parts = []
    for number, (inspection, truth) in enumerate(images):
        parts.append(tmp_path / f"{number}.part")
        parts[-1].write_bytes(part_bytes(inspection, truth))
    write_report(tmp_path / "report.html", parts, head, **more)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """The elements of a page, and the text of each script and style by its id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data
        self._inside = self._inside if self.cdata_elem else ""


def figures(text: str) -> dict[str, object]:
    return json.loads(Page(text).texts["report"])


def test_figures_of_labelled_images(tmp_path):
    right, wrong = drawn_inspection(name="a.jpg"), drawn_inspection(name="b.jpg")
    data = figures(
        written(tmp_path, (right, "001.Red_bird"), (wrong, "002.Blue_bird"), (right, None), (right, "009.Unheard_of"))
    )
    assert data["classes"] == ["Red bird", "Blue bird", "Green bird", "Unheard of"]
    assert (data["labelled"], data["right"]) == (2, 1), "a class that the model does not have counts as no label"
    np.testing.assert_allclose(data["interval"], (0.0945, 0.9055), atol=1e-4)
    assert data["accuracy"] == "9 to 91 % (1 of 2)"
    half, none = "9 to 91 % (1 of 2)", "0 to 66 % (0 of 2)"
    assert data["branches"] == [["joint", 0.5, half], ["O", 0.5, half], ["D", 0.5, half], ["C", 0.0, none]]
    assert data["confusions"] == [[1, 0, 1]]
    assert data["by_class"] == [[0, 1, 1, "21 to 100 % (1 of 1)"], [1, 1, 0, "0 to 79 % (0 of 1)"]]
    assert [row[1:3] for row in data["images"]] == [[0, 0], [1, 0], [-1, 0], [3, 0]]


def test_figures_of_images_without_labels(tmp_path):
    data = figures(written(tmp_path, (drawn_inspection(), None)))
    assert data["interval"] is None
    shares = {branch: share for branch, share, _ in data["branches"]}
    assert shares == {"O": 0.0, "D": 1.0, "C": 0.0}, "agreement with the network's answer"
    assert data["by_class"] == [[0, 1, 0, ""]]


def test_a_part_holds_what_the_page_draws():
    inspection = drawn_inspection((900, 600), source_box=(150.0, 0.0, 750.0, 600.0), peaks=PEAKS, name="x.jpg")
    first, second = part_bytes(inspection, "002.Blue_bird").splitlines()
    summary = ReportImage.from_line(first)
    assert (summary.answer, summary.truth, summary.peaks) == ("001.Red_bird", "002.Blue_bird", 2)
    assert summary.margin == pytest.approx(0.844 - 0.114, abs=1e-3)
    assert summary.branches == {"O": "002.Blue_bird", "D": "001.Red_bird", "C": "003.Green_bird"}
    part = json.loads(second)
    np.testing.assert_allclose(part["view"], (1 / 6, 0, 5 / 6, 1), atol=1e-4)
    np.testing.assert_allclose([peak[:2] for peak in part["peaks"]], [(11 / 18, 1 / 3), (0.3, 2 / 3)], atol=0.01)
    frame, (rows, columns) = inspection.response.frame, inspection.response.map.shape
    first_cell, last_cell = (
        frame.cell_to_original(*cell, (rows, columns)) for cell in ((0, 0), (rows - 1, columns - 1))
    )
    corners = [*np.divide(first_cell, (900, 600)), *np.divide(last_cell, (900, 600))]
    np.testing.assert_allclose(part["cells_view"], corners, atol=1e-5)
    assert part["cells_view"][0] > part["view"][0], "cells lie at the centres of pixels, not at the edge"
    shown = np.frombuffer(base64.b64decode(part["maps"]["c"]), np.uint8).reshape(part["cells"])
    assert shown[25, 5] == 255
    limits = Rasters(inspection, "viridis", 1.0).shared_range
    np.testing.assert_allclose(shown / 255, limits.share(inspection.warps.map_c), atol=0.003)
    assert [text for _, text in part["ticks"]["d"]][::2] == ["0.09", "2.09"]
    assert [place for place, _ in part["ticks"]["d"]][::2] == [0, 1]
    assert part["scores"]["joint"][0][0] == "Red bird"
    assert base64.b64decode(part["image"])[8:12] == b"WEBP"


def test_a_part_says_what_the_network_sees_and_which_peaks_lie_outside_the_box():
    inspection = drawn_inspection((900, 600), source_box=(150.0, 0.0, 750.0, 600.0), peaks=PEAKS, name="x.jpg")
    first, *others = inspection.warps.peaks
    box = Box(x=first.x - 9, y=first.y - 6, width=18, height=12)
    annotation = Annotation(box=box, parts=(Part(name="beak", x=90, y=300),))
    part = json.loads(part_bytes(inspection, None, annotation=annotation).splitlines()[1])
    assert part["view_text"] == "The network sees this crop: 67 % of the image."
    assert part["labels"][0] == "the network sees this crop: 67 % of the image"
    assert (part["accuracy"], part["warning"]) == (
        "Places are accurate to about 1/2 of the crop's side (2 × 2 cells).",
        "That is too coarse to tell parts apart; train with a larger image size.",
    )
    np.testing.assert_allclose(part["box"], ((first.x - 9) / 900, (first.y - 6) / 600, 0.02, 0.02), atol=1e-5)
    assert part["parts"] == [[0.1, 0.5]]
    assert part["outside"] == [False] + [True] * len(others)
    plain = json.loads(part_bytes(inspection, None).splitlines()[1])
    assert (plain["box"], plain["parts"], plain["outside"]) == (None, [], [False] * len(inspection.warps.peaks))


def test_names_are_text_and_never_markup(tmp_path):
    image = drawn_inspection(name=HOSTILE, classes=(HOSTILE, "<script>alert(2)</script>", "c"))
    head = dataclasses.replace(HEAD, data=HOSTILE, classes=image.response.classes)
    text = written(tmp_path, (image, HOSTILE), head=head, left_out=[(HOSTILE, HOSTILE)])
    page = Page(text)
    assert page.tags.count("script") == 3, "the figures, the program, one image"
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    shown = figures(text)["images"][0][0]
    assert shown == HOSTILE.replace("\n", "\ufffd").replace("\udcff", "\ufffd")
    assert page.texts["title"].endswith(shown)


def test_only_the_pages_own_script_runs_and_nothing_is_loaded(tmp_path):
    text = written(tmp_path, (drawn_inspection(), None))
    page = Page(text)
    policy = next(value for name, value in page.attributes if name == "content" and value.startswith("default-src"))
    assert "default-src 'none'" in policy
    for kind in ("script", "style"):
        (content,) = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    links = re.findall(r"(?:https?:)?//[a-z][\w.]*", re.sub(r"base64,[\w+/=]+", "", text))
    assert set(links) <= {"http://www.w3.org"}, "the name of SVG, which is no address"
    assert "innerHTML" not in text


def test_the_same_images_give_the_same_page(tmp_path):
    images = [(drawn_inspection(peaks=PEAKS), "001.Red_bird")] * 2
    assert written(tmp_path, *images) == written(tmp_path, *images)


def test_parts_are_read_one_after_the_other(tmp_path, monkeypatch):
    """Memory does not grow with the number of images: at most one part's file is open, and none is kept."""
    import builtins

    real, opened = builtins.open, []

    def counted(path, *args, **kwargs):
        assert not [file for file in opened if not file.closed], "the part before is still open"
        file = real(path, *args, **kwargs)
        if str(path).endswith(".part"):
            opened.append(file)
        return file

    monkeypatch.setattr("builtins.open", counted)
    text = written(tmp_path, *[(drawn_inspection(), None)] * 3)
    assert len(opened) == 6, "two passes"
    assert [f"part-{number}" in Page(text).texts for number in range(4)] == [True, True, True, False]


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(OutputError):
        write_report(tmp_path / "missing" / "report.html", [], HEAD)


def test_options_with_a_report_alone():
    assert export_options(sheet=False, singles=False, report=True).endings() == (".report-part",)
    with pytest.raises(ValueError, match="report"):
        ExportOptions(sheet=False, singles=False)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_shows_it(tmp_path):
    hostile = drawn_inspection(name=HOSTILE, map_d=0.09 + hot_cell(3, 3), peaks=PEAKS)
    written(tmp_path, (hostile, "002.Blue_bird"), (drawn_inspection(name="b.jpg"), "001.Red_bird"))
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command += ["--virtual-time-budget=2000", "--dump-dom", f"file://{tmp_path}/report.html"]
    # Visibility is known once the browser has drawn, and on a busy machine its virtual time may end before that.
    for _ in range(5):
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        page = Page(done.stdout)
        if "img" in page.tags:
            break
    classes = [value for name, value in page.attributes if name == "class"]
    assert classes.count("tile") == 2
    assert page.tags.count("img") == 2, "both images are in view, and no name became one"
    assert accuracy_text(1, 2) in done.stdout
    assert "true class: Blue bird" in done.stdout
