"""Contributions in exported files: the panel, the numbers and the report, from the passes that the export makes anyway."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from drawn_contributions import drawn_contributions
from drawn_inspection import drawn_inspection, pixels_of
from PIL import Image
from tiny_models import drawn_picture

import s3n_core
from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.errors import S3NError
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import panel_figure, panel_page
from s3n_core.export.hide_peaks import hide_peaks
from s3n_core.export.image_files import arrays_bytes
from s3n_core.export.job import export
from s3n_core.export.options import ExportOptions, export_options
from s3n_core.export.report.report_image import part_bytes
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.palettes import DIVERGING, palette_bytes
from s3n_core.method.network import S3N
from s3n_core.models.opening import Model

STYLE = FigureStyle(dpi=100, single_inches=4, opacity=1.0)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRecord]:
    root = tmp_path_factory.mktemp("images")
    made = []
    for number in range(2):
        path = root / f"bird {number}.png"
        drawn_picture(number).save(path)
        box = Box(x=5, y=5, width=110, height=70) if number else None
        made.append(ImageRecord(path=path, name=path.name, box=box))
    return made


def test_colours_are_grey_at_zero_and_say_the_sign() -> None:
    inspection = drawn_inspection((400, 400))
    view = drawn_contributions({(0, 0): 2.0, (3, 3): -2.0, (3, 0): -1.0}, size=(400, 400))
    picture = pixels_of(panel_figure(inspection, "contributions", STYLE, contributions=view))
    palette = np.frombuffer(palette_bytes(DIVERGING), dtype=np.uint8).reshape(256, 3).astype(int)
    np.testing.assert_allclose(picture[150, 250], palette[127], atol=2)
    assert np.ptp(palette[127]) <= 1, "grey"
    # A sixteenth of the area has 2 logits: 0.32 per hundredth, below the bar's end of 0.4.
    for (row, column), level in {(50, 50): 255 * 0.9, (350, 350): 255 * 0.1, (350, 50): 255 * 0.3}.items():
        np.testing.assert_allclose(picture[row, column], palette[round(level)], atol=4)


def test_below_it_stand_the_range_the_question_and_the_margin() -> None:
    inspection = drawn_inspection((300, 200))
    view = drawn_contributions({(0, 0): 2.0, (2, 2): -0.5})
    page = panel_page(inspection, "contributions", STYLE, contributions=view)
    texts = [text.text for text in page.texts]
    assert texts == ["−0.4", "−0.2", "0", "0.2", "0.4", "Red bird over Blue bird", "margin +1.75"]


def test_a_figure_without_the_contributions_says_what_is_missing() -> None:
    inspection = drawn_inspection()
    with pytest.raises(ValueError, match="needs contributions"):
        s3n_core.figure(inspection, panels="contributions")
    view = drawn_contributions({(0, 0): 1.0})
    drawn = s3n_core.figure(inspection, panels="contributions", contributions=view.contributions)
    assert drawn.tobytes() == panel_figure(inspection, "contributions", FigureStyle(), contributions=view).tobytes()


def test_files_hold_the_margin_of_the_scores_and_no_pass_is_added(
    model: Model, records: list[ImageRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    features = S3N.features

    def counted(self: S3N, images: object, *args: object, **named: object) -> object:
        passes.append(len(images))  # type: ignore[arg-type]
        return features(self, images, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(S3N, "features", counted)
    plain = ExportOptions(singles=False, style=FigureStyle(dpi=40))
    list(export(model, records, tmp_path / "plain", plain))
    before, passes[:] = sorted(passes), []
    style = FigureStyle(dpi=40, panels=("contributions", "peaks"))
    list(export(model, records, tmp_path / "out", ExportOptions(arrays=True, report=True, style=style)))
    assert sorted(passes) == before

    for number, record in enumerate(records):
        stem = tmp_path / "out" / record.name.removesuffix(".png")
        with np.load(stem.with_suffix(".npz"), allow_pickle=False) as arrays:
            logits = np.sort(arrays["logits_joint"].astype(np.float64))
            summary = json.loads(str(arrays["summary"]))["contributions"]
            cells = sum(arrays[f"contributions_{branch}"].sum(dtype=np.float64) for branch in "odc")
            of_map = float(arrays["contribution_map"].mean(dtype=np.float64)) * 100
            assert arrays["contribution_xy_d"].shape == (*arrays["contributions_d"].shape, 2)
        margin = logits[-1] - logits[-2]
        assert summary["total"] == pytest.approx(margin, abs=1e-4)
        assert cells + summary["bias"] == pytest.approx(margin, abs=1e-4)
        assert of_map == pytest.approx(cells, abs=1e-4)
        kinds = [row["kind"] for row in summary["rows"]]
        assert kinds[-3:] == ["elsewhere", "outside", "bias"] if number else kinds[-2:] == ["elsewhere", "bias"]
        assert sum(row["contribution"] for row in summary["rows"]) == pytest.approx(margin, abs=1e-4)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count('"question":') == len(records)


def test_a_rival_is_chosen_by_name(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    name = model.classes[1]
    options = export_options(sheet=False, singles=False, arrays=True, versus=name)
    list(export(model, records, tmp_path / "out", options))
    for record in records:
        with np.load((tmp_path / "out" / record.name).with_suffix(".npz"), allow_pickle=False) as arrays:
            summary = json.loads(str(arrays["summary"]))
        asked = summary["contributions"]
        assert asked["target"]["class"] == summary["prediction"]["class"]
        assert asked["versus"]["class"] == name or asked["target"]["class"] == name
    with pytest.raises(S3NError, match="no class 'nobody'"):
        list(export(model, records, tmp_path / "other", export_options(versus="nobody")))
    assert not (tmp_path / "other").exists()
    assert "versus" not in export_options().to_dict()


def test_the_ledger_of_the_report_adds_up_and_has_what_was_hidden(model: Model, records: list[ImageRecord]) -> None:
    inspector, record = Inspector(model), records[1]
    image = Image.open(record.path).convert("RGB")
    ((inspection, view),) = inspector.explain_batch(
        [image], [record.name], lambda scores: (0, scores.rival(0)), boxes=[record.box]
    )
    assert view is not None
    plain = json.loads(part_bytes(inspection, None, contributions=view).splitlines()[1])["why"]
    assert [row["relied"] for row in plain["rows"]] == [None] * len(plain["rows"])
    assert "relies" not in json.dumps(plain)
    said = [float(row["text"].replace("−", "-")) for row in plain["rows"]]
    assert sum(said) == pytest.approx(float(plain["total"].replace("−", "-")), abs=1e-9)
    logits = inspection.scores.logits["joint"].astype(float)
    assert float(plain["total"].replace("−", "-")) == pytest.approx(logits[0] - np.delete(logits, 0).max(), abs=0.0051)
    hidden = hide_peaks(inspector, image, record, inspection, 1, HidingSettings(size=9))
    tested = json.loads(part_bytes(inspection, None, contributions=view, hidden=hidden).splitlines()[1])["why"]
    assert [row["relied"] is not None for row in tested["rows"]] == [True] + [False] * (len(plain["rows"]) - 1), (
        hidden.error
    )
    assert tested["sentence"]


def test_the_arrays_of_a_file_without_contributions_are_as_before() -> None:
    with np.load(io.BytesIO(arrays_bytes(drawn_inspection()))) as arrays:
        assert not [name for name in arrays if name.startswith("contribution")]
