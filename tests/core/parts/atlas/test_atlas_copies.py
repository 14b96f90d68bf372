"""Copies of an atlas without the paths of a place, and installing them in another one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_up_atlas import draw_pictures, write_atlas

from s3n_core.datasets.detection import open_data_set
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_copies import install_atlas, make_portable
from s3n_core.parts.atlas.atlas_files import HEADER
from s3n_core.prediction.rows import fingerprint


def test_a_portable_copy_is_installed_as_if_it_had_been_built_there(tmp_path: Path) -> None:
    names = draw_pictures(tmp_path / "first" / "data", 2)
    built = write_atlas(tmp_path / "first" / "atlas", tmp_path / "first" / "data", names)
    built.rename(0, "bill")
    built.plane()  # writes what is made anew when it is missing
    (built.path / "comparisons").mkdir()
    (built.path / "comparisons" / "0-1.json").write_text("{}")
    copy = tmp_path / "copy"
    make_portable(built.path, copy)
    texts = [path.read_bytes() for path in copy.rglob("*") if path.is_file()]
    assert not any(str(tmp_path).encode() in text for text in texts)
    assert not any("neighbour" in path.name for path in copy.iterdir())

    shutil.move(tmp_path / "first" / "data", tmp_path / "there")
    data, out = open_data_set(tmp_path / "there"), tmp_path / "home" / "atlases" / "1"
    install_atlas(copy, out, data, data.records, tmp_path / "model.safetensors")
    installed = Atlas(out)
    assert Path(installed.header.data) == (tmp_path / "there").resolve()
    assert Path(installed.header.model_path) == (tmp_path / "model.safetensors").resolve()
    assert installed.collection.images == fingerprint(data.records, data.classes)  # a job would go on with it
    assert installed.parts.name(0) == "bill"
    assert np.array_equal(installed.places, built.places)
    assert (out / "comparisons" / "0-1.json").is_file()
    assert [path.name for path in out.parent.iterdir()] == ["1"]

    installed.rename(0, "beak")
    install_atlas(copy, out, data, data.records, tmp_path / "model.safetensors")
    assert Atlas(out).parts.name(0) == "beak"  # what a person has done since stays
    with pytest.raises(AtlasError, match="other images"):
        install_atlas(copy, tmp_path / "other", data, data.records[1:], tmp_path / "model.safetensors")
    with pytest.raises(AtlasError, match="no finished atlas"):
        make_portable(tmp_path / "there", tmp_path / "nothing")


def test_the_demos_atlas_names_no_place_and_is_of_its_model_and_images() -> None:
    """`benchmarks/demo/make.py` makes it anew."""
    import hashlib

    from s3n_core.parts.atlas.atlas_files import read_header
    from s3n_core.system.resources import resource

    demo = resource("demo")
    header = read_header(demo / "atlas")
    assert header is not None
    digest = hashlib.sha256((demo / "model.safetensors").read_bytes()).hexdigest()
    assert digest.startswith(header.collection["model"])
    assert (header.data, header.model_path) == ("", "model.safetensors")
    atlas = Atlas(demo / "atlas")
    assert [image.file for image in atlas.images] == [record.name for record in open_data_set(demo / "images").records]
    assert sum(path.stat().st_size for path in (demo / "atlas").rglob("*") if path.is_file()) < 300_000
    content = json.loads((demo / "atlas" / HEADER).read_text(encoding="utf-8"))
    assert content["collection"]["images"] == ""


def test_the_demos_atlas_holds_the_peaks_that_its_model_finds() -> None:
    from s3n_core.models.opening import open_model
    from s3n_core.parts.atlas.collecting import collect
    from s3n_core.system.resources import resource

    demo = resource("demo")
    atlas, data = Atlas(demo / "atlas"), open_data_set(demo / "images")
    model = open_model(demo / "model.safetensors", "cpu", "float32")
    ((one,),) = collect(model, data.records[:1], data.classes, workers=0)
    stored = atlas.places[(atlas.places["image"] == 0) & ~atlas.places["background"]]
    found = np.array(one.line["peaks"])
    np.testing.assert_allclose(np.stack([stored["x"], stored["y"]], axis=1), found[:, :2], atol=0.02)
    np.testing.assert_allclose(stored["response"], found[:, 2], atol=1e-3)
    np.testing.assert_allclose(stored["contribution"], found[:, 3], atol=1e-2)
