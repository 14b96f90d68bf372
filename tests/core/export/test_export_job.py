import csv
import dataclasses
import json
import os
import re
import shutil
import threading
from contextlib import closing

import numpy as np
import pytest
import torch
from PIL import Image

from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.datasets.transforms import Preprocess
from s3n_core.errors import OutputError
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.job import ExportOptions, export
from s3n_core.inspection.inspector import inspect
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.model_files import save_model
from s3n_core.models.network_outputs import rule_names
from s3n_core.models.opening import open_model
from s3n_core.prediction.job import header_of, predict, predict_to_file
from s3n_core.prediction.tables import CSV_NAMES, csv_record, read_json_table
from s3n_core.system.json_values import to_json

CLASSES = ("grey bird", "blue bird", "red bird")
STYLE = FigureStyle(dpi=40, single_inches=1.0, panels=("peaks", "map_d"))


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def made_model(folder, **choices):
    config = NetworkConfig(num_classes=3, backbone="mobilenet_v2", input_size=64, source_size=64, **choices)
    torch.manual_seed(0)
    path = folder / "tiny.safetensors"
    preprocess = to_json(Preprocess(input_size=64, source_size=64))
    save_model(path, S3N(config).eval(), ModelHeader(network=config, classes=CLASSES, preprocess=preprocess))
    return open_model(path, device="cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return made_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Two images with the same stem in two folders, a broken one between them, and one named in another script."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    made = []
    for number, name in enumerate(("a/bird.png", "broken.jpg", "b/bird.png", "ç/鳥.png")):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if "broken" in name:
            path.write_bytes(b"no picture")
        else:
            Image.fromarray(rng.integers(0, 256, (50 + number, 70, 3), dtype=np.uint8)).save(path)
        made.append(ImageRecord(path=path, name=name, label=number % 3))
    return made


def rows_of(out):
    with open(out / "index.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_everything_is_written_and_the_index_tells_of_it(model, records, tmp_path):
    out = tmp_path / "new" / "folder"
    options = ExportOptions(arrays=True, style=STYLE)
    with closing(export(model, records, out, options, classes=CLASSES, batch_size=2)) as job:
        steps = list(job)
    assert [step.done for step in steps] == [0, 1, 2, 3, 4, 4]
    assert [step.name for step in steps[1:-1]] == [record.name for record in records]
    assert steps[-1].finished
    assert steps[-1].left_out == 1
    assert steps[2].error == "it is not an image of a known format"
    stems = ("a/bird", "b/bird", "ç/鳥")
    endings = (".jpg", ".npz", "/map_d.jpg", "/peaks.jpg")
    assert files_below(out) == sorted(["index.csv", *(stem + ending for stem in stems for ending in endings)])
    rows = rows_of(out)
    assert [row["file"] for row in rows] == [record.name for record in records]
    assert [row["label"] for row in rows] == ["grey bird", "blue bird", "red bird", "grey bird"]
    assert rows[1]["error"]
    assert not rows[1]["class"]
    assert rows[0]["sheet"] == "a/bird.jpg"
    assert rows[0]["folder"] == "a/bird"
    assert rows[0]["arrays"] == "a/bird.npz"
    for index in (0, 2, 3):
        inspection = inspect(model, records[index].path, name=records[index].name)
        assert rows[index]["class"] == inspection.top()[0].name
        assert rows[index]["correct"] == str(rows[index]["class"] == rows[index]["label"]).lower()
        # The same words as in a prediction table.
        assert rows[index]["rule"] == rule_names(model.network.config)[inspection.response.sure]
        with np.load(out / rows[index]["arrays"]) as arrays:
            np.testing.assert_allclose(arrays["response"], inspection.response.map, atol=1e-4)
    assert Image.open(out / "a/bird/peaks.jpg").size == (40, 29)


def test_png_sheets_alone_lie_beside_one_another(model, records, tmp_path):
    options = ExportOptions(singles=False, format="png", style=STYLE)
    steps = list(export(model, records[:1], tmp_path, options))
    assert files_below(tmp_path) == ["a/bird.png", "index.csv"]
    assert steps[1].files == (tmp_path / "a" / "bird.png",)
    assert rows_of(tmp_path)[0]["label"] == ""
    assert Image.open(tmp_path / "a" / "bird.png").format == "PNG"


def test_the_index_has_the_columns_and_values_of_a_table_of_predictions(model, records, tmp_path):
    list(export(model, records, tmp_path, ExportOptions(singles=False, style=STYLE), classes=CLASSES))
    table = [row for batch in predict(model, records, classes=CLASSES) for row in batch]
    with open(tmp_path / "index.csv", encoding="utf-8", newline="") as file:
        heading = next(csv.reader(file))
    assert heading == [*CSV_NAMES, "sheet", "folder", "arrays"]
    numbers = {"probability", "entropy", "margin", "agreement"} | {
        f"probability_{rank}" for rank in ("2", "3", "4", "5", "O", "D", "C")
    }
    for made, row in zip(rows_of(tmp_path), table, strict=True):
        for name, cell in zip(CSV_NAMES, csv_record(row), strict=True):
            if cell is None:
                assert made[name] == "", name
            elif name in numbers:
                assert float(made[name]) == pytest.approx(float(cell), rel=1e-4, abs=1e-5), name
            elif name != "peak_places":
                assert made[name] == str(cell), name


def test_a_table_of_predictions_beside_the_figures_also_after_a_stop(model, records, tmp_path):
    out, table = tmp_path / "figures", tmp_path / "tables" / "predictions.json"
    options = ExportOptions(singles=False, style=STYLE)
    with closing(export(model, records, out, options, classes=CLASSES, predictions=table)) as job:
        next(job), next(job)
    assert not table.exists()  # it is written whole, or not at all
    steps = list(export(model, records, out, options, classes=CLASSES, predictions=table))
    assert steps[-1].resumed == 1
    header, rows = read_json_table(table)
    assert header == header_of(model, records, CLASSES)
    predicted = [row for batch in predict(model, records, classes=CLASSES) for row in batch]
    for own, row in zip(rows, predicted, strict=True):
        assert (own.file, own.class_name, own.label, own.error) == (row.file, row.class_name, row.label, row.error)
        assert own.probability == (row.probability if row.error else pytest.approx(row.probability, rel=1e-4))
    with pytest.raises(OutputError, match=r"\.csv or \.json"):
        list(export(model, records, out, options, predictions=tmp_path / "table.txt"))


def test_a_branch_that_only_defines_the_warps_is_in_no_row(records, tmp_path):
    """O's scores are in the inspection of a network of D and C, whose predictions are D's and C's."""
    of_two, out, table = made_model(tmp_path, branches="D+C"), tmp_path / "out", tmp_path / "predictions.json"
    options = ExportOptions(sheet=False, singles=False, report=True)
    list(export(of_two, records, out, options, classes=CLASSES, predictions=table))
    predicted = [row for batch in predict(of_two, records, classes=CLASSES) for row in batch]
    own, by_letter = list(read_json_table(table)[1]), dict(predicted[0].branches)
    assert [row.branches for row in own] == [row.branches for row in predicted]
    assert [row.agreement for row in own] == [row.agreement for row in predicted]
    assert list(by_letter) == ["D", "C"]
    assert rows_of(out)[0]["class_O"] == ""
    data = json.loads(re.search(r'id="report">(.*?)</script>', (out / "report.html").read_text(encoding="utf-8"))[1])
    assert data["images"][0][8] == {letter: CLASSES.index(name) for letter, name in by_letter.items()}


def test_labels_of_other_classes_are_named_and_neither_correct_nor_wrong(model, records, tmp_path):
    list(export(model, records[:1], tmp_path, ExportOptions(singles=False, style=STYLE), classes=["a fish"]))
    assert rows_of(tmp_path)[0]["label"] == "a fish"
    assert rows_of(tmp_path)[0]["correct"] == ""  # as in a table of predictions


def test_closed_early_it_leaves_whole_files_an_index_and_no_thread(model, records, tmp_path):
    threads = threading.active_count()
    job = export(model, records, tmp_path, ExportOptions(singles=False, style=STYLE), batch_size=1)
    assert next(job).done == 0
    assert next(job).done == 1
    job.close()
    assert files_below(tmp_path) == ["a/bird.jpg", "index.csv", "index.csv.part"]
    assert len(rows_of(tmp_path)) == 1
    assert threading.active_count() == threads


def stopped_after(count, model, records, out, options):
    job = export(model, records, out, options, classes=CLASSES, batch_size=1)
    for _ in range(1 + count):
        next(job)
    job.close()


def all_of(out):
    return {name: (out / name).read_bytes() for name in files_below(out)}


def test_an_interrupted_export_goes_on(model, records, tmp_path):
    options = ExportOptions(arrays=True, style=STYLE)
    whole, out = tmp_path / "whole", tmp_path / "out"
    list(export(model, records, whole, options, classes=CLASSES, batch_size=1))
    stopped_after(2, model, records, out, options)
    first = out / "a/bird.jpg"
    before = first.stat().st_mtime_ns
    steps = list(export(model, records, out, options, classes=CLASSES, batch_size=1))
    assert [(step.done, step.resumed, step.name) for step in steps] == [
        (2, 2, ""),
        (3, 2, records[2].name),
        (4, 2, records[3].name),
        (4, 2, ""),
    ]
    assert (steps[0].left_out, steps[-1].left_out) == (1, 1)
    assert first.stat().st_mtime_ns == before
    assert all_of(out) == all_of(whole), "as if it had never been stopped"


def test_what_changed_since_is_written_anew(model, records, tmp_path):
    options = ExportOptions(singles=False, style=STYLE)
    mine = []
    for record in records:
        path = tmp_path / "images" / record.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record.path.read_bytes())
        mine.append(dataclasses.replace(record, path=path))
    out = tmp_path / "out"
    stopped_after(3, model, mine, out, options)
    os.utime(mine[0].path, ns=(1, 1))  # another image
    (out / "b/bird.jpg").write_bytes(b"")  # a file emptied by a power failure
    steps = list(export(model, mine, out, options, classes=CLASSES))
    assert steps[0].resumed == 1, "the unreadable one"
    assert [step.name for step in steps[1:-1]] == [mine[at].name for at in (0, 2, 3)]
    assert [row["file"] for row in rows_of(out)] == [record.name for record in mine]
    assert (out / "b/bird.jpg").stat().st_size > 0


def test_stopping_a_finished_export_that_runs_again_keeps_its_index(model, records, tmp_path):
    options = ExportOptions(singles=False, style=STYLE)
    list(export(model, records, tmp_path, options, classes=CLASSES, batch_size=1))
    whole = rows_of(tmp_path)
    stopped_after(1, model, records, tmp_path, options)
    assert [row for row in rows_of(tmp_path) if row["sheet"]] == [row for row in whole if row["sheet"]]
    (tmp_path / whole[3]["sheet"]).unlink()
    stopped_after(1, model, records, tmp_path, options)
    assert [row["file"] for row in rows_of(tmp_path)] == [record.name for record in records[:3]]


def test_an_export_of_some_images_leaves_a_stopped_one_of_all_as_it_is(model, records, tmp_path):
    options = ExportOptions(singles=False, style=STYLE)
    stopped_after(3, model, records, tmp_path, options)
    before = rows_of(tmp_path)
    list(export(model, records[:1], tmp_path, options, classes=CLASSES, batch_size=1))
    assert [row for row in rows_of(tmp_path) if row["sheet"]] == [row for row in before if row["sheet"]]
    steps = list(export(model, records, tmp_path, options, classes=CLASSES, batch_size=1))
    assert steps[0].resumed == 3
    assert [row["file"] for row in rows_of(tmp_path)] == [record.name for record in records]
    assert not (tmp_path / "index.csv.part").exists()


def test_warnings_are_those_of_a_prediction_and_survive_a_stop(tmp_path):
    model = made_model(tmp_path, control="other_image")
    wide = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 4096, (60, 70), dtype=np.uint16)).save(path)
        wide.append(ImageRecord(path=path, name=path.name))
    expected = [step.warnings for step in predict_to_file(model, wide, tmp_path / "a.json", classes=CLASSES)][-1]
    assert len(expected) == 2
    options = ExportOptions(singles=False, style=STYLE)
    stopped_after(len(wide), model, wide, tmp_path / "out", options)
    table = tmp_path / "b.json"
    steps = list(export(model, wide, tmp_path / "out", options, classes=CLASSES, predictions=table))
    assert steps[0].resumed == len(wide)
    assert steps[-1].warnings == read_json_table(table)[0].warnings == expected


def test_an_image_with_another_box_is_written_anew(model, records, tmp_path):
    options = ExportOptions(singles=False, style=STYLE)
    stopped_after(3, model, records, tmp_path, options)
    boxed = [dataclasses.replace(records[0], box=Box(x=1, y=1, width=20, height=20)), *records[1:]]
    steps = list(export(model, boxed, tmp_path, options, classes=CLASSES))
    assert [step.name for step in steps[1:-1]] == [records[0].name, records[3].name]
    assert rows_of(tmp_path)[0]["peaks_outside"] != ""


@pytest.mark.parametrize("other", ["options", "restart", "torn"])
def test_an_export_that_cannot_go_on_begins_anew(model, records, tmp_path, other):
    options = ExportOptions(singles=False, style=STYLE)
    stopped_after(2, model, records, tmp_path, options)
    part = tmp_path / "index.csv.part"
    if other == "torn":
        part.write_bytes(part.read_bytes()[:30])
    if other == "options":
        options = ExportOptions(singles=False, style=dataclasses.replace(STYLE, opacity=0.2))
    steps = list(export(model, records, tmp_path, options, classes=CLASSES, restart=other == "restart"))
    assert steps[0].resumed == 0
    assert len(rows_of(tmp_path)) == 4
    assert not part.exists()


def test_a_second_export_into_the_folder_is_refused_and_foreign_files_are_left_alone(model, records, tmp_path):
    options = ExportOptions(singles=False, style=STYLE)
    job = export(model, records, tmp_path, options)
    next(job)
    with pytest.raises(OutputError, match="Another job"):
        next(export(model, records, tmp_path, options))
    job.close()
    (tmp_path / "index.csv.part").write_text("mine")
    with pytest.raises(OutputError, match="in the way"):
        next(export(model, records, tmp_path, options))
    assert (tmp_path / "index.csv.part").read_text() == "mine"


def test_the_folder_is_a_file(model, records, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(OutputError, match="a file has the name of one of its folders"):
        list(export(model, records, file, ExportOptions(style=STYLE)))
    assert file.read_text() == "mine"


def test_a_full_disk_is_said_and_leaves_no_half_file(model, records, small_disk):
    small_disk.fill()
    with pytest.raises(OutputError, match="disk is full"):
        list(export(model, records, small_disk.path / "out", ExportOptions(style=STYLE)))
    small_disk.free()
    assert [name for name in files_below(small_disk.path) if name.endswith((".jpg", ".tmp"))] == []


def test_a_read_only_disk_is_said(model, records, small_disk):
    small_disk.make_read_only()
    with pytest.raises(OutputError, match="read-only"):
        list(export(model, records, small_disk.path / "out", ExportOptions(style=STYLE)))


def test_an_answer_that_is_no_number_is_left_out_with_a_reason(model, records, tmp_path, monkeypatch):
    weight = model.network.joint.weight
    with torch.no_grad():
        kept = weight.clone()
        weight.fill_(float("nan"))
        try:
            steps = list(export(model, records[:1], tmp_path, ExportOptions(style=STYLE)))
        finally:
            weight.copy_(kept)
    assert "not a finite number" in steps[1].error
    assert files_below(tmp_path) == ["index.csv"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file names of bytes")
def test_a_name_of_bytes_that_are_no_text(model, records, tmp_path):
    folder = os.fsencode(tmp_path) + b"/in\xff"
    os.mkdir(folder)
    with open(folder + b"/\xfe.png", "wb") as file:
        file.write(records[0].path.read_bytes())
    path = tmp_path / os.fsdecode(b"in\xff") / os.fsdecode(b"\xfe.png")
    record = ImageRecord(path=path, name=os.fsdecode(b"in\xff/\xfe.png"))
    out = tmp_path / "out"
    steps = list(export(model, [record], out, ExportOptions(style=STYLE)))
    assert not steps[1].error
    assert files_below(out) == ["in_/_.jpg", "in_/_/map_d.jpg", "in_/_/peaks.jpg", "index.csv"]


def test_a_report_of_an_interrupted_export_holds_every_image(model, records, tmp_path):
    options = ExportOptions(sheet=False, singles=False, report=True)
    stopped_after(3, model, records, tmp_path, options)
    assert not (tmp_path / "report.html").exists()
    steps = list(export(model, records, tmp_path, options, classes=CLASSES))
    assert steps[0].resumed == 3
    assert [step.files for step in steps] == [()] * len(steps), "parts are no files that a person asked for"
    assert files_below(tmp_path) == ["index.csv", "report.html"]
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="report">(.*?)</script>', text)[1])
    assert [row[0] for row in data["images"]] == [record.name for record in records if "broken" not in record.name]
    assert data["left_out"][0][0] == "broken.jpg"
    assert len(re.findall('id="part-', text)) == 3
    assert "<title>tiny.safetensors on images" in text
    assert {row["sheet"] for row in rows_of(tmp_path)} == {""}


def test_an_export_is_never_taken_for_images(model, records, tmp_path):
    """Known while it runs and after it, without its name."""
    photos = tmp_path / "photos"
    shutil.copytree(records[0].path.parent.parent, photos)
    images = list(FolderTree(photos).images())
    copies = [dataclasses.replace(record, path=photos / record.name) for record in records]
    options = ExportOptions(sheet=True, singles=False, style=STYLE)
    with closing(export(model, copies, photos / "a" / "out", options, classes=CLASSES)) as steps:
        next(step for step in steps if step.files)
        assert list(FolderTree(photos).images()) == images
    list(export(model, copies, photos / "a" / "out", options, classes=CLASSES))
    assert any((photos / "a" / "out").rglob("*.jpg"))
    assert not (photos / "a" / "out" / "index.csv.part").exists()
    assert list(FolderTree(photos).images()) == images


@pytest.mark.parametrize("place", [".", "..", "a"])
def test_an_export_among_the_images_is_refused(model, records, place):
    root = records[0].path.parent.parent
    before = files_below(root)
    with pytest.raises(OutputError, match="holds the images themselves"):
        next(export(model, records, root / place, ExportOptions(), classes=CLASSES))
    assert files_below(root) == before
