"""Pretrained weights as files: fetched because a person asked for them, and checked before they are used."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from s3n_core.errors import DownloadFailed, ModelFileError, WeightsMissing
from s3n_core.method.backbone_catalogue import entry_of, licence_sentence
from s3n_core.method.backbones import WeightReport, build_backbone
from s3n_core.method.foreign_weights import read_state_dict
from s3n_core.runs.model_paths import file_sha256
from s3n_core.system.atomic_files import make_folder, output_error
from s3n_core.system.downloads import DOWNLOAD_ERRORS, download, failure_reason

HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.pth$")  # of torchvision's and timm's own files


def require_weights(name: str) -> None:
    """Check that the pretrained weights of a backbone are on this machine: nothing is downloaded unasked.

    Args:
        name: What a recipe calls the backbone.

    Raises:
        WeightsMissing: They are not; the message says what there is to download, and how.
        ModelFileError: There is no such backbone, or it has no pretrained weights.
    """
    entry = entry_of(name)
    if not entry.place:
        raise _no_weights(name)
    if entry.size is not None:
        return
    sentence = licence_sentence(entry)
    about = f"about {entry.download_size / 1e6:,.0f} MB, " if entry.download_size else ""
    raise WeightsMissing(
        f"The pretrained weights of {name} are not on this machine. `s3n weights fetch {name}` downloads them: {about}from "
        f"{entry.place} to {entry.file}. {sentence} Or set weights to a file of yours or to none (`--set weights=none`).",
        path=Path(entry.file),
        backbone=name,
        url=entry.place,
        size=entry.download_size,
        licence=entry.licence,
        sentence=sentence,
    )


def fetch_weights(name: str, *, source: str = "", progress: Callable[[int, int], None] | None = None) -> Path:
    """Download the pretrained weights of a backbone, or go on where an earlier download stopped, and check them.

    Args:
        name: What a recipe calls the backbone.
        source: Another address of the same file; "" for where its publisher has it.
        progress: Called with the bytes that are there, and those in all.

    Returns:
        The file, which ``weights=imagenet`` uses from then on.

    Raises:
        ModelFileError: There is no such backbone, it has no pretrained weights, or what came is no weight file.
        DownloadFailed: There is no way to the address, or what came is not the file that its checksum belongs to.
        OutputError: The file cannot be written.
    """
    entry = entry_of(name)
    if not entry.place:
        raise _no_weights(name)
    file, url = Path(entry.file), source or entry.place
    if entry.size is not None:
        return file
    make_folder(file.parent)
    part = file.with_name(f"{file.name}.part")
    try:
        announced = download(url, part, progress or _silent)
    except DOWNLOAD_ERRORS as error:
        raise DownloadFailed(
            f"{url} could not be downloaded ({failure_reason(error)}). What there is already is kept: try again to go on, or "
            f"download it on another machine and copy it to {file}.",
            url=url,
            path=file,
        ) from error
    in_name = HASH_IN_NAME.search(file.name)
    wanted = in_name[1] if in_name else announced
    if wanted and not (found := file_sha256(part)).startswith(wanted):
        part.unlink(missing_ok=True)
        raise DownloadFailed(
            f"{url} was damaged on the way, or is another file: its SHA-256 is {found[:16]}..., not {wanted[:16]}. It was "
            f"deleted; try again, or download it on another machine and copy it to {file}.",
            url=url,
            path=file,
        )
    # The reader goes by the file's suffix.
    whole = file.with_name(f"unchecked-{file.name}")
    try:
        part.replace(whole)
        read_state_dict(whole)
        whole.replace(file)
    except ModelFileError:
        whole.unlink(missing_ok=True)
        raise
    except OSError as error:
        raise output_error(file, error) from error
    finally:
        if whole.exists():  # the check did not come to its end: what was downloaded is kept
            whole.replace(part)
    return file


def check_weights(name: str, file: Path, *, size: int = 224) -> WeightReport:
    """Hold a weight file against a backbone: names and shapes of all tensors.

    Args:
        name: What a recipe calls the backbone.
        file: Weights in torchvision's or timm's layout, or a model of this program.
        size: Side of the input that the backbone is built for, in pixels.

    Raises:
        ModelFileError: There is no such backbone, or nothing in the file fits it.
    """
    return build_backbone(name, str(file), size=size)[1]


def _no_weights(name: str) -> ModelFileError:
    return ModelFileError(f"There are no pretrained weights of {name}; choose a weight file, or none.")


def _silent(done: int, total: int) -> None:
    """Report nothing."""
