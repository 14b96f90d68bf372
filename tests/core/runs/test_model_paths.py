"""Whether a model file belongs to what a path stands for."""

from pathlib import Path

from s3n_core.runs.model_paths import is_of_model


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
