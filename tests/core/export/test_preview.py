"""The first file of an export: the same bytes as the export's own, and nothing done twice that does not change."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_model import save_random_model

from s3n_core.errors import DataSetError, S3NError
from s3n_core.export import preview
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.file_request import FileRequest
from s3n_core.export.job import ExportOptions, export
from s3n_core.export.preview import FirstFiles
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import Model, open_model
from s3n_core.system.json_values import from_json

LOOK = {"dpi": 40, "single_inches": 1.0, "panels": ["peaks", "map_d"]}


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
    wish = FileRequest(images=str(images), options={**LOOK, "arrays": True})
    first = files.make(inspector, wish)
    from s3n_core.datasets.opening import open_images

    records = open_images(images).records
    style = FigureStyle(panels=("peaks", "map_d"), dpi=40, single_inches=1.0)
    options = ExportOptions(arrays=True, style=style)
    steps = list(export(model, records, tmp_path / "out", options, batch_size=1))
    written = next(step for step in steps if step.files)
    assert [tmp_path / "out" / name for name in first.files.values()] == list(written.files)
    assert first.image == written.name == "a.png"
    assert first.images == len(records)
    for ending, name in first.files.items():
        made = files.make(inspector, FileRequest(images=str(images), options={**LOOK, "arrays": True}, ending=ending))
        assert made.name == name
        assert made.content == (tmp_path / "out" / name).read_bytes()


def test_the_network_looks_once(model: Model, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, inspector, looked = FirstFiles(), Inspector(model), []
    prepare = inspector.prepare
    monkeypatch.setattr(inspector, "prepare", lambda *given: looked.append(1) or prepare(*given))
    wish = FileRequest(images=str(images), options={**LOOK, "singles": False})
    contents = {files.make(inspector, wish).content}
    monkeypatch.setattr(preview, "open_images", None)
    contents.add(files.make(inspector, FileRequest(images=str(images), options={**LOOK, "opacity": 1.0})).content)
    assert (len(contents), len(looked)) == (2, 1)
    monkeypatch.undo()
    files.make(inspector, FileRequest(images=str(images), options=LOOK, again=True))


def test_what_cannot_be_made_is_said(model: Model, images: Path) -> None:
    files, inspector = FirstFiles(), Inspector(model)
    with pytest.raises(S3NError, match="no panel 'face'"):
        files.make(inspector, FileRequest(images=str(images), options={"panels": ["face"]}))
    with pytest.raises(S3NError, match="options"):
        files.make(inspector, FileRequest(images=str(images), options={"colour": 3}))
    with pytest.raises(DataSetError, match="no part 'test'"):
        files.make(inspector, FileRequest(images=str(images), part="test", options=LOOK))
    for name in ("a.png", "b.png"):
        (images / name).write_bytes(b"")
    with pytest.raises(DataSetError, match="None of the first 3 images"):
        files.make(inspector, FileRequest(images=str(images), options=LOOK))
    with pytest.raises(ValueError, match="options"):
        from_json(FileRequest, {"images": "x"})
