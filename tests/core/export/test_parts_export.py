"""An atlas as one HTML page, and sheets of a part and of a pair."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_up_atlas import CLASSES, draw_pictures, made_up_comparison, write_atlas
from PIL import Image

from s3n_core.errors import AtlasError
from s3n_core.export.figures.part_sheets import pair_sheet, part_sheet, write_sheet
from s3n_core.export.part_crops import PartCrops
from s3n_core.export.report.atlas_page import write_atlas_page
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import IMAGES
from s3n_core.parts.atlas.examples import PartExample, part_examples
from s3n_core.parts.comparison.stored_comparisons import keep_comparison
from s3n_core.parts.steadiness.steadiness_result import PartSteadiness, Repeats, Steadiness
from s3n_core.parts.steadiness.stored_steadiness import keep_steadiness


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    files = draw_pictures(tmp_path / "data", 4)
    made = write_atlas(tmp_path / "atlas", tmp_path / "data", files)
    made.rename("part 1", "bill <b>")
    keep_comparison(made, made_up_comparison(made, *CLASSES[:2]))
    return made


def test_crops_are_squares_around_the_place_at_one_scale(atlas: Atlas) -> None:
    example = part_examples(atlas, 0, CLASSES[:1], 1)[0]
    crops = PartCrops(atlas)
    crop = crops.of(example, 34)
    assert crop is not None
    assert crop.size == (34, 34)
    red, green, blue = crop.getpixel((17, 17))  # type: ignore[misc]
    assert red > 200  # the drawn disc
    assert max(green, blue) < 80
    assert crop.getpixel((1, 1))[2] > 80  # type: ignore[index]
    moved = Path(atlas.header.data).rename(atlas.path.parent / "moved")
    assert crops.of(example, 34) is None
    assert (crops.asked, crops.unread) == ({example.file}, {example.file})
    again = PartCrops(atlas, moved)
    assert again.of(example, 34) is not None
    assert not again.unread


def test_a_crop_of_more_than_eight_bits_shows_the_range_of_its_image(tmp_path: Path) -> None:
    """Twelve bits in a file of sixteen: scaled by 65,535 they would be nearly black."""
    values = np.tile(np.linspace(0, 4095, 120).astype(np.uint16), (90, 1))
    Image.fromarray(values).save(tmp_path / "wide.png")
    atlas: Any = SimpleNamespace(header=SimpleNamespace(data=str(tmp_path)))
    crop = PartCrops(atlas).of(PartExample(file="wide.png", x=110.0, y=45.0, rank=1, of=1), 34)
    assert crop is not None
    assert np.asarray(crop).max() > 240


def test_the_page_is_one_file_with_crops_classes_and_compared_pairs(atlas: Atlas, tmp_path: Path) -> None:
    steps = list[tuple[int, int]]()
    write_atlas_page(atlas, tmp_path / "atlas.html", progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (4, 4)  # three parts and a pair
    page = (tmp_path / "atlas.html").read_text(encoding="utf-8")
    assert "bill &lt;b&gt;" in page
    assert "bill <b>" not in page
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert page.count("data:image/jpeg;base64,") >= 20
    assert "prefers-color-scheme: dark" in page
    for sign, colour in (("p", "for"), ("n", "against")):
        assert f'[class^="{sign}"] {{ background: color-mix(in srgb, var(--{colour})' in page
    for name in ("Red knot", "Grey plover", "Ruff"):
        assert name in page
    assert page.count('<article class="part">') == 3
    assert page.count('<article class="compared">') == 1
    assert "no part" in page  # the rest row
    assert "come again" not in page
    assert page.count('<table class="matrix">') == 1  # nothing is measured for all classes
    keep_comparison(atlas, replace(made_up_comparison(atlas, *CLASSES[:2]), b=None))
    write_atlas_page(atlas, tmp_path / "effects.html")
    effects = (tmp_path / "effects.html").read_text(encoding="utf-8")
    assert effects.count('<table class="matrix">') == 2
    assert '<td class="p9" title="95 % interval +1.10 to +1.90">+1.50</td>' in effects
    assert '<td class="quiet" title="95 % interval -0.30 to +0.50">+0.10</td>' in effects
    assert "2 more classes are not measured" in effects
    again = Repeats(share=0.75, low=0.6, high=0.9, control=0.25, peaks=12, images=12)
    keep_steadiness(atlas, Steadiness(images=12, left_out=0, parts=(PartSteadiness(part=0, mirrored=again),)))
    write_atlas_page(atlas, tmp_path / "steady.html")
    said = "Mirrored: 75 % of 12 come again (60 to 90; in another image&#x27;s mirror image 25 %)."
    assert (tmp_path / "steady.html").read_text(encoding="utf-8").count(said) == 1
    atlas.merge("bill <b>", "part 2")  # the answer is of other parts now
    write_atlas_page(atlas, tmp_path / "again.html")
    assert '<article class="compared">' not in (tmp_path / "again.html").read_text(encoding="utf-8")


def test_sheets_of_a_part_and_of_a_pair_as_png_and_pdf(atlas: Atlas, tmp_path: Path) -> None:
    write_sheet(part_sheet(atlas, 0, dpi=100), tmp_path / "part.png", "bill")
    with Image.open(tmp_path / "part.png") as image:
        assert image.width > 700
        assert image.text["Title"] == "bill"  # type: ignore[attr-defined]
    sheet = pair_sheet(atlas, "Red knot", "Grey plover", dpi=100)
    words = {text.text for text in sheet.texts}
    assert "Red knot and Grey plover" in words
    assert any(word.startswith("no part: ") for word in words)
    assert any(word.startswith("lost ") and "to" in word for word in words)
    write_sheet(sheet, tmp_path / "pair.pdf", "pair")
    assert (tmp_path / "pair.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(AtlasError, match="have not been compared"):
        pair_sheet(atlas, "Red knot", "Ruff")
    with pytest.raises(AtlasError, match="no part 10"):
        part_sheet(atlas, 9)
    with pytest.raises(ValueError, match="png or"):
        write_sheet(sheet, tmp_path / "pair.gif", "pair")


def test_an_atlas_of_unlabelled_images_shows_its_crops(atlas: Atlas, tmp_path: Path) -> None:
    path = atlas.path / IMAGES
    first, *images = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    lines = [first, *(image | {"label": None} for image in images)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    unlabelled = Atlas(atlas.path)
    write_atlas_page(unlabelled, tmp_path / "atlas.html")
    page = (tmp_path / "atlas.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 2 * 10  # of the two parts on the object
    crops = PartCrops(unlabelled)
    sheet = part_sheet(unlabelled, 0, crops=crops, dpi=100)
    assert len(crops.asked) == len(images)
    assert any("from the most to the least typical" in text.text for text in sheet.texts)
