"""Requests for the descriptors of an image's peaks: those that an atlas stores, whatever image it is, after edits too."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from serving import served

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.errors import AtlasError, MessageError
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method.network import S3N
from s3n_core.models.opening import open_model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import HEADER
from s3n_core.parts.atlas.descriptors import StageFeatures
from s3n_core.parts.atlas.part_place import NO_PART
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.parts.atlas.placed_parts import PlacedParts
from s3n_core.server.codec import decode_descriptors
from s3n_core.server.messages import Message
from s3n_core.server.requests import Subject
from s3n_core.system.json_values import to_json
from s3n_core.system.resources import resource

DEMO = resource("demo")
MODEL = DEMO / "model.safetensors"
RECORDS = open_data_set(DEMO / "images").records
NUMBER = 6
"""An image with several peaks."""


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    """A copy of the demo's atlas."""
    return Atlas(shutil.copytree(DEMO / "atlas", tmp_path / "atlas"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A copy of one of the demo's images, in another folder."""
    return Path(shutil.copy(RECORDS[NUMBER].path, tmp_path / "elsewhere.jpg"))


def request(image: Path, *edits: PeakEdit) -> dict[str, object]:
    return {"subject": to_json(Subject(image=image, settings=InspectionSettings(edits=edits)))}


def replies(messages: list[Message]) -> list[PeakDescriptors]:
    return [decode_descriptors(message) for message in messages if message.kind == "descriptors"]


def test_of_any_file_they_are_those_that_the_atlas_stores_of_the_same_image(atlas: Atlas, elsewhere: Path) -> None:
    (found,) = replies(served(MODEL, ("descriptors", request(elsewhere))))
    rows = atlas.peak_rows.of(RECORDS[NUMBER].name)
    assert len(rows) == len(found.values) >= 2
    assert found.image_size == (atlas.images[NUMBER].width, atlas.images[NUMBER].height)
    assert (found.predicted, found.moved) == (atlas.images[NUMBER].predicted, (False,) * len(rows))
    np.testing.assert_allclose(found.places, np.stack([atlas.places[rows][axis] for axis in "xy"], axis=1), atol=0.02)
    descriptors, parts, near = atlas.parts_of(found)
    assert ((descriptors * atlas.descriptors(rows)).sum(axis=1) > 0.999).all()
    assert parts.tolist() == atlas.part_of[rows].tolist()
    assert near.any()
    for row, descriptor in zip(rows.tolist(), descriptors, strict=True):
        assert atlas.nearest(descriptor, 1)[0].row == row
        others = atlas.nearest(descriptor, 30, same_image=False, image=RECORDS[NUMBER].name)
        assert RECORDS[NUMBER].name not in {other.image for other in others}


def test_a_moved_peak_has_that_of_its_new_place(elsewhere: Path) -> None:
    model = open_model(MODEL, "cpu")
    inspector = Inspector(model)
    prepared = inspector.prepare(read_image(elsewhere), elsewhere.name)
    first = inspector.resample(prepared).peaks[0][0]
    edit = PeakEdit(cell=first.found_at, moved_to=(first.cell[0] - 7, first.cell[1] + 5))
    peaks = inspector.resample(prepared, InspectionSettings(edits=(edit,))).peaks[0]
    with StageFeatures(model) as stage:
        inspector.look_again(prepared)
        there = stage.at(0, prepared.frame(0), np.array([(peak.x, peak.y) for peak in peaks]))
    before, after = replies(
        served(
            MODEL,
            ("inspect", request(elsewhere)),
            ("descriptors", request(elsewhere)),
            ("descriptors", request(elsewhere, edit)),
        )
    )
    assert after.moved == tuple(peak.found_at == first.found_at for peak in peaks)
    index = after.moved.index(True)
    assert after.places[index].tolist() == pytest.approx([peaks[index].x, peaks[index].y])
    assert after.nearest(peaks[index].x + 1, peaks[index].y, 0.02) == index
    assert after.nearest(-90, -90, 0.02) is None
    np.testing.assert_allclose(after.values, there, atol=2e-3)
    assert after.values[index] @ before.values[before.nearest(first.x, first.y, 0.02)] < 0.99


def test_one_more_pass_of_o_for_the_first_image_and_none_for_those_after(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    features = S3N.features

    def counted(self: S3N, *args: object, **named: object) -> object:
        passes.append(1)
        return features(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(S3N, "features", counted)
    images = (elsewhere, RECORDS[1].path)
    served(MODEL, *(("inspect", request(image)) for image in images))  # type: ignore[arg-type]
    alone = len(passes)
    passes.clear()
    asked = [(kind, request(image)) for image in images for kind in ("inspect", "descriptors", "descriptors")]
    messages = served(MODEL, *asked)  # type: ignore[arg-type]
    assert len(replies(messages)) == 4
    assert len(passes) == alone + 1


def test_an_atlas_names_the_parts_of_any_image_with_its_edits_and_says_where_there_is_none(
    atlas: Atlas, elsewhere: Path
) -> None:
    (found,) = replies(served(MODEL, ("descriptors", request(elsewhere))))
    _, parts, near = atlas.parts_of(found)
    index = near.tolist().index(True)
    part = int(parts[index])
    x, y = found.places[index].tolist()
    file = RECORDS[NUMBER].name
    asked = ((file, x, y), (file, x + 60, y), ("other.jpg", x, y))
    assert [PlacedParts(atlas.path).has_peak(*place) for place in asked] == [True, False, False]
    atlas.rename(part, "bill")
    place = PlacedParts(atlas.path).of(found)[index]
    assert place is not None
    assert (place.name, place.part, [place.x, place.y]) == ("bill", part, found.places[index].tolist())
    atlas.hide(part)
    assert PlacedParts(atlas.path).of(found)[index] is None
    assert PlacedParts(atlas.path).has_peak(file, x, y)
    header = json.loads((atlas.path / HEADER).read_text())
    (atlas.path / HEADER).write_text(json.dumps({**header, "reach": [0.01] * len(header["reach"])}))
    assert {(place.name, place.part) for place in PlacedParts(atlas.path).of(found) if place} == {(NO_PART, -1)}
    with pytest.raises(AtlasError, match="of another model"):
        PlacedParts(atlas.path).of(replace(found, model="0" * 16))


def test_a_damaged_reply_is_said() -> None:
    with pytest.raises(MessageError, match="no descriptors"):
        decode_descriptors(Message("descriptors", {"descriptors": {"values": "gone"}}, {}))
