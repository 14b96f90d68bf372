"""Looking for the atlas of a model and of images that was found before, in the window's folder; run in a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from s3n_core.datasets.records import DataSet
from s3n_core.errors import AtlasError, S3NError
from s3n_core.parts.atlas.atlas_copies import install_atlas
from s3n_core.parts.atlas.atlas_files import AtlasHeader, is_atlas, is_unfinished_atlas, read_header
from s3n_core.parts.atlas.sources import has_images_of, model_of
from s3n_gui.state.atlas_request import AtlasRequest
from s3n_gui.state.demo import demo_atlas, demo_images, demo_model
from s3n_gui.state.kept_results import kept_folder
from s3n_gui.state.split_choice import SplitChoice, split_choice


@dataclass(frozen=True, slots=True)
class AtlasSearch:
    """What was found.

    Attributes:
        splits: The splits of the images.
        request: The request for the chosen split, or for the usual one; it says where its atlas is, or can be made.
        state: How far its atlas is.
        others: Finished atlases of the model with parts that its atlas could take, the newest first.
    """

    splits: SplitChoice
    request: AtlasRequest
    state: Literal["none", "unfinished", "finished"]
    others: tuple[OtherAtlas, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherAtlas:
    """An atlas of the same model.

    Attributes:
        folder: Its folder.
        images: The folder of its images.
        split: Which of them it has.
    """

    folder: Path
    images: Path
    split: str


def look_for_atlas(
    request: AtlasRequest, data_set: DataSet, split: str = "", known: Iterable[Path] = ()
) -> AtlasSearch:
    """Find the splits, and whether there is an atlas of the chosen split; of the usual one where none is chosen.

    The demo's atlas is installed, as if it had been found here, if it is the one that is asked for.

    Args:
        request: The model and the images; its split does not count.
        data_set: The images.
        split: The chosen split, or "".
        known: Folders of atlases, of any models.

    Raises:
        S3NError, OSError: The images cannot be read.
    """
    splits = split_choice(request.images, data_set, request.model)
    wanted = replace(request, split=split if split in splits.available else splits.usual)
    known, own = tuple(known), own_atlases()
    ours = dict(atlases_of(request.model, dict.fromkeys((*known, *own))))
    wanted = replace(wanted, kept=_place(wanted, {folder: ours[folder] for folder in own if folder in ours}))
    state: Literal["none", "unfinished", "finished"] = "none"
    if is_atlas(wanted.folder):
        state = "finished"
    elif is_unfinished_atlas(wanted.folder):
        state = "unfinished"
    elif _install_demo(wanted, data_set):
        state = "finished"
    others = [
        OtherAtlas(folder, Path(header.data), header.split)
        for folder, header in ours.items()
        if folder in known and folder != wanted.folder and header.data
    ]
    return AtlasSearch(splits, wanted, state, tuple(others))


def atlases_of(model: Path, folders: Iterable[Path]) -> Iterator[tuple[Path, AtlasHeader]]:
    """Return the finished atlases among folders that are of a model, with their headers."""
    for folder in folders:
        header = readable_header(folder)
        if header is not None and model_of(header, model) is not None:
            yield folder, header


def readable_header(folder: Path) -> AtlasHeader | None:
    """Return the header of a finished atlas; None if there is none that can be read."""
    try:
        return read_header(folder)
    except (AtlasError, OSError):
        return None


def own_atlases() -> tuple[Path, ...]:
    """Return the folders of the window's own atlases."""
    folder = kept_folder("atlases")
    return tuple(sorted(folder.iterdir())) if folder.is_dir() else ()


def _place(request: AtlasRequest, ours: Mapping[Path, AtlasHeader]) -> Path:
    """Return the folder of the atlas that is asked for.

    Args:
        request: What is asked for.
        ours: The window's own finished atlases of the model, by their folders.
    """
    place = request.folder
    if place not in ours and not is_unfinished_atlas(place):
        for folder, header in ours.items():  # made when the model was called something else
            if (
                has_images_of(header, request.images)
                and header.split == request.split
                and request.precision in ("auto", header.collection.get("precision"))
            ):
                return folder
    number = 2
    while _is_of_another(place, request.model):  # which had the same name
        place, number = request.folder.with_name(f"{request.folder.name}-{number}"), number + 1
    return place


def _is_of_another(folder: Path, model: Path) -> bool:
    """Return whether a folder holds a finished atlas of another model."""
    header = readable_header(folder)
    return header is not None and model_of(header, model) is None


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
