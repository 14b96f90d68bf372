"""The preview of an export: the same bytes as the exported file, and nothing unchanged is recomputed."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_model import save_random_model

from s3n_core.datasets.opening import open_images
from s3n_core.datasets.records import Box, ImageRecord, Part
from s3n_core.errors import DataSetError, MessageError, S3NError
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.file_request import MOST_CANDIDATES, Candidate, FileRequest, candidates
from s3n_core.export.job import ExportOptions, export
from s3n_core.export.preview import FirstFiles
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import Model, open_model
from s3n_core.server.codec import decode_file_request
from s3n_core.system.json_values import to_json

LOOK = {"dpi": 40, "single_inches": 1.0, "panels": ("peaks", "map_d")}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return open_model(save_random_model(tmp_path_factory.mktemp("model") / "m.safetensors"), device="cpu")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder whose first file is broken, and whose second shares its stem with it."""
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"no picture")
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    for name in ("a.png", "b.png"):
        Image.fromarray(noise).save(folder / name)
    return folder


def test_it_is_the_file_that_an_export_writes(model: Model, images: Path, tmp_path: Path) -> None:
    files, inspector = FirstFiles(), Inspector(model)
    first = files.make(inspector, request(images, arrays=True))
    data_set = open_images(images)
    records = data_set.records
    style = FigureStyle(panels=("peaks", "map_d"), dpi=40, single_inches=1.0)
    options = ExportOptions(arrays=True, style=style)
    steps = list(export(model, records, tmp_path / "out", options, batch_size=1))
    written = next(step for step in steps if step.files)
    assert [tmp_path / "out" / name for name in first.files.values()] == list(written.files)
    assert first.image == written.name == "a.png"
    for ending, name in first.files.items():
        made = files.make(inspector, replace(request(images, arrays=True), ending=ending))
        assert made.name == name
        assert made.content == (tmp_path / "out" / name).read_bytes()


def test_a_banner_is_cut_off_as_in_the_export(model: Model, images: Path, tmp_path: Path) -> None:
    whole = FirstFiles().make(Inspector(model), request(images)).content
    (tmp_path / "images_variant_train.txt").write_text("a F-16A/B\n")  # this makes them FGVC-Aircraft photographs
    made = FirstFiles().make(Inspector(model), request(images))
    style = FigureStyle(panels=("peaks", "map_d"), dpi=40, single_inches=1.0)
    records = open_images(images).records
    assert {record.banner for record in records} == {20}
    steps = list(export(model, records, tmp_path / "out", ExportOptions(style=style), batch_size=1))
    assert any(step.files for step in steps)
    assert made.content == (tmp_path / "out" / made.name).read_bytes() != whole


def test_the_network_looks_once_until_the_file_is_another(
    model: Model, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, inspector, looked = FirstFiles(), Inspector(model), []
    prepare = inspector.prepare_batch
    monkeypatch.setattr(
        inspector, "prepare_batch", lambda *given, **named: looked.append(1) or prepare(*given, **named)
    )
    contents = {files.make(inspector, request(images, **look)).content for look in ({}, {"opacity": 1.0})}
    assert (len(contents), len(looked)) == (2, 1)
    Image.new("RGB", (50, 50), "red").save(images / "a.png")
    contents.add(files.make(inspector, request(images)).content)
    assert (len(contents), len(looked)) == (3, 2)


def test_the_true_class_is_that_of_the_export(model: Model, tmp_path: Path) -> None:
    for number, name in enumerate(("sparrow", "wren", "wren")):
        folder = tmp_path / "birds" / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (50, 50), ("red", "green", "blue")[number]).save(folder / f"{number}.png")
    (tmp_path / "birds" / "sparrow" / "0.png").write_bytes(b"")
    data_set = open_images(tmp_path / "birds")
    options = ExportOptions(style=FigureStyle(panels=("peaks", "map_d"), dpi=40, single_inches=1.0))
    list(export(model, data_set.records, tmp_path / "out", options, classes=data_set.classes, batch_size=1))
    made = FirstFiles().make(Inspector(model), request(tmp_path / "birds"))
    assert made.image == "wren/1.png"
    assert made.content == (tmp_path / "out" / made.name).read_bytes()


def test_no_data_set_is_opened_for_it(model: Model, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = request(images)

    def refuse(*_: object) -> None:
        raise AssertionError("a folder was listed")

    with monkeypatch.context() as patch:
        for name in ("scandir", "listdir", "walk"):
            patch.setattr(os, name, refuse)
        assert FirstFiles().make(Inspector(model), wanted).image == "a.png"


def test_only_the_first_images_are_handed_over(tmp_path: Path) -> None:
    records = [ImageRecord(path=tmp_path / f"{n}.png", name=f"{n}.png", label=n % 2) for n in range(1000)]
    handed = candidates(records, ("wren", "sparrow"))
    assert len(handed) == MOST_CANDIDATES
    assert handed[1] == Candidate(path=str(tmp_path / "1.png"), name="1.png", truth="sparrow")
    assert candidates(records[:1], ())[0].truth is None
    boxed = replace(records[0], box=Box(x=1, y=2, width=3, height=4), parts=(Part(name="beak", x=5, y=6),))
    wanted = FileRequest(images=candidates([boxed], ()), options={})
    assert decode_file_request(json.loads(json.dumps(to_json(wanted)))) == wanted


def test_a_request_comes_back_from_json(images: Path) -> None:
    wanted = request(images, opacity=0.5)
    assert decode_file_request({**json.loads(json.dumps(to_json(wanted))), "generation": 3}) == wanted
    for junk in ({"images": "x"}, {"images": [{"path": 3, "name": "x"}], "options": {}, "ending": ""}):
        with pytest.raises(MessageError, match="damaged"):
            decode_file_request(junk)


def test_what_cannot_be_made_is_said(model: Model, images: Path) -> None:
    files, inspector = FirstFiles(), Inspector(model)
    with pytest.raises(S3NError, match="no panel 'face'"):
        files.make(inspector, replace(request(images), options={"panels": ["face"]}))
    with pytest.raises(S3NError, match="options"):
        files.make(inspector, replace(request(images), options={"colour": 3}))
    for name in ("a.png", "b.png"):
        (images / name).write_bytes(b"")
    with pytest.raises(DataSetError, match="None of the first 3 images"):
        files.make(inspector, request(images))


def request(images: Path, **look: object) -> FileRequest:
    """The window's request for the preview of a folder's export."""
    data_set = open_images(images)
    return FileRequest(images=candidates(data_set.records, data_set.classes), options={**LOOK, **look})
