"""Tags of images: kept beside the data set, exchanged as tables."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.tags import Tags, export_tags, import_tags, read_tags, tag_name, tags_file, write_tags
from s3n_core.errors import DataSetError, OutputError

NAMES = ("a/bird 1.png", "a/vögel, süß.png", "b/=1.png", "b/bird 2.png")
NFD = unicodedata.normalize("NFD", NAMES[1])


@pytest.fixture
def data_set(tmp_path: Path) -> DataSet:
    root = tmp_path / "images"
    root.mkdir()
    records = tuple(ImageRecord(path=root / name, name=name, label=0) for name in NAMES)
    return DataSet(root=root, format="class-folders", classes=("a",), records=records)


def test_tags_are_kept_beside_the_data_set_whatever_the_unicode_form(data_set: DataSet) -> None:
    tags = Tags().changed([NFD, NAMES[0]], add=("juvenile", "In flight")).changed([NAMES[0]], remove=("juvenile",))
    write_tags(data_set.root, tags)
    again = read_tags(data_set.root)
    assert again == tags
    assert again.names == ("In flight", "juvenile")
    assert again.of(NAMES[1]) == again.of(NFD) == ("In flight", "juvenile")
    assert again.of(NAMES[0]) == ("In flight",)
    assert list(data_set.root.iterdir()) == []
    write_tags(data_set.root, again.changed(NAMES, remove=again.names))
    assert not tags_file(data_set.root).exists()
    assert read_tags(data_set.root) == Tags()


def test_a_tag_has_one_spelling(data_set: DataSet) -> None:
    tags = Tags().changed(NAMES[:1], add=("Juvenile",)).changed(NAMES[1:2], add=("juvenile",))
    assert tags.names == ("Juvenile",)
    assert len(tags.images["Juvenile"]) == 2
    assert tags.spelling("JUVENILE") == "Juvenile"
    assert tag_name("  in\n flight ") == "in flight"
    assert tag_name(unicodedata.normalize("NFD", "Süß")) == "Süß"
    for text in (" \n", "x" * 61):
        with pytest.raises(DataSetError):
            tag_name(text)


def test_saved_tags_that_cannot_be_read_are_said(data_set: DataSet) -> None:
    write_tags(data_set.root, Tags().changed(NAMES, add=("x",)))
    for content in ('{"tags": ["x"]}', '{"tags": {"x": [1]}}', "no JSON"):
        tags_file(data_set.root).write_text(content)
        with pytest.raises(DataSetError, match="Fix or delete"):
            read_tags(data_set.root)


@pytest.mark.parametrize("excel", [False, True])
def test_a_table_brings_back_the_tags(data_set: DataSet, tmp_path: Path, excel: bool) -> None:
    tags = (
        Tags()
        .changed(NAMES, add=("all",))
        .changed(NAMES[2:3], add=("odd, “quoted”",))
        .changed(["gone.png"], add=("all",))
    )
    file = tmp_path / "tags.csv"
    assert export_tags(file, data_set, tags, excel=excel) == 6
    lines = file.read_text("utf-8-sig").splitlines()
    assert lines[:2] == ["path,tag", "a/bird 1.png,all"]
    assert lines[-1] == "gone.png,all"
    assert file.read_bytes().startswith(b"\xef\xbb\xbf") == excel
    read = import_tags(file, data_set)
    assert (read.images, read.unknown) == (4, ("gone.png",))
    assert read.tags.joined(tags) == tags
    assert read.tags.of("gone.png") == ()


def test_tables_of_other_programs_are_read(data_set: DataSet, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    whole = (data_set.root / NAMES[3]).as_posix()
    file.write_text(f"image;Tag\na\\bird 1.png;old\n{whole};Old\n{NFD};\n", "utf-16")
    read = import_tags(file, data_set)
    assert read.tags == Tags({"old": frozenset({NAMES[0], NAMES[3]})})
    file.write_text("image,species\na/bird 1.png,x\n")
    with pytest.raises(DataSetError, match="no column “tag”"):
        import_tags(file, data_set)
    file.write_text("path,tag\nelsewhere.png,x\n")
    with pytest.raises(DataSetError, match="elsewhere"):
        import_tags(file, data_set)
    file.write_text("nothing")
    with pytest.raises(DataSetError, match="not a table"):
        import_tags(file, data_set)


def test_a_table_is_not_written_where_it_would_be_read_as_labels(data_set: DataSet) -> None:
    tags = Tags().changed(NAMES, add=("x",))
    with pytest.raises(OutputError, match="table of labels"):
        export_tags(data_set.root / "tags.csv", data_set, tags)
    assert list(data_set.root.iterdir()) == []
