import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from s3n_core.errors import ModelFileError
from s3n_core.method.foreign_weights import read_state_dict

WEIGHT = torch.arange(6.0).reshape(2, 3)


class _Code:
    """Unpickling an object of this class writes a file."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize(
    "wrapped",
    [
        {"a.weight": WEIGHT},
        {"model": {"module.a.weight": WEIGHT}, "epoch": 3},
        {"state_dict": {"a.weight": WEIGHT, "note": "text"}},
        {"net": {"model_state_dict": {"a.weight": WEIGHT}}},
    ],
)
def test_wrappers_of_training_scripts_are_taken_off(wrapped: dict[str, object], tmp_path: Path) -> None:
    torch.save(wrapped, tmp_path / "weights.pth")
    state = read_state_dict(tmp_path / "weights.pth")
    assert list(state) == ["a.weight"]
    assert torch.equal(state["a.weight"], WEIGHT)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file({"a.weight": WEIGHT}, tmp_path / "weights.safetensors")
    assert torch.equal(read_state_dict(tmp_path / "weights.safetensors")["a.weight"], WEIGHT)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors", ""])
@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_with_code_is_refused_and_its_code_does_not_run(tmp_path: Path, suffix: str, writer: str) -> None:
    proof, file = tmp_path / "it-ran", tmp_path / f"evil{suffix}"
    if writer == "pickle":
        file.write_bytes(pickle.dumps({"a.weight": _Code(proof)}))
    else:
        torch.save({"a.weight": WEIGHT, "b": _Code(proof)}, file)
    with pytest.raises(ModelFileError, match="evil"):
        read_state_dict(file)
    assert not proof.exists()


def test_what_stands_beside_the_tensors_is_named(tmp_path: Path) -> None:
    torch.save({"model": {"a.weight": WEIGHT}, "best": np.float64(0.5)}, tmp_path / "a.pth")
    with pytest.raises(ModelFileError, match=r"contains numpy\.\S+ beside its tensors"):
        read_state_dict(tmp_path / "a.pth")


JUNK = {
    "empty": b"",
    "text": b"these are not weights\n",
    "zip": b"PK\x03\x04" + bytes(100),
    "pickle start": b"\x80\x04\x95",
    "long header": struct.pack("<Q", 2**62) + b"{}",
    "broken json": struct.pack("<Q", 8) + b'{"a": 1,',
    "noise": np.random.default_rng(0).bytes(4096),
    "pickled list": pickle.dumps([1, 2, 3]),
    "pickled arrays": pickle.dumps({"a": np.zeros(3)}),
}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("name", JUNK)
def test_junk_is_refused_with_a_sentence(tmp_path: Path, name: str, suffix: str) -> None:
    file = tmp_path / f"junk{suffix}"
    file.write_bytes(JUNK[name])
    with pytest.raises(ModelFileError) as caught:
        read_state_dict(file)
    assert "junk" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    for suffix, write in ((".pth", torch.save), (".safetensors", save_file)):
        file = tmp_path / f"cut{suffix}"
        write({"a": torch.zeros(1000)}, file)
        file.write_bytes(file.read_bytes()[:-500])
        with pytest.raises(ModelFileError, match="truncated, damaged or of another format") as caught:
            read_state_dict(file)
        assert "miniz" not in str(caught.value)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "a.pth").touch()
    with pytest.raises(ModelFileError, match="it is empty"):
        read_state_dict(tmp_path / "a.pth")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(ModelFileError, match="There is no weight file"):
            read_state_dict(path)


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.pth")
    with pytest.raises(ModelFileError, match="no named tensors"):
        read_state_dict(tmp_path / "a.pth")
