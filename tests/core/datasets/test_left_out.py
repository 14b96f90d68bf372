"""Images that the user has excluded from training."""

import os
import sys
from pathlib import Path

import pytest

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import REASON, left_out_file, read_left_out, without_left_out, write_left_out
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError, OutputError

NAMES = ("a/1.png", "a/ü 鳥.png", "b/1.png", "b/line\nend.png")
if sys.platform == "linux":
    NAMES = (*NAMES, "b/" + os.fsdecode(b"caf\xe9.png"))


@pytest.fixture
def data_set(tmp_path: Path) -> DataSet:
    for name in NAMES:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(b"")
    return open_data_set(tmp_path / "data")


def test_a_list_comes_back_with_every_name_and_the_folder_is_untouched(data_set: DataSet) -> None:
    before = sorted(data_set.root.rglob("*"))
    write_left_out(data_set.root, NAMES[1:])
    assert read_left_out(data_set.root) == frozenset(NAMES[1:])
    assert sorted(data_set.root.rglob("*")) == before


def test_without_left_out_drops_the_images_and_says_so(data_set: DataSet) -> None:
    write_left_out(data_set.root, [NAMES[1], "no/longer there.png"])
    left = without_left_out(data_set)
    assert {record.name for record in left.records} == set(NAMES) - {NAMES[1]}
    assert [(problem.path, problem.reason) for problem in left.problems] == [(data_set.root / NAMES[1], REASON)]
    assert left.classes == data_set.classes


def test_an_empty_list_is_no_file_and_leaves_the_data_set_alone(data_set: DataSet) -> None:
    write_left_out(data_set.root, ["a/1.png"])
    write_left_out(data_set.root, [])
    assert not left_out_file(data_set.root).exists()
    assert without_left_out(data_set) is data_set
    write_left_out(data_set.root, [])


def test_the_list_belongs_to_the_resolved_folder(data_set: DataSet, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(data_set.root)
    write_left_out(tmp_path / "link", ["a/1.png"])
    assert read_left_out(data_set.root) == {"a/1.png"}
    assert read_left_out(tmp_path) == frozenset()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"names": "a"}', '{"names": [1]}', "\x00"])
def test_a_broken_list_is_an_error_that_names_it(data_set: DataSet, content: str) -> None:
    path = left_out_file(data_set.root)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(DataSetError, match="Fix or delete it"):
        without_left_out(data_set)


def test_a_list_that_cannot_be_written_is_an_error(data_set: DataSet, s3n_home: Path) -> None:
    (s3n_home / "left-out").write_text("in the way")
    with pytest.raises(OutputError):
        write_left_out(data_set.root, ["a/1.png"])
