"""The program's resource files are found in a checkout and in an installation, and nowhere else."""

from pathlib import Path

import pytest

from s3n_core.errors import S3NError
from s3n_core.system.resources import find_resource, resource


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_this_checkout() -> None:
    assert resource("demo").is_dir()


def test_the_checkout_comes_first(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml")
    installed = write(tmp_path / "package" / "resources" / "demo" / "model.safetensors")
    assert find_resource(tmp_path / "package", "demo/model.safetensors") == installed
    ours = write(tmp_path / "resources" / "demo" / "model.safetensors")
    assert find_resource(tmp_path / "package", "demo/model.safetensors") == ours


def test_an_installation_never_takes_a_neighbours_folder(tmp_path: Path) -> None:
    write(tmp_path / "resources" / "demo" / "model.safetensors")
    with pytest.raises(S3NError, match="install it again"):
        find_resource(tmp_path / "package", "demo/model.safetensors")
    installed = write(tmp_path / "package" / "resources" / "demo" / "model.safetensors")
    assert find_resource(tmp_path / "package", "demo/model.safetensors") == installed
