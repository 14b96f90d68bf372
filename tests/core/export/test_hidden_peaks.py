"""`s3n export --hide-peaks`: the strongest peaks of each image are hidden, and the numbers are stored with how."""

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_models import drawn_picture

from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.errors import OutOfMemory
from s3n_core.export import hide_peaks as hide_peaks_module
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import sheet_page
from s3n_core.export.job import export
from s3n_core.export.options import ExportOptions, export_options
from s3n_core.inspection import hide_places as hiding_module
from s3n_core.inspection.hide_places import hide_places
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Scores
from s3n_core.inspection.inspector import Inspector, inspect
from s3n_core.models.opening import Model

HIDING = HidingSettings(fill="surround", size=9, controls=20, seed=3)
OPTIONS = ExportOptions(sheet=False, singles=False, arrays=True, hidden_peaks=2, hiding=HIDING)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRecord]:
    folder = tmp_path_factory.mktemp("images")
    made = []
    for number in range(2):
        path = folder / f"bird {number}.png"
        drawn_picture(number).save(path)
        box = Box(x=5, y=5, width=110, height=70) if number else None
        made.append(ImageRecord(path=path, name=path.name, box=box))
    (folder / "broken.png").write_bytes(b"no image")
    return [*made, ImageRecord(path=folder / "broken.png", name="broken.png")]


def written(model: Model, records: list[ImageRecord], out: Path, options: ExportOptions = OPTIONS) -> None:
    for _ in export(model, records, out, options):
        pass


def table_of(out: Path) -> list[dict[str, str]]:
    with open(out / "hidden_peaks.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_numbers_and_settings_are_stored(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    written(model, records, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bird 0.hidden.json", "bird 0.npz", "bird 1.hidden.json", "bird 1.npz", "hidden_peaks.csv", "index.csv",
    ]  # fmt: skip
    rows = table_of(tmp_path)
    for record in records[:2]:
        peaks = inspect(model, record.path, name=record.name).warps.peaks[:2]
        stored = json.loads((tmp_path / f"{record.path.stem}.hidden.json").read_text())
        assert [(entry["peak"]["x"], entry["peak"]["y"]) for entry in stored["peaks"]] == [(p.x, p.y) for p in peaks]
        (first,) = hide_places(
            Inspector(model), drawn_picture(records.index(record)), [(peaks[0].x, peaks[0].y)],
            name=record.name, box=record.box, settings=HIDING,
        )  # fmt: skip
        entry, wanted = stored["peaks"][0], first.to_dict()
        assert entry["settings"] == HIDING.resolved(9).to_dict()
        assert entry["region"] == ("box" if record.box else "view")
        for name in ("controls", "classes", "prediction", "hidden_prediction"):
            assert_close(entry[name], wanted[name])
        row = next(row for row in rows if row["file"] == record.name)
        change = first.margin(first.prediction.index)
        assert float(row["margin_change"]) == pytest.approx(change.change, abs=1e-3)
        assert (row["stronger_than"], row["controls"]) == (str(change.stronger_than), "20")
        assert (row["fill"], row["size"]) == ("surround", "9.0")
        with np.load(tmp_path / f"{record.path.stem}.npz") as arrays:
            assert json.loads(str(arrays["summary"]))["hidden_peaks"] == stored["peaks"]
    assert len(rows) == sum(len(inspect(model, one.path, name=one.name).warps.peaks[:2]) for one in records[:2])


def assert_close(found: Any, wanted: Any) -> None:
    """Assert equality, of numbers up to the rounding of another batch."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key in wanted:
            if key != "stronger_than":
                assert_close(found[key], wanted[key])
    elif isinstance(wanted, list):
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other)
    else:
        assert found == (pytest.approx(wanted, rel=1e-3, abs=1e-3) if isinstance(wanted, float) else wanted)


def test_a_stopped_export_goes_on_and_its_table_is_whole(
    model: Model, records: list[ImageRecord], tmp_path: Path
) -> None:
    steps = export(model, records, tmp_path, OPTIONS)
    while next(steps).done < 1:
        pass
    steps.close()
    assert not (tmp_path / "hidden_peaks.csv").exists()
    written(model, records, tmp_path)
    assert {row["file"] for row in table_of(tmp_path)} == {"bird 0.png", "bird 1.png"}


def test_an_image_that_has_no_answer_any_more_leaves_the_table(
    model: Model, records: list[ImageRecord], tmp_path: Path
) -> None:
    """Its file of an earlier export still lies there."""
    copies = [ImageRecord(path=tmp_path / record.name, name=record.name) for record in records[:2]]
    for record, copy in zip(records, copies, strict=False):
        copy.path.write_bytes(record.path.read_bytes())
    out = tmp_path / "out"
    written(model, copies, out)
    copies[0].path.write_bytes(b"no image any more")
    written(model, copies, out)
    assert {row["file"] for row in table_of(out)} == {"bird 1.png"}


def test_places_without_room_are_said_in_the_table(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    options = export_options(sheet=False, singles=False, hidden_peaks=1, hiding={"size": 70})
    written(model, records[:1], tmp_path, options)
    (row,) = table_of(tmp_path)
    assert "Choose a smaller size" in row["error"]
    assert row["margin"] == ""


def test_a_device_that_fails_is_no_result_of_an_image(
    model: Model, records: list[ImageRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OutOfMemory("The device has too little memory.")

    with monkeypatch.context() as patched:
        patched.setattr(hide_peaks_module, "hide_places", fail)
        with pytest.raises(OutOfMemory):
            written(model, records[:1], tmp_path)
    written(model, records[:1], tmp_path)
    rows = table_of(tmp_path)
    assert rows
    assert not any(row["error"] for row in rows)


def test_an_answer_to_a_hidden_place_that_is_no_number_is_said(
    model: Model, records: list[ImageRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hiding_module._scores

    def overflowing(*args: Any) -> list[Scores]:
        found: list[Scores] = real(*args)
        nothing = {branch: np.full_like(logits, np.nan) for branch, logits in found[-1].logits.items()}
        return [*found[:-1], Scores(logits=nothing)]

    monkeypatch.setattr(hiding_module, "_scores", overflowing)
    written(model, records[:1], tmp_path)
    (row,) = table_of(tmp_path)
    assert "is not a finite number" in row["error"]
    assert "NaN" not in (tmp_path / "bird 0.hidden.json").read_text()


def test_options_are_checked_and_leave_other_exports_as_they_were() -> None:
    assert "hiding" not in ExportOptions().to_dict()
    assert OPTIONS.to_dict()["hiding"]["fill"] == "surround"
    with pytest.raises(ValueError, match="hidden_peaks must be from 0 to 20, not 21"):
        ExportOptions(hidden_peaks=21)
    with pytest.raises(ValueError, match="fill"):
        export_options(hidden_peaks=1, hiding={"fill": "noise"})


def test_the_sheet_has_a_row_of_hidden_places_only_if_there_are_any(
    model: Model, records: list[ImageRecord], tmp_path: Path
) -> None:
    sizes = {}
    for name, count in (("without", 0), ("with", 2)):
        options = ExportOptions(singles=False, hidden_peaks=count, hiding=HIDING)
        written(model, records[:1], tmp_path / name, options)
        with Image.open(tmp_path / name / "bird 0.jpg") as sheet:
            sizes[name] = sheet.size
            pixels = np.asarray(sheet.convert("RGB"))
    assert sizes["with"][0] == sizes["without"][0]
    assert sizes["with"][1] > sizes["without"][1] + 100
    lower = pixels[sizes["without"][1] :]
    assert (lower.std(axis=2) > 20).any()  # a coloured image, not only grey text
    inspection = inspect(model, records[0].path, name=records[0].name)
    said = sheet_page(inspection, FigureStyle(), hidden_error="it has no peaks").pixels[1]
    assert sizes["without"][1] < said < sizes["with"][1]


def test_the_report_shows_hidden_places(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    options = ExportOptions(sheet=False, singles=False, report=True, hidden_peaks=2, hiding=HIDING)
    written(model, records[:1], tmp_path, options)
    stored = json.loads((tmp_path / "bird 0.hidden.json").read_text())["peaks"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    part = json.loads(page.partition('id="part-0">')[2].partition("</script>")[0])
    places = part["hidden"]["places"]
    assert len(places) == len(stored)
    width, height = drawn_picture(0).size
    for place, entry in zip(places, stored, strict=True):
        assert place["place"][:2] == pytest.approx([entry["place"][0] / width, entry["place"][1] / height], abs=1e-5)
        assert place["place"][2] == pytest.approx(9 / width, abs=1e-5)
        margin = entry["classes"][0]["branches"]["joint"]["margin"]
        assert place["lines"][0] == f"Stronger than {margin['stronger_than']} of 20 random places"
        assert place["lines"][2].startswith("random places: ")
        assert Image.open(io.BytesIO(base64.b64decode(place["image"]))).size[0] <= 224
    assert "colour of the surroundings, 9 px, beside 20 random places in what the network sees" in part["hidden"]["how"]
    plain = ExportOptions(sheet=False, singles=False, report=True)
    written(model, records[:1], tmp_path / "plain", plain)
    page = (tmp_path / "plain" / "report.html").read_text(encoding="utf-8")
    assert json.loads(page.partition('id="part-0">')[2].partition("</script>")[0])["hidden"] is None
