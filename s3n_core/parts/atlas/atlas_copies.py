"""Copies of an atlas that do not depend on where its images and its model lie: made to be kept, and installed elsewhere.

An atlas names its images' folder and its model by absolute paths, and holds a fingerprint of the images that counts the times of
their files. A portable copy has neither; installing it writes those of the place where it is then. Without torch.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas_files import (
    DESCRIPTORS,
    FORMAT,
    HEADER,
    VERSION,
    AtlasHeader,
    read_header,
    read_images,
)
from s3n_core.parts.atlas.neighbours import NEIGHBOUR_FILES
from s3n_core.prediction.rows import fingerprint
from s3n_core.system.atomic_files import make_folder, output_error, write_json
from s3n_core.system.json_values import to_json


def make_portable(atlas: Path, out: Path) -> None:
    """Write a copy of a finished atlas without paths and without what is made anew when it is missing.

    Args:
        atlas: The folder of the atlas.
        out: The folder of the copy; must not exist.

    Raises:
        AtlasError: There is no finished atlas.
    """
    header = _header(atlas)
    shutil.copytree(atlas, out, ignore=shutil.ignore_patterns(HEADER, "*.lock", *NEIGHBOUR_FILES))
    collection = {**header.collection, "images": ""}
    _write(out, replace(header, collection=collection, data="", model_path=Path(header.model_path).name, parts_of=""))


def install_atlas(copy: Path, out: Path, data_set: DataSet, records: Sequence[ImageRecord], model: Path) -> None:
    """Install a portable copy, so that it is as if it had been built here. An atlas that is there already stays.

    Args:
        copy: The folder of the copy.
        out: The folder of the atlas.
        data_set: The data set.
        records: Its images that the atlas is of, in their order.
        model: The model file.

    Raises:
        AtlasError: There is no copy, or it is of other images.
        OutputError: The folder cannot be written.
    """
    header = _header(copy)
    images = read_images(copy, header.collection["count"])
    if [image.file for image in images] != [record.name for record in records]:
        raise AtlasError(f"The atlas in {copy} is of other images than those in {data_set.root}.")
    collection = {**header.collection, "images": fingerprint(records, data_set.classes)}
    here = replace(
        header,
        collection=collection,
        data=str(data_set.root.resolve()),
        data_format=data_set.format,
        model_path=str(model.resolve()),
    )
    make_folder(out.parent)
    try:
        with TemporaryDirectory(dir=out.parent, prefix=".installing-") as folder:
            made = Path(folder) / "atlas"
            made.mkdir()
            for file in sorted(copy.rglob("*")):
                place = made / file.relative_to(copy)
                if file.is_dir():
                    place.mkdir(exist_ok=True)
                elif file.name != HEADER:
                    shutil.copyfile(file, place)  # not its rights: it may come from where nobody may write
            _write(made, here)
            if not out.exists():  # another window may have been quicker
                made.rename(out)
    except OSError as error:
        raise output_error(out, error) from error


def _header(folder: Path) -> AtlasHeader:
    header = read_header(folder)
    if header is None or not (folder / DESCRIPTORS).exists():
        raise AtlasError(f"There is no finished atlas in {folder}.")
    return header


def _write(folder: Path, header: AtlasHeader) -> None:
    write_json(folder / HEADER, {"format": FORMAT, "version": VERSION, **to_json(header)})
