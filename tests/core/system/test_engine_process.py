"""The command that starts the engine."""

import sys
from pathlib import Path

import pytest

from s3n_core.system.engine_process import engine_command


def test_from_an_interpreter() -> None:
    assert engine_command("predict", "a b") == [sys.executable, "-m", "s3n_core", "predict", "a b"]


@pytest.mark.parametrize("suffix", ["", ".exe"])
def test_from_a_frozen_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / f"s3n-gui{suffix}"))
    assert engine_command("--help") == [str(tmp_path / f"s3n{suffix}"), "--help"]


def test_another_machine() -> None:
    command = engine_command("predict", "/data/my model.safetensors", prefix=("ssh", "gpu-box"))
    assert command == ["ssh", "gpu-box", "s3n", "predict", "'/data/my model.safetensors'"]  # one line for the shell
    assert engine_command("audit", "my birds", prefix=("podman", "exec", "box")) == [
        "podman", "exec", "box", "s3n", "audit", "my birds"
    ]  # fmt: skip
