"""A model and images for the window's background processes."""

import os
import sys
from pathlib import Path

import fake_ssh
import pytest
from random_model import save_picture, save_random_model

PATIENCE = 300_000
"""Milliseconds: torch loads slowly on a machine that also trains."""


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_model(tmp_path_factory.mktemp("model") / "Modell 鳥.safetensors")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("pictures")
    return tuple(save_picture(folder / f"Zaunkönig {number}.jpg", number) for number in range(4))


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a fake ``ssh`` that runs commands on this machine."""
    if sys.platform == "win32":
        pytest.skip("a program that is a script")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    fake_ssh.install(tmp_path / "box")
    return tmp_path / "box"
