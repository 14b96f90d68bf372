"""Looking for the atlas of a model and of images that was found before, in the window's folder; run in a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from s3n_core.datasets.records import DataSet
from s3n_core.errors import S3NError
from s3n_core.parts.atlas.atlas_copies import install_atlas
from s3n_core.parts.atlas.atlas_files import is_atlas, is_unfinished_atlas, read_header
from s3n_gui.state.atlas_request import AtlasRequest
from s3n_gui.state.demo import demo_atlas, demo_images, demo_model
from s3n_gui.state.split_choice import SplitChoice, split_choice


@dataclass(frozen=True, slots=True)
class AtlasSearch:
    """What was found.

    Attributes:
        splits: The splits of the images.
        request: The request for the chosen split, or for the usual one.
        state: How far its atlas is.
    """

    splits: SplitChoice
    request: AtlasRequest
    state: Literal["none", "unfinished", "finished"]


def look_for_atlas(request: AtlasRequest, data_set: DataSet, split: str = "") -> AtlasSearch:
    """Find the splits, and whether there is an atlas of the chosen split; of the usual one where none is chosen.

    The demo's atlas is installed, as if it had been found here, if it is the one that is asked for.

    Args:
        request: The model and the images; its split does not count.
        data_set: The images.
        split: The chosen split, or "".

    Raises:
        S3NError, OSError: The images cannot be read.
    """
    splits = split_choice(request.images, data_set, request.model)
    wanted = replace(request, split=split if split in splits.available else splits.usual)
    state: Literal["none", "unfinished", "finished"] = "none"
    if is_atlas(wanted.folder):
        state = "finished"
    elif is_unfinished_atlas(wanted.folder):
        state = "unfinished"
    elif _install_demo(wanted, data_set):
        state = "finished"
    return AtlasSearch(splits, wanted, state)


def _install_demo(request: AtlasRequest, data_set: DataSet) -> bool:
    """Install the demo's atlas if it is the one that is asked for; return whether it is there then."""
    try:
        copy = demo_atlas()
        header = read_header(copy)
        wanted = request.model, request.images, request.precision, request.split
        if header is None or wanted != (demo_model(), demo_images(), "auto", header.split):
            return False
        install_atlas(copy, request.folder, data_set, data_set.records, request.model)
    except S3NError:  # it is not installed, the folder cannot be written, or another look has just installed it
        pass
    return is_atlas(request.folder)
