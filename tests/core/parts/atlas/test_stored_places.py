"""The arrays of an atlas are replaced, not written over; a damaged list of images is said to be damaged."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_atlas import draw_pictures, write_atlas

from s3n_core.errors import AtlasError, DiskFull, OutputError
from s3n_core.parts.atlas import neighbours
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import (
    DESCRIPTORS,
    HEADER,
    IMAGES,
    PEAKS,
    PLACE,
    Collection,
    open_array,
    open_new_array,
)
from s3n_core.parts.atlas.collected_places import CollectedPlaces
from s3n_core.parts.atlas.collecting import Collected

COLLECTION = Collection(
    model="m", mode="expected", precision="float32", classes=("a", "b"), images="i", count=2, seed=0
)


def collect(out: Path, value: float) -> None:
    """Collect the places of two images, one of which cannot be read; all are ``value``."""
    peaks, cells = [[value, 2, 0.5, 1.5, 1]], [[value, 4]]
    line = {"file": "0.jpg", "width": 9, "height": 9, "predicted": 1, "rows": 2, "error": ""}
    with CollectedPlaces(out, COLLECTION, ["0.jpg", "1.jpg"], restart=True) as places:
        places.append(
            [
                Collected({**line, "peaks": peaks, "cells": cells, "channels": 3}, np.full((2, 3), value, np.float16)),
                Collected({"file": "1.jpg", "rows": 0, "error": "it is no image"}, None),
            ]
        )
        places.finish()


def test_who_reads_an_array_keeps_it_when_its_atlas_is_collected_anew(tmp_path: Path) -> None:
    collect(tmp_path, 1)
    before = [open_array(tmp_path, name) for name in (PEAKS, DESCRIPTORS)]
    collect(tmp_path, 7)
    assert before[0]["x"].tolist() == [1, 1]
    assert before[1].tolist() == [[1] * 3] * 2
    peaks, descriptors = open_array(tmp_path, PEAKS), open_array(tmp_path, DESCRIPTORS)
    assert peaks.dtype == PLACE
    assert peaks.tolist() == [(0, 7, 2, 0.5, 1.5, 1, False, 1), (0, 7, 4, 0, 0, 3, True, 1)]
    assert descriptors.dtype == np.float16
    assert descriptors.tolist() == [[7] * 3] * 2


def test_an_array_that_cannot_be_written_is_said_to_be_so_and_unchanged(tmp_path: Path) -> None:
    (tmp_path / DESCRIPTORS).mkdir()
    with pytest.raises(OutputError, match=r"descriptors.npy"):
        collect(tmp_path, 1)
    np.save(tmp_path / "array.npy", np.arange(3))
    with pytest.raises(DiskFull), open_new_array(tmp_path / "array.npy", np.int64, (2,)):
        raise OSError(28, "No space left on device")
    assert np.load(tmp_path / "array.npy").tolist() == [0, 1, 2]
    assert not list(tmp_path.glob(".s3n-*"))


def test_an_index_that_cannot_be_dropped_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / neighbours.HEADER).mkdir()
    with pytest.raises(OutputError, match=r"neighbours.json"):
        neighbours.drop_index(tmp_path)


def test_a_missing_or_torn_list_of_images_is_an_atlas_error(tmp_path: Path) -> None:
    path = write_atlas(tmp_path / "atlas", tmp_path / "data", draw_pictures(tmp_path / "data", 2)).path
    whole = (path / IMAGES).read_bytes()
    lines = whole.splitlines(keepends=True)
    for torn in (whole[:-20], b"".join(lines[:-1]), b"".join([*lines[:-1], b"[]\n"]), b""):
        (path / IMAGES).write_bytes(torn)
        with pytest.raises(AtlasError, match=r"images.jsonl cannot be read"):
            _ = Atlas(path).images
    (path / IMAGES).unlink()
    with pytest.raises(AtlasError, match=r"images.jsonl cannot be read"):
        _ = Atlas(path).images
    fields = json.loads((path / HEADER).read_bytes())["collection"]
    collection = replace(COLLECTION, **{**fields, "classes": tuple(fields["classes"])})
    with pytest.raises(AtlasError, match=r"images.jsonl cannot be read"):
        CollectedPlaces(path, collection, [], restart=False)
