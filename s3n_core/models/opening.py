"""Opening a trained model from a model file or a run folder."""

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
from s3n_core.models.seen_images import SeenImages
from s3n_core.models.stored_networks import not_finite
from s3n_core.models.tuned_precisions import tuned_precision
from s3n_core.runs.model_paths import file_digest, model_file
from s3n_core.system.json_values import from_json


@dataclass(frozen=True, eq=False)
class Model:
    """A network in evaluation mode on its device, with everything that identifies its predictions.

    Attributes:
        network: The network, with BatchNorm folded into the convolutions.
        header: The metadata of its file.
        path: Its file.
        digest: First 16 hexadecimal digits of the file's SHA-256.
        device: "cpu", "cuda" or "mps".
        precision: Precision of the network's layers, one of `PRECISIONS` but "auto"; the sampler is always float32.
        preprocess: How an image becomes its input.
        sampling: How peaks are assigned to the branches.
        device_name: Display name of the device.
        device_reason: Why it is not a faster one; empty if it is the best of this machine.
        seen: The images that it has seen; None where that is not known.
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
    seen: SeenImages | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, by index."""
        return self.header.classes

    def autocast(self) -> AbstractContextManager[object]:
        """Return the autocast context for this model's precision."""
        return autocast(self.device, self.precision)


def open_model(path: Path, device: str = "auto", precision: str = "auto", sampling: Sampling | None = None) -> Model:
    """Open a trained model.

    Args:
        path: A model file, or a run folder (its best checkpoint, else its last).
        device: One of `devices.DEVICES`.
        precision: One of `PRECISIONS`; "auto" on a CPU is what was measured here for this model (`tuned_precision`), else
            float32.
        sampling: How peaks are assigned; None uses the model's own mode for evaluation.

    Returns:
        The model, in evaluation mode, on its device.

    Raises:
        ModelFileError: If the file is missing, damaged, a pickle, of another version, or does not match its own header.
        RunError: If the folder is not a run, or is a run without a checkpoint.
        DeviceError: If the device or precision cannot be used here.
        ValueError: If the sampling mode is unknown.
    """
    if sampling is not None and sampling not in SAMPLING_MODES:
        raise ValueError(f"sampling must be one of {', '.join(SAMPLING_MODES)}, not {sampling!r}")
    choice = choose_device(device)
    choose_precision(precision, choice.device)  # a wrong name is said before the file is read
    file = model_file(path)
    network, header = load_model(file)
    preprocess = _preprocess_of(header, file)
    fold_batch_norm(network.eval())
    if beyond := not_finite(network):  # from a negative variance, or from weights whose products overflow
        raise ModelFileError(
            f"{file} contains weights that are too large to compute with (first: {beyond[0]}); it is damaged, or its "
            "training diverged."
        )
    place(network, choice.device)
    digest = file_digest(file)
    if precision == "auto" and choice.device == "cpu":
        precision = tuned_precision(digest)
    return Model(
        network=network,
        header=header,
        path=file,
        digest=digest,
        device=choice.device,
        precision=choose_precision(precision, choice.device),
        preprocess=preprocess,
        sampling=sampling or header.network.eval_sampling,
        device_name=choice.name,
        device_reason=choice.reason,
        seen=SeenImages.from_header(header.images),
    )


def _preprocess_of(header: ModelHeader, path: Path) -> Preprocess:
    """Read the preprocessing from a header and validate what pydantic cannot: network size and class names."""
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
