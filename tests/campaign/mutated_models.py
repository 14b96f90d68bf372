"""Damaged model files: opening one gives a working model or a clear error; no code runs, no memory is exhausted.

    python tests/campaign/mutated_models.py --count 200 --seed 0 --out mutated_models.json

Each case damages a small model: its bytes, or, with a well-formed header, its description, its tensor table or its
tensors; or it replaces the model with something else, such as a pickle that would create a file if it were loaded.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import pickle
import random
import struct
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "core" / "analysis")]

from campaign.guarded import main  # noqa: E402
from campaign.mutations import mutated  # noqa: E402

from s3n_core.errors import S3NError  # noqa: E402

_MODEL = "S3N_CAMPAIGN_MODEL"
_NUMBERS = (math.inf, -math.inf, math.nan, -1, 0, 10**9, 10**30, 1e308, 1e-308, 2**53 + 1, True)
_JUNK: tuple[Any, ...] = (*_NUMBERS, None, "", "x" * 5000, "\ud800", "a\nb\x00", "../..", [], {}, [[[]]], {"a": {}})
_MOST_PIXELS = 256  # largest input size with which a case computes; larger models are only opened


class Mark:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@cache
def small_model() -> bytes:
    """A model file, created once for all child processes."""
    if _MODEL in os.environ:
        return Path(os.environ[_MODEL]).read_bytes()
    from tiny_models import tiny_header, tiny_network

    from s3n_core.models.model_files import save_model

    header = tiny_header(batch_norm="separate")
    with tempfile.TemporaryDirectory(prefix="s3n-small-model-") as folder:
        path = Path(folder) / "model.safetensors"
        save_model(path, tiny_network(header.network), header)
        return path.read_bytes()


def mutated_model(seed: int, number: int, folder: Path) -> str:
    """Damage the model file in one way and open it.

    Returns:
        "model", "sentence", or another valid outcome.

    Raises:
        Exception: A defect: none of these.
    """
    rng = random.Random(f"{seed} {number}")
    path, mark = folder / "model.safetensors", folder / "the code ran"
    kind = ("bytes", "length", "description", "description", "table", "tensors", "other")[number % 7]
    _DAMAGES[kind](path, mark, rng)
    outcome = _open(path)
    assert not mark.exists(), "the code in the file ran"
    return outcome


def _open(path: Path) -> str:
    import torch

    from s3n_core.models.model_headers import read_header
    from s3n_core.models.opening import open_model

    torch.set_num_threads(1)
    try:
        read_header(path)
    except S3NError as error:
        _check_sentence(str(error), path)
    try:
        model = open_model(path, "cpu", "float32")
    except S3NError as error:
        _check_sentence(str(error), path)
        return "sentence"
    assert len(model.classes) == model.header.network.num_classes
    for value in model.network.state_dict().values():
        assert bool(torch.isfinite(value).all())
    side = model.header.network.source_size
    if side > _MOST_PIXELS:
        return "model, only opened"
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = model.network(images, sampling=model.sampling, trace=True)
    assert output.prediction.shape == (2, len(model.classes))
    assert output.trace is not None
    for grid in (output.trace.samples.grid_d, output.trace.samples.grid_c):
        assert bool(grid.isfinite().all())
        assert float(grid.abs().max()) <= 1
    return "model"


def _check_sentence(text: str, path: Path) -> None:
    assert str(path) in text, text
    assert "Traceback" not in text, text
    assert len(text) < 2000, text[:2000]


def _bytes(path: Path, mark: Path, rng: random.Random) -> None:
    data = small_model()
    if rng.random() < 0.5:  # in the header, a small part of the file
        length = 8 + struct.unpack("<Q", data[:8])[0]
        path.write_bytes(mutated(data[:length], b"PK\x03\x04" + bytes(60), rng)[1] + data[length:])
    else:
        path.write_bytes(mutated(data, b"\x80\x05" + bytes(62), rng)[1])


def _length(path: Path, mark: Path, rng: random.Random) -> None:
    data = small_model()
    length = rng.choice(
        [0, 1, 2**16, 2**25, 2**31, 2**40, 2**62, 2**63, 2**64 - 1, len(data), rng.randrange(len(data))]
    )
    path.write_bytes(struct.pack("<Q", length) + data[8:])
    if rng.random() < 0.3:
        os.truncate(path, rng.choice([2**33, 2**40]))  # sparse: takes no space on the disk


def _description(path: Path, mark: Path, rng: random.Random) -> None:
    header, data = _split()
    said = json.loads(header["__metadata__"]["s3n"])
    for _ in range(rng.randint(1, 2)):
        part = rng.choice([said, said["network"], said["network"], said["preprocess"]])
        key = rng.choice(list(part))
        if rng.random() < 0.15:
            del part[key]
        elif isinstance(part[key], int | float) and rng.random() < 0.6:
            part[key] = rng.choice([*_NUMBERS, part[key] * 2, part[key] / 3, rng.uniform(0, 5), rng.randint(1, 500)])
        else:
            part[key] = rng.choice(_JUNK)
        if key == "classes" and rng.random() < 0.5:
            many = rng.choice([13, 1000, 300_000])
            said["classes"], said["network"]["num_classes"] = ["c"] * many, many
        if not {"network", "preprocess"} <= said.keys() or not said["network"] or not said["preprocess"]:
            break
        if not isinstance(said["network"], dict) or not isinstance(said["preprocess"], dict):
            break
    header["__metadata__"]["s3n"] = json.dumps(said)
    _join(path, header, data)


def _table(path: Path, mark: Path, rng: random.Random) -> None:
    header, data = _split()
    name = rng.choice([key for key in header if key != "__metadata__"])
    entry = header[name]
    match rng.randrange(6):
        case 0:
            entry["dtype"] = rng.choice(
                ["F16", "BF16", "F64", "I32", "I64", "BOOL", "C64", "F8_E4M3", "U8", "X", None, 3]
            )
        case 1:
            entry["shape"] = rng.choice(
                [[], [0], [-1], [2**62, 4], [10**30], None, "12", entry["shape"][::-1], [1] * 99]
            )
        case 2:
            entry["data_offsets"] = rng.choice([[0, 0], [-4, 4], [2**62, 2**63], [8, 4], [0], None, [0, len(data)]])
        case 3:
            del header[name]
        case 4:
            header[rng.choice(["extra", "", "x" * 10_000, "../a", "\x00"])] = dict(entry)
        case _:
            header[name] = rng.choice(_JUNK)
    _join(path, header, data)


def _tensors(path: Path, mark: Path, rng: random.Random) -> None:
    import torch
    from safetensors.torch import load, save

    header, _ = _split()
    tensors = load(small_model())
    name = rng.choice(list(tensors))
    value = tensors[name]
    match rng.randrange(5):
        case 0:
            tensors[name] = torch.full(value.shape, rng.choice([math.nan, math.inf, -math.inf]))
        case 1:
            tensors[name] = torch.zeros_like(value) if rng.random() < 0.5 else value * -1
        case 2:
            tensors[name] = torch.zeros([side + 1 for side in value.shape] or [2])
        case 3:
            tensors[name] = value.to(rng.choice([torch.float16, torch.float64, torch.int8, torch.complex64]))
        case _:
            tensors = {
                key: value.clamp(min=1e38) if value.is_floating_point() else value for key, value in tensors.items()
            }
    path.write_bytes(save(tensors, metadata=header["__metadata__"]))


def _other(path: Path, mark: Path, rng: random.Random) -> None:
    import torch

    match rng.randrange(6):
        case 0:
            path.write_bytes(pickle.dumps({"model": Mark(mark)}, rng.choice([0, 2, 5])))
        case 1:
            torch.save({"model": Mark(mark)}, path, _use_new_zipfile_serialization=rng.random() < 0.5)
        case 2:
            path.write_bytes(gzip.compress(small_model()))
        case 3:
            path.write_bytes(rng.choice([b"", b"\x00", b"{}", bytes(4096), rng.randbytes(4096)]))
        case 4:
            deep = rng.choice([b"[", b'{"a":']) * 200_000
            path.write_bytes(struct.pack("<Q", len(deep)) + deep)
        case _:
            path.mkdir()


_DAMAGES = {
    "bytes": _bytes,
    "length": _length,
    "description": _description,
    "table": _table,
    "tensors": _tensors,
    "other": _other,
}


def _split() -> tuple[dict[str, Any], bytes]:
    data = small_model()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:end]), data[end:]


def _join(path: Path, header: dict[str, Any], data: bytes) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="s3n-campaign-model-") as place:
        if _MODEL not in os.environ:
            made = Path(place) / "model.safetensors"
            made.write_bytes(small_model())
            os.environ[_MODEL] = str(made)
        raise SystemExit(main(__file__, mutated_model, default_count=200, memory=8 << 30, seconds=300))
