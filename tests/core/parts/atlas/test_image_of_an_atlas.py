"""An image's name in the data set of an atlas, by the path that a person gives."""

from pathlib import Path

import pytest
from made_up_atlas import CLASSES, write_atlas

from s3n_core.parts.atlas.sources import has_images_of, name_below


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
