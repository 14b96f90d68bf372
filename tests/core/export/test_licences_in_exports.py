"""What a model began with is said in everything that is made with it, if its licence forbids commercial use or is not known."""

import csv
import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_atlas import CLASSES, draw_pictures, made_up_comparison, write_atlas
from PIL import Image
from tiny_models import drawn_picture, tiny_header, tiny_network

import s3n_core
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import ImageRecord
from s3n_core.evaluation.evaluate import evaluate
from s3n_core.export.animation import AnimationOptions, animate
from s3n_core.export.evaluation_tables import accuracy_csv, by_class_csv
from s3n_core.export.figures.encoding import PICTURE_FORMATS
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.part_sheets import part_sheet, write_sheet
from s3n_core.export.file_request import Candidate, FileRequest
from s3n_core.export.job import ExportOptions, export
from s3n_core.export.onnx_export import metadata_of
from s3n_core.export.options import export_options
from s3n_core.export.preview import FirstFiles
from s3n_core.export.report.atlas_page import write_atlas_page
from s3n_core.inspection.hidden_place import write_hidden_place
from s3n_core.inspection.hide_places import hide_places
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspector import Inspector, inspect
from s3n_core.method.configuration import ModelHeader
from s3n_core.models.model_files import load_model, save_model
from s3n_core.models.opening import Model, open_model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.building import build_atlas
from s3n_core.parts.comparison.class_effects import write_class_table
from s3n_core.parts.comparison.class_matrix import class_matrix
from s3n_core.parts.comparison.stored_comparisons import keep_comparison
from s3n_core.prediction.job import predict_to_file
from s3n_core.prediction.tables import CSV_NAMES, read_json_table, write_table
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.server.codec import decode_hidden_places, encode_hidden_places
from s3n_core.system.resources import resource

ORIGINS = {
    "forbids": {"architecture": "convnextv2_atto", "tag": "fcmae", "licence": "cc-by-nc-4.0"},
    "unknown": {"architecture": "mobilenet_v2", "file": "theirs.pth", "licence": "unknown"},
    "allows": {"architecture": "convnext_tiny", "tag": "in12k", "licence": "apache-2.0"},
    "random": {},
}
SENTENCES = {
    "forbids": "The model began with the weights convnextv2_atto.fcmae, "
    "whose licence cc-by-nc-4.0 does not allow commercial use.",
    "unknown": "The model began with the weights theirs.pth, whose licence is not known.",
}
SHORT = {"forbids": "cc-by-nc-4.0 (no commercial use)", "unknown": "unknown"}
STYLE = FigureStyle(dpi=40, single_inches=1.0, panels=("peaks",))


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=ORIGINS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: str, tmp_path: Path) -> Model:
    header = tiny_header(origin=ORIGINS[kind])
    path = tmp_path / "model" / "tiny.safetensors"
    path.parent.mkdir()
    save_model(path, tiny_network(header.network), header)
    return open_model(path, device="cpu")


@pytest.fixture
def records(model: Model, tmp_path: Path) -> list[ImageRecord]:
    made = []
    for number in range(2):
        path = tmp_path / "images" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        drawn_picture(number).save(path)
        made.append(ImageRecord(path=path, name=path.name, label=number))
    return made


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def licences_in(rows: list[dict[str, str]]) -> set[str | None]:
    assert rows
    return {row.get("weights_licence") for row in rows}


def test_tables_of_predictions(kind: str, model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    for suffix in ("csv", "json"):
        for _ in predict_to_file(model, records, tmp_path / f"p.{suffix}", classes=model.classes):
            pass
    assert licences_in(rows_of(tmp_path / "p.csv")) == {SHORT.get(kind)}
    assert json.loads((tmp_path / "p.json").read_text()).get("weights_licence") == SHORT.get(kind)
    header, rows = read_json_table(tmp_path / "p.json")
    write_table(tmp_path / "saved.csv", header, rows)  # as the window saves one
    assert (tmp_path / "saved.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()
    if kind not in SHORT:
        assert tuple(rows_of(tmp_path / "p.csv")[0]) == CSV_NAMES


@pytest.mark.parametrize("format", PICTURE_FORMATS)
def test_pictures_arrays_index_and_report(
    kind: str, model: Model, records: list[ImageRecord], tmp_path: Path, format: str
) -> None:
    out = tmp_path / "out"
    options = ExportOptions(format=format, arrays=True, report=True, style=STYLE)  # type: ignore[arg-type]
    list(export(model, records, out, options, classes=model.classes))
    sentence = SENTENCES.get(kind, "The model began with")
    said = kind in SENTENCES
    ending = {"jpeg": "jpg"}.get(format, format)
    for picture in (out / f"0.{ending}", out / "0" / f"peaks.{ending}"):
        content = picture.read_bytes()
        if format == "pdf":  # its text is stored in UTF-16 or escaped: the sentence is looked for in either
            found = sentence.encode("utf-16-be") in content or sentence.encode() in content
        else:
            found = sentence.encode() in content
        assert found is said, picture
    with np.load(out / "0.npz") as arrays:
        assert json.loads(str(arrays["summary"])).get("licence") == SENTENCES.get(kind)
    assert licences_in(rows_of(out / "index.csv")) == {SHORT.get(kind)}
    assert rows_of(out / "index.csv")[0]["sheet"] == f"0.{ending}"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert ("(no commercial use)" in page) is (kind == "forbids")
    assert ("licence unknown" in page) is (kind == "unknown")


def test_the_table_of_hidden_peaks(kind: str, model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    list(export(model, records, tmp_path / "out", ExportOptions(sheet=False, singles=False, hidden_peaks=1)))
    assert licences_in(rows_of(tmp_path / "out" / "hidden_peaks.csv")) == {SHORT.get(kind)}


def test_the_index_of_a_stopped_export_goes_on(
    kind: str, model: Model, records: list[ImageRecord], tmp_path: Path
) -> None:
    options = ExportOptions(singles=False, style=STYLE)
    list(export(model, records, tmp_path / "out", options, classes=model.classes))
    changed = dataclasses.replace(options, style=dataclasses.replace(STYLE, dpi=50))
    job = export(model, records, tmp_path / "out", changed, classes=model.classes)
    next(job), next(job)
    job.close()  # the second row is of the earlier export
    rows = rows_of(tmp_path / "out" / "index.csv")
    assert [row["file"] for row in rows] == ["0.png", "1.png"]
    assert licences_in(rows) == {SHORT.get(kind)}


def test_the_preview_is_the_file(kind: str, model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    options = {"format": "png", "singles": False, "dpi": 40}
    list(export(model, records[:1], tmp_path / "out", export_options(**options)))
    images = tuple(Candidate(path=str(record.path), name=record.name) for record in records[:1])
    made = FirstFiles().make(Inspector(model), FileRequest(images=images, options=options, ending=".png"))
    assert made.content == (tmp_path / "out" / "0.png").read_bytes()
    assert Image.open(io.BytesIO(made.content)).info.get("Licence") == SENTENCES.get(kind)


def test_a_figure_that_a_program_draws_says_the_same_as_an_exported_one(
    kind: str, model: Model, records: list[ImageRecord], tmp_path: Path
) -> None:
    list(export(model, records[:1], tmp_path / "out", ExportOptions(format="png", singles=False)))
    drawn = s3n_core.figure(inspect(model, records[0].path, name=records[0].name))
    with Image.open(tmp_path / "out" / "0.png") as exported:
        assert drawn.info == {name: text for name, text in exported.info.items() if name != "dpi"}
    assert drawn.info.get("Licence") == SENTENCES.get(kind)


def test_the_numbers_of_a_hidden_place(kind: str, model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    with Image.open(records[0].path) as image:
        place = image.width / 2, image.height / 2
        found = hide_places(Inspector(model), image.convert("RGB"), [place], name="0", settings=HidingSettings(size=8))
    sent = decode_hidden_places(encode_hidden_places(found))  # as the window gets it
    write_hidden_place(tmp_path / "hidden place.json", sent[0])
    assert json.loads((tmp_path / "hidden place.json").read_text()).get("licence") == SENTENCES.get(kind)


def test_evaluations_and_onnx_files(kind: str, model: Model, records: list[ImageRecord]) -> None:
    result = evaluate(model, records, model.classes)
    assert result.to_dict().get("licence") == SENTENCES.get(kind)
    for text in (accuracy_csv(result), by_class_csv(result)):
        table = list(csv.DictReader(io.StringIO(text)))
        assert licences_in(table) == {SHORT.get(kind)}
        assert {row["model"] for row in table} == {model.digest}
    metadata = metadata_of(model, ("joint",))
    assert metadata.get("s3n.licence") == SENTENCES.get(kind)
    assert json.loads(metadata["s3n.network"])["origin"] == ORIGINS[kind]


def test_an_animation_of_a_run(kind: str, tmp_path: Path) -> None:
    run = RunDirectory(Path(shutil.copytree(resource("demo/runs/demo"), tmp_path / "run")))
    file = run.checkpoints / "step-0000001.safetensors"
    file.parent.mkdir(exist_ok=True)
    (run.checkpoints / "last").write_text(f"{file.stem}\n")
    header: ModelHeader = tiny_header(origin=ORIGINS[kind])
    save_model(file, tiny_network(header.network), header)
    animate(run.path, tmp_path / "a.gif", AnimationOptions(width=240))
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info.get("comment", b"").decode() == SENTENCES.get(kind, "")


def test_an_atlas_knows_what_its_model_began_with(
    kind: str, model: Model, records: list[ImageRecord], tmp_path: Path
) -> None:
    for number in range(2):
        folder = tmp_path / "classes" / model.classes[number]
        folder.mkdir(parents=True)
        for seed in range(3):
            drawn_picture(10 * number + seed).save(folder / f"{seed}.png")
    data_set = open_data_set(tmp_path / "classes")
    for _ in build_atlas(model, data_set, data_set.records, tmp_path / "atlas", split="all", parts=2):
        pass
    assert Atlas(tmp_path / "atlas").licence_notice == SENTENCES.get(kind, "")


def test_pages_tables_and_sheets_of_an_atlas(kind: str, tmp_path: Path) -> None:
    files = draw_pictures(tmp_path / "data", 4)
    atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", files, origin=ORIGINS[kind])
    keep_comparison(atlas, made_up_comparison(atlas, *CLASSES[:2]))
    write_atlas_page(atlas, tmp_path / "atlas.html")
    page = (tmp_path / "atlas.html").read_text(encoding="utf-8")
    assert ("The model began with" in page) is (kind in SENTENCES)
    assert SENTENCES.get(kind, "") in page
    atlas.write_peaks(tmp_path / "peaks.csv")
    write_class_table(tmp_path / "matrix.csv", atlas, class_matrix(atlas))
    for table in ("peaks.csv", "matrix.csv"):
        assert licences_in(rows_of(tmp_path / table)) == {SHORT.get(kind)}
    atlas.write_coco(tmp_path / "coco.json")
    coco = json.loads((tmp_path / "coco.json").read_text())
    assert coco.get("info", {}).get("description") == SENTENCES.get(kind)
    write_sheet(part_sheet(atlas, 0, dpi=72), tmp_path / "part.png", "part", atlas.licence_notice)
    with Image.open(tmp_path / "part.png") as image:
        assert image.info.get("Licence") == SENTENCES.get(kind)


def test_a_model_file_keeps_it(kind: str, model: Model) -> None:
    assert load_model(model.path)[1].network.origin == ORIGINS[kind]
