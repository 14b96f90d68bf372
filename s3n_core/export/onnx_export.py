"""Exporting the whole network, including the sampler, as one ONNX file.

A deterministic sampling mode is traced by `torch.export` with a dynamic batch size; the file's metadata describe the
preprocessing. Before the file is written, the outputs of onnxruntime for generated images are compared with torch's.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from s3n_core.errors import ModelFileError, OutputError
from s3n_core.method.configuration import Sampling
from s3n_core.method.network import S3N, S3NOutput
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import MEAN, STD
from s3n_core.system.atomic_files import write_bytes
from s3n_core.version import __version__

OPSET = 18  # the lowest that suffices: GridSample needs 16, antialiased Resize needs 18
TOLERANCE = 1e-3
"""Largest accepted difference, relative to the largest value of an output."""

EVIDENCE = ("response", "map_d", "map_c", "grid_d", "grid_c")
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_METADATA = "s3n"
_CHECKED_IMAGES = 3  # and a single one, to check that the batch size is dynamic


@dataclass(frozen=True)
class OnnxReport:
    """A report of an ONNX export.

    Attributes:
        path: The file.
        outputs: Names of its outputs; the first is the network's prediction.
        sampling: Its sampling mode.
        bytes: Its size in bytes.
        difference: By output, the largest difference between onnxruntime and torch, relative to the largest value.
    """

    path: Path
    outputs: tuple[str, ...]
    sampling: Sampling
    bytes: int
    difference: dict[str, float]


def export_onnx(model: Model, path: Path, *, evidence: bool = False) -> OnnxReport:
    """Write a model as an ONNX file.

    Args:
        model: The model, on the CPU in float32; the file uses its sampling mode.
        path: The file.
        evidence: Whether R, Q_d, Q_c and both grids (over cells) are also outputs.

    Returns:
        A report, with the differences from torch.

    Raises:
        ModelFileError: If the sampling mode is random, the model is a control that needs more than the image, or the outputs
            of onnxruntime differ from torch's.
        OutputError: If the packages for ONNX are missing, or the file cannot be written.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise OutputError(
            f"Writing ONNX files needs {', '.join(missing)}: install the extra onnx (in the checkout: "
            'pip install -c constraints.txt -e ".[onnx]").'
        )
    if model.header.network.needs_draws(model.sampling):
        raise ModelFileError(
            f"{model.path} uses random sampling ({model.sampling}), which ONNX does not support; choose --sampling "
            "expected or extremes."
        )
    if model.header.network.control_warnings:
        raise ModelFileError(
            f"{model.path} is a control experiment ({model.header.network.control}) that needs more than the image; an ONNX "
            "file has nothing else."
        )
    traced = _Outputs(model.network, model.sampling, evidence)
    data = _traced(traced, model)
    difference = _compared(data, traced, model)
    worst = max(difference, key=lambda name: difference[name])
    if not difference[worst] <= TOLERANCE:  # true for NaN as well
        raise ModelFileError(
            f"No file was written: for {worst} of {model.path}, onnxruntime differs from torch by "
            f"{difference[worst]:.2g} of the largest value."
        )
    write_bytes(path, data)
    return OnnxReport(path, traced.names, model.sampling, len(data), difference)


class _Outputs(nn.Module):
    """The network as a function of only the images, with a tuple of outputs in a fixed order."""

    def __init__(self, network: S3N, sampling: Sampling, evidence: bool) -> None:
        super().__init__()
        self.network = network
        self.sampling: Sampling = sampling
        config = network.config
        branches = {"O": "original", "D": "discriminative", "C": "complementary"}
        logits = ["joint", *(branches[letter] for letter in config.joined)] if len(config.joined) > 1 else ["original"]
        self.evidence = EVIDENCE if evidence else ()
        self.names = (*logits, *self.evidence)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        output: S3NOutput = self.network(images, sampling=self.sampling, trace=bool(self.evidence))
        values: dict[str, Tensor | None] = dict(vars(output))
        if output.trace is not None:
            samples = output.trace.samples
            values |= {"response": output.trace.response.response, "map_d": samples.map_d, "map_c": samples.map_c}
            values |= {"grid_d": samples.grid_d, "grid_c": samples.grid_c}
        found = [values[name] for name in self.names]
        return tuple(value for value in found if value is not None)


def _traced(outputs: _Outputs, model: Model) -> bytes:
    """Trace the network and return the file's bytes."""
    images = torch.from_numpy(_made_up_images(2, model.header.network.source_size))
    any_number = {"images": {0: torch.export.Dim.DYNAMIC}}
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(action="ignore"), torch.no_grad():
            # Fill the sampler's cache of constant matrices, so that it does not cache tensors of the tracer.
            outputs(images)
            program = torch.export.export(outputs, (images,), dynamic_shapes=any_number, strict=False)
            result = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=["images"],
                output_names=list(outputs.names),
                verbose=False,
            )
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    assert result is not None
    whole: Any = result.model_proto
    whole.producer_name, whole.producer_version = "S3N Studio", __version__
    whole.doc_string = "Selective Sparse Sampling Network: images of shape (batch, 3, side, side), RGB, normalised."
    for key, value in metadata_of(model, outputs.names).items():
        entry = whole.metadata_props.add()
        entry.key, entry.value = key, value
    data: bytes = whole.SerializeToString()
    return data


def metadata_of(model: Model, outputs: tuple[str, ...]) -> Mapping[str, str]:
    """Return metadata as text that describe the file's inputs and outputs; structured values are JSON."""
    network = model.header.network
    preprocess = model.preprocess.to_dict() | {"mean": MEAN, "std": STD, "channels": "RGB", "range": [0.0, 1.0]}
    notice = network.licence_notice
    return {
        **({f"{_METADATA}.licence": notice} if notice else {}),
        f"{_METADATA}.classes": json.dumps(model.classes),
        f"{_METADATA}.preprocess": json.dumps(preprocess),
        f"{_METADATA}.answer": outputs[0],
        f"{_METADATA}.sampling": model.sampling,
        f"{_METADATA}.network": network.model_dump_json(),
        f"{_METADATA}.model": model.digest,
        f"{_METADATA}.data_set": model.header.data_set,
    }


def _compared(data: bytes, outputs: _Outputs, model: Model) -> dict[str, float]:
    """Compare onnxruntime and torch; return, by output, the largest difference relative to the largest value."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    side = model.header.network.source_size
    difference = dict.fromkeys(outputs.names, 0.0)
    for images in np.split(_made_up_images(_CHECKED_IMAGES + 1, side), [_CHECKED_IMAGES]):
        with torch.inference_mode():
            expected = outputs(torch.from_numpy(images))
        for name, value, wanted in zip(outputs.names, session.run(None, {"images": images}), expected, strict=True):
            exact = wanted.numpy()
            off = float(np.abs(value - exact).max() / max(float(np.abs(exact).max()), 1e-6))
            difference[name] = max(difference[name], off)
    return difference


def _made_up_images(count: int, side: int) -> NDArray[np.float32]:
    """Return smooth random images; noise would cause peaks of nearly equal height, whose order depends on rounding."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(count, 3, 6, 6, generator=generator)
    images = nn.functional.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)
    array: NDArray[np.float32] = images.numpy()
    return array
