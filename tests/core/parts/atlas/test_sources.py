"""The images and the model of an atlas, however they are called and wherever they lie now."""

from pathlib import Path

import pytest
from made_up_atlas import CLASSES, write_atlas

from s3n_core.parts.atlas.sources import has_images_of, model_of, name_below


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "owls").mkdir(parents=True)
    (folder / "owls" / "1.jpg").touch()
    return folder.resolve()


def test_an_image_is_found_through_links(data: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(data, target_is_directory=True)
    (tmp_path / "owls").symlink_to(data / "owls", target_is_directory=True)
    (tmp_path / "owl.jpg").symlink_to(data / "owls" / "1.jpg")
    given = (
        data / "owls" / "1.jpg",
        tmp_path / "link" / "owls" / "1.jpg",
        tmp_path / "owls" / "1.jpg",
        tmp_path / "owl.jpg",
    )
    assert {name_below(data, path) for path in given} == {"owls/1.jpg"}
    assert name_below(tmp_path / "link", data / "owls" / "1.jpg") == "owls/1.jpg", "the data set's folder became a link"
    assert name_below(data, data / "owls" / ".." / "owls" / "1.jpg").endswith("owls/1.jpg")


def test_links_below_the_folder_of_a_data_set_are_part_of_the_names(data: Path, tmp_path: Path) -> None:
    """So are those of folders of lists, whose images lie elsewhere."""
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "images").symlink_to(data, target_is_directory=True)
    assert name_below(lists.resolve(), lists / "images" / "owls" / "1.jpg") == "images/owls/1.jpg"


def test_a_file_that_does_not_exist_is_named_as_well(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(data, target_is_directory=True)
    assert name_below(data, tmp_path / "link" / "jays" / "2.jpg") == "jays/2.jpg"
    assert name_below(data, tmp_path / "other" / "2.jpg") is None
    monkeypatch.chdir(tmp_path)
    assert name_below(data, Path("data/owls/1.jpg")) == "owls/1.jpg"
    assert name_below(data, Path("2.jpg")) is None


def test_a_data_set_s_folder_is_that_of_an_atlas_through_links(data: Path, tmp_path: Path) -> None:
    header = write_atlas(tmp_path / "atlas", data, [f"{CLASSES[0]}/1.jpg"]).header
    (tmp_path / "link").symlink_to(data, target_is_directory=True)
    assert has_images_of(header, data)
    assert has_images_of(header, tmp_path / "link")
    assert not has_images_of(header, data / "owls")
    moved = data.rename(data.with_name("elsewhere"))
    data.symlink_to(moved, target_is_directory=True)
    assert has_images_of(header, moved), "it was moved, and a link left in its place"


def test_a_model_is_recognised_by_what_it_holds(tmp_path: Path) -> None:
    run = tmp_path / "birds-1"
    file = run / "checkpoints" / "step-10.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a model")
    header = write_atlas(tmp_path / "atlas", tmp_path, [f"{CLASSES[0]}/1.jpg"], model=file).header
    assert model_of(header, run) == model_of(header, file) == file
    moved = run.rename(tmp_path / "birds-2")
    assert model_of(header, moved) == moved / file.relative_to(run)
    (tmp_path / "alone.safetensors").write_bytes(b"a model")
    assert model_of(header, tmp_path / "alone.safetensors") == tmp_path / "alone.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"what a new run of the old name has learned")
    assert model_of(header, run) is model_of(header, file) is None
    file.unlink()
    assert model_of(header, run) == file, "the run has removed it since"
    assert model_of(header, tmp_path / "birds") is None
