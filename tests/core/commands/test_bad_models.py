"""Files that are not models: rejected with a clear error, and no code in them runs."""

import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from command_line import Command
from pictures import class_folders
from small_training import SMALL

SMALL_SETTINGS = [part for key, value in (SMALL | {"epochs": 1}).items() for part in ("--set", f"{key}={value}")]


class Payload:
    """Code that a pickle runs on loading: it creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def torch_file(payload: Payload) -> bytes:
    buffer = io.BytesIO()
    torch.save({"model": payload}, buffer)
    return buffer.getvalue()


def old_torch_file(payload: Payload) -> bytes:
    buffer = io.BytesIO()
    torch.save({"model": payload}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


PICKLES: dict[str, Callable[[Payload], bytes]] = {
    "torch": torch_file,
    "old torch": old_torch_file,
    **{
        f"pickle protocol {protocol}": (lambda payload, protocol=protocol: pickle.dumps(payload, protocol))  # type: ignore[misc]
        for protocol in (0, 2, 5)
    },
}


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


JUNK: dict[str, bytes] = {
    "empty": b"",
    "short": b"\x01\x02",
    "noise": bytes(range(256)) * 8,
    "text": b"this is no model\n" * 20,
    "huge header": struct.pack("<Q", 2**63 - 1) + b"{}",
    "header of a list": safetensors([1, 2]),
    "deep header": struct.pack("<Q", 200_000) + b"[" * 200_000,
    "foreign weights": safetensors({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "another's header": safetensors({"__metadata__": {"s3n": '{"file_format": "other"}'}}),
    "header of no JSON": safetensors({"__metadata__": {"s3n": "}"}}),
}


def refusals(s3n: Command, model: Path, tmp_path: Path) -> list[str]:
    """Run every command that takes a model, and return the errors."""
    data = class_folders(tmp_path / "data", {"a": 1, "b": 1})
    out = tmp_path / "out"
    return [
        s3n("predict", model, data, "--out", tmp_path / "table.csv").sentence,
        s3n("evaluate", model, data, "--out", out).sentence,
        s3n("export", model, data, "--out", out).sentence,
    ]


@pytest.mark.parametrize("kind", JUNK)
def test_junk(s3n: Command, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(JUNK[kind])
    for sentence in refusals(s3n, path, tmp_path):
        assert str(path) in sentence
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "model.safetensors"]


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("kind", PICKLES)
def test_a_pickle_with_code_in_it(s3n: Command, tmp_path: Path, kind: str, suffix: str) -> None:
    mark = tmp_path / "the code ran"
    path = tmp_path / f"model{suffix}"
    path.write_bytes(PICKLES[kind](Payload(mark)))
    for sentence in refusals(s3n, path, tmp_path):
        assert str(path) in sentence
    assert not mark.exists()


@pytest.mark.parametrize("kind", PICKLES)
def test_weights_with_code_in_them(s3n: Command, tmp_path: Path, kind: str) -> None:
    mark = tmp_path / "the code ran"
    path = tmp_path / "weights.pth"
    path.write_bytes(PICKLES[kind](Payload(mark)))
    data = class_folders(tmp_path / "data", {"a": 2, "b": 2})
    outcome = s3n("train", data, "--runs", tmp_path / "runs", *SMALL_SETTINGS, "--set", f"weights={path}")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith(f"Error: {path} ")
    assert not mark.exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_torn_model(s3n: Command, model: Path, tmp_path: Path, share: float) -> None:
    data = model.read_bytes()
    path = tmp_path / "torn.safetensors"
    path.write_bytes(data[: int(share * len(data))])
    for sentence in refusals(s3n, path, tmp_path):
        assert str(path) in sentence


def test_a_model_that_is_not_there(s3n: Command, tmp_path: Path) -> None:
    for sentence in refusals(s3n, tmp_path / "lost.safetensors", tmp_path):
        assert "lost.safetensors" in sentence


def test_a_folder_that_is_no_run(s3n: Command, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for sentence in refusals(s3n, tmp_path / "photos", tmp_path):
        assert "is not a run" in sentence


def test_a_model_of_other_classes(s3n: Command, model: Path, tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"hammer": 1, "saw": 1})
    sentence = s3n("evaluate", model, data).sentence
    assert "was trained on other classes" in sentence
    assert "'hammer', 'saw'" in sentence
    assert s3n("predict", model, data, "--out", tmp_path / "table.csv").code == 0  # prediction needs no labels
