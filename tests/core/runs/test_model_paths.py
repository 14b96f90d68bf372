"""Whether a model file belongs to what a path stands for, where it is after a rename, and its digest."""

from pathlib import Path

import pytest

from s3n_core.errors import ModelFileError
from s3n_core.runs.model_paths import after_rename, file_digest, is_of_model, known_digest


def test_a_file_is_of_its_run_however_the_paths_are_written(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk", target_is_directory=True)
    file = Path("birds-1") / "checkpoints" / "step-10.safetensors"
    for given in (tmp_path / "disk", tmp_path / "link"):
        for stored in (tmp_path / "disk" / file, tmp_path / "link" / file):
            assert is_of_model(stored, given / "birds-1")
            assert is_of_model(stored, given / file)
            assert not is_of_model(stored, given / "birds")
            assert not is_of_model(stored, given / "birds-1" / "checkpoints" / "step-20.safetensors")


def test_paths_in_a_folder_follow_its_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    before, after = tmp_path / "link" / "a", tmp_path / "link" / "b"
    assert after_rename(before, before, after) == after
    assert after_rename(before / "x" / "y", before, after) == after / "x" / "y"
    assert after_rename(tmp_path.resolve() / "a" / "x", before, after) == tmp_path.resolve() / "b" / "x"
    assert after_rename(tmp_path / "ab", before, after) == tmp_path / "ab"


def test_a_known_digest_is_that_of_what_the_file_holds_now(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    for content in (b"one", b"three", b"three"):
        file.write_bytes(content)
        assert known_digest(file) == file_digest(file)
    file.unlink()
    with pytest.raises(ModelFileError, match=r"model\.safetensors cannot be read"):
        known_digest(file)
