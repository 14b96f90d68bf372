"""Opening a trained model: a model file or a run's folder becomes a network that is ready to use."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.transforms import Preprocess
from s3n_core.errors import ModelFileError
from s3n_core.method.configuration import SAMPLING_MODES, ModelHeader, Sampling
from s3n_core.method.folded_norm import fold_batch_norm
from s3n_core.method.network import S3N
from s3n_core.models.devices import autocast, choose_device, choose_precision, place
from s3n_core.models.model_files import load_model
from s3n_core.models.stored_networks import not_finite
from s3n_core.runs.model_paths import file_digest, model_file
from s3n_core.system.json_values import from_json


@dataclass(frozen=True, eq=False)
class Model:
    """A network in evaluation mode on its device, and everything that its predictions must name.

    Attributes:
        network: The network, its BatchNorms folded into the convolutions.
        header: What its file says about it.
        path: Its file.
        digest: First 16 hexadecimal digits of the file's SHA-256.
        device: "cpu", "cuda" or "mps".
        precision: Of the network's layers: "float32", "bfloat16" or "float16"; the sampler is float32 in all of them.
        preprocess: How an image becomes its input.
        sampling: How peaks are divided between the branches.
        device_name: What a person calls the device.
        device_reason: Why it is not a faster one; empty where it is the best of this machine.
    """

    network: S3N
    header: ModelHeader
    path: Path
    digest: str
    device: str
    precision: str
    preprocess: Preprocess
    sampling: Sampling
    device_name: str = ""
    device_reason: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, by index."""
        return self.header.classes

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the network computes in this model's precision."""
        return autocast(self.device, self.precision)


def open_model(path: Path, device: str = "auto", precision: str = "auto", sampling: Sampling | None = None) -> Model:
    """Open a trained model.

    Args:
        path: A model file, or a run's folder (its best checkpoint, else its last).
        device: One of `devices.DEVICES`.
        precision: One of `devices.PRECISIONS`.
        sampling: How peaks are divided; None takes the model's own rule for evaluation.

    Returns:
        The model, in evaluation mode, on its device.

    Raises:
        ModelFileError: If the file is missing, junk, a pickle, of another version, or does not fit its own description.
        RunError: If the folder is no run, or a run without a checkpoint.
        DeviceError: If the device or precision cannot be used here.
        ValueError: If there is no such sampling mode.
    """
    if sampling is not None and sampling not in SAMPLING_MODES:
        raise ValueError(f"sampling must be one of {', '.join(SAMPLING_MODES)}, not {sampling!r}")
    choice = choose_device(device)
    chosen_precision = choose_precision(precision, choice.device)
    file = model_file(path)
    network, header = load_model(file)
    preprocess = _preprocess_of(header, file)
    fold_batch_norm(network.eval())
    if beyond := not_finite(network):  # a negative variance, or numbers so large that their products have no place
        raise ModelFileError(
            f"{file} contains weights that are too large to compute with (first: {beyond[0]}); it is damaged, or its "
            "training diverged."
        )
    place(network, choice.device)
    return Model(
        network=network,
        header=header,
        path=file,
        digest=file_digest(file),
        device=choice.device,
        precision=chosen_precision,
        preprocess=preprocess,
        sampling=sampling or header.network.eval_sampling,
        device_name=choice.name,
        device_reason=choice.reason,
    )


def _preprocess_of(header: ModelHeader, path: Path) -> Preprocess:
    """Read how the model wants its images, and check what pydantic could not: that it fits the network and names classes."""
    nameless = [index for index, name in enumerate(header.classes) if not name.strip()]
    if nameless:
        raise ModelFileError(f"{path} is damaged: its class {nameless[0]} has no name. Use another checkpoint.")
    try:
        preprocess = from_json(Preprocess, header.preprocess, closed=True)
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path} is damaged: its preprocessing is not valid ({error}). Use another checkpoint."
        ) from error
    network = header.network
    if (preprocess.input_size, preprocess.source_size) != (network.input_size, network.source_size):
        raise ModelFileError(
            f"{path} is damaged: its preprocessing makes images of {preprocess.source_size} and "
            f"{preprocess.input_size} px, but its network needs {network.source_size} and {network.input_size} px. "
            "Use another checkpoint."
        )
    return preprocess
