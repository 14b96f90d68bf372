import json
import os
import pickle
import struct
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from s3n_core.errors import ModelFileError, OutputError
from s3n_core.method.configuration import HEADER_KEY, ModelHeader
from s3n_core.method.network import S3N
from s3n_core.models.model_files import load_model, save_model
from s3n_core.models.model_headers import read_header

Build = Callable[..., S3N]


@pytest.fixture
def saved(small_network: Build, tmp_path: Path) -> tuple[S3N, ModelHeader, Path]:
    network = small_network()
    network(torch.rand(2, 3, 64, 64))  # moves the statistics from their initial values
    classes = tuple(f"species {number} é漢" for number in range(6))
    header = ModelHeader(network=network.config, classes=classes, preprocess={"input_size": 64}, metrics={"joint": 0.5})
    path = tmp_path / "model.safetensors"
    save_model(path, network, header)
    return network, header, path


def _rewritten(path: Path, change: Callable[[dict[str, object]], object], **tensors: torch.Tensor) -> None:
    header = json.loads(read_header(path).model_dump_json())
    change(header)
    state = load_file(path) | tensors
    save_file(state, path, metadata={HEADER_KEY: json.dumps(header)})


def test_what_is_read_is_what_was_written(saved: tuple[S3N, ModelHeader, Path]) -> None:
    network, header, path = saved
    loaded, read = load_model(path)
    assert read == header == read_header(path)
    assert not loaded.training
    own = network.state_dict()
    assert loaded.state_dict().keys() == own.keys()
    assert all(torch.equal(value, own[key]) for key, value in loaded.state_dict().items())
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(loaded(images).joint, network.eval()(images).joint)


def test_class_names_are_read_in_one_unicode_form(saved: tuple[S3N, ModelHeader, Path]) -> None:
    _, header, path = saved
    apart = [unicodedata.normalize("NFD", f"{name} é") for name in header.classes]
    _rewritten(path, lambda content: content.update(classes=apart))
    assert read_header(path).classes == tuple(f"{name} é" for name in header.classes)
    both = ["é", unicodedata.normalize("NFD", "é"), *header.classes[2:]]  # of a training that took them for two classes
    _rewritten(path, lambda content: content.update(classes=both))
    assert read_header(path).classes == tuple(both)


def weight_bytes(path: Path) -> int:
    (header,) = struct.unpack("<Q", path.read_bytes()[:8])
    return path.stat().st_size - 8 - int(header)


def test_half_size_is_half_the_size_and_nearly_the_same(saved: tuple[S3N, ModelHeader, Path], tmp_path: Path) -> None:
    network, header, path = saved
    small = tmp_path / "half.safetensors"
    save_model(small, network, header, half=True)
    assert weight_bytes(small) == pytest.approx(weight_bytes(path) / 2, rel=0.05)
    loaded, read = load_model(small)
    assert read.weights_dtype == "float16"
    assert all(value.dtype == torch.float32 for value in loaded.parameters())
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(loaded(images).original, network.eval()(images).original, atol=1e-2)


def test_values_too_large_for_half_stay_what_they_are(saved: tuple[S3N, ModelHeader, Path], tmp_path: Path) -> None:
    network, header, _ = saved
    network.backbone.layers[1].running_var.fill_(1e6)
    save_model(tmp_path / "half.safetensors", network, header, half=True)
    loaded, _ = load_model(tmp_path / "half.safetensors")
    assert torch.equal(loaded.backbone.layers[1].running_var, network.backbone.layers[1].running_var)


@pytest.mark.parametrize("first", [b"\x80", b"PK"])
def test_a_header_length_that_looks_like_a_pickle_is_none(saved: tuple[S3N, ModelHeader, Path], first: bytes) -> None:
    network, header, path = saved
    short = len(_header_text(path, network, header.model_copy(update={"recipe": ""})))
    wanted = int.from_bytes(first, "little") - short
    recipe = "x" * (wanted % (256 ** len(first)))
    save_model(path, network, header.model_copy(update={"recipe": recipe}))
    assert path.read_bytes().startswith(first)
    for read in (lambda: load_model(path)[1], lambda: read_header(path)):
        assert read().recipe == recipe


def _header_text(path: Path, network: S3N, header: ModelHeader) -> bytes:
    save_model(path, network, header)
    data = path.read_bytes()
    return data[8 : 8 + struct.unpack("<Q", data[:8])[0]]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_a_truncated_model_is_refused(saved: tuple[S3N, ModelHeader, Path], share: float) -> None:
    path = saved[2]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load_model(path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"\x00" * 64,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 40000) + b"[" * 40000,
        struct.pack("<Q", 4) + b"\xff\xfe\xfd\xfc",
        struct.pack("<Q", 24) + b'{"__metadata__":{"a":1}}',
    ],
)
def test_junk_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "junk.safetensors"
    path.write_bytes(data)
    for read in (load_model, read_header):
        with pytest.raises(ModelFileError, match="junk"):
            read(path)


def test_another_version_is_refused_by_its_number(saved: tuple[S3N, ModelHeader, Path]) -> None:
    path = saved[2]
    _rewritten(path, lambda header: header.update(file_version=3))
    for read in (load_model, read_header):
        with pytest.raises(ModelFileError, match="file version 3"):
            read(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["classes"].pop(),
        lambda header: header["network"].update(backbone="nothing"),
        lambda header: header["network"].update(input_size=-1),
        lambda header: header["network"].update(entropy_threshold=float("inf")),
        lambda header: header["network"].update(kernel_fwhm=float("nan")),
        lambda header: header["network"].update(floor=float("nan")),
        lambda header: header.update(surprise=True),
        lambda header: header.update(file_format="other"),
        lambda header: header.clear(),
    ],
)
def test_a_description_that_is_not_valid_is_refused(
    saved: tuple[S3N, ModelHeader, Path], change: Callable[[dict[str, object]], object]
) -> None:
    path = saved[2]
    _rewritten(path, change)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_weights_that_do_not_fit_the_description_are_refused(saved: tuple[S3N, ModelHeader, Path]) -> None:
    path = saved[2]
    _rewritten(path, lambda header: header["network"].update(branches="O+D"))
    with pytest.raises(ModelFileError, match="do not match"):
        load_model(path)
    _rewritten(path, lambda header: header["network"].update(branches="O+D+C"), **{"joint.bias": torch.zeros(9)})
    with pytest.raises(ModelFileError, match=r"joint\.bias"):
        load_model(path)


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64, torch.bool])
def test_weights_of_another_kind_of_number_are_refused(
    saved: tuple[S3N, ModelHeader, Path], dtype: torch.dtype
) -> None:
    path = saved[2]
    _rewritten(path, lambda header: None, **{"joint.bias": torch.ones(6, dtype=dtype)})
    with pytest.raises(ModelFileError, match=r"joint\.bias"):
        load_model(path)


def test_a_huge_file_and_a_huge_network_take_no_memory(saved: tuple[S3N, ModelHeader, Path]) -> None:
    path = saved[2]
    with path.open("r+b") as file:
        file.truncate(2**40)  # sparse: a terabyte that takes no space on the disk
    with pytest.raises(ModelFileError, match="needs at most"):
        load_model(path)

    many = 300_000

    def widen(header: dict[str, Any]) -> None:
        header["network"] |= {"num_classes": many}
        header["classes"] = ["c"] * many

    save_model(path, *saved[:2])
    _rewritten(path, widen)
    with pytest.raises(ModelFileError, match="do not match"):
        load_model(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(saved: tuple[S3N, ModelHeader, Path], value: float) -> None:
    path = saved[2]
    _rewritten(path, lambda header: None, **{"joint.bias": torch.full((6,), value)})
    with pytest.raises(ModelFileError, match="not finite"):
        load_model(path)


def test_weights_without_a_model_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "weights.safetensors")
    with pytest.raises(ModelFileError, match="not an S3N model"):
        load_model(tmp_path / "weights.safetensors")


class _Code:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
def test_a_pickle_is_refused_and_its_code_does_not_run(tmp_path: Path, name: str) -> None:
    proof, path = tmp_path / "it-ran", tmp_path / name
    for write in (lambda value: path.write_bytes(pickle.dumps(value)), lambda value: torch.save(value, path)):
        write({"weight": _Code(proof)})
        for read in (load_model, read_header):
            with pytest.raises(ModelFileError, match="pickle"):
                read(path)
    assert not proof.exists()


def test_a_missing_model_a_folder_and_a_full_place_are_said(
    saved: tuple[S3N, ModelHeader, Path], tmp_path: Path
) -> None:
    network, header, _ = saved
    with pytest.raises(ModelFileError, match="There is no model file"):
        load_model(tmp_path / "none.safetensors")
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_model(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        save_model(tmp_path / "file" / "model.safetensors", network, header)
