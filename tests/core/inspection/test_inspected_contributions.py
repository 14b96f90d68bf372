"""Contributions of an inspection, of a model and of many images: they are those of the pass, in original pixels."""

import dataclasses
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import drawn_picture

from s3n_core.datasets.loading import Sample
from s3n_core.datasets.records import Box
from s3n_core.errors import DataSetError, MessageError, NoSingleHead, UnreadableImage
from s3n_core.inspection.contribution_job import contributions_of_images
from s3n_core.inspection.contribution_view import contribution_view
from s3n_core.inspection.inspection import Inspection, Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method.network import S3N
from s3n_core.model import Model as ModelOfPython
from s3n_core.models.opening import Model
from s3n_core.server.codec import decode_contributions, encode_contributions
from s3n_core.server.messages import Message


def assert_of(found: Contributions, inspection: Inspection, target: int, versus: int | None = None) -> None:
    """Assert that contributions are those of an inspection's logits, and so are picture and rows."""
    logits = inspection.scores.logits[found.head].astype(np.float64)
    wanted = logits[target] - (0 if versus is None else logits[versus])
    tolerance = 1e-4 * max(1, abs(wanted))
    assert found.total == pytest.approx(wanted, abs=tolerance)
    assert found.picture(100).sum() + found.bias == pytest.approx(found.total, abs=1e-6)
    assert sum(row.total for row in found.rows()) == pytest.approx(found.total, abs=1e-6)
    used = [(peak.x, peak.y) for peak in inspection.warps.peaks if peak.set != "off"]
    assert [(peak.x, peak.y) for peak in found.peaks] == used


SMALL: dict[str, Any] = {"backbone": "resnet18", "last_stride": 1}
"""A network with 4 x 4 cells that is certain about some of the drawn pictures, and uncertain about others."""


@pytest.fixture(scope="module")
def opened(model_of: Callable[..., Model]) -> Model:
    return model_of(**SMALL)


@pytest.fixture(scope="module")
def python(opened: Model) -> ModelOfPython:
    return ModelOfPython(opened, "tiny")


PASSES: list[tuple[dict[str, Any], InspectionSettings]] = [
    ({}, InspectionSettings(sampling="identity")),
    ({}, InspectionSettings(sampling="all", beta_1=2.0, base=0.001)),
    ({"preprocess": {"resize": "squash_crop"}}, InspectionSettings()),
    ({"preprocess": {"resize": "keep_crop"}}, InspectionSettings(sampling="all")),
    ({"form": "release"}, InspectionSettings(sampling="extremes")),
    ({"source_size": 128}, InspectionSettings()),
    ({"control": "hard_crop"}, InspectionSettings()),
    ({"branches": "O"}, InspectionSettings()),
]


@pytest.mark.parametrize(("choices", "settings"), PASSES, ids=str)
def test_places_are_in_the_original(
    model_of: Callable[..., Model], choices: dict[str, Any], settings: InspectionSettings
) -> None:
    model = ModelOfPython(model_of(**SMALL | choices), "tiny")
    inspection = model.inspect(drawn_picture(1, (200, 120)), name="bird", settings=settings)
    found = model.contributions(inspection, "species c", versus="species a")
    assert found.head == inspection.scores.answer
    assert_of(found, inspection, 2, 0)
    x0, y0, x1, y1 = inspection.response.source_box
    for branch, corners in found.corners.items():
        assert (corners.min(axis=(0, 1)) >= (x0 - 1e-3, y0 - 1e-3)).all()
        assert (corners.max(axis=(0, 1)) <= (x1 + 1e-3, y1 + 1e-3)).all()
        cells = len(found.places[branch])
        for row, column in np.ndindex(cells, cells):
            # In ResNet a cell is centred on its first pixel.
            x, y = 64 / cells * column + 0.5, 64 / cells * row + 0.5
            if branch == "O":
                place = (x0 + (x1 - x0) * x / 64, y0 + (y1 - y0) * y / 64)
            else:
                place = inspection.warped_to_original(branch, x, y)  # type: ignore[arg-type]
            assert found.places[branch][row, column].tolist() == pytest.approx(place, abs=1e-2)
    picture = found.picture()
    assert picture.shape == (120, 200)
    outside = np.ones(picture.shape, dtype=bool)
    outside[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = False
    assert not picture[outside].any()


def test_a_peak_in_a_corner_loses_nothing(model_of: Callable[..., Model]) -> None:
    model = ModelOfPython(model_of(**SMALL, floor="none"), "tiny")
    picture = drawn_picture(1)
    first = model.inspect(picture, name="bird").warps.peaks[0]
    moved = InspectionSettings(sampling="all", base=0.001, edits=(PeakEdit(cell=first.cell, moved_to=(0.0, 0.0)),))
    inspection = model.inspect(picture, name="bird", settings=moved)
    assert (inspection.warps.grid_d == -1).all(axis=-1).any()  # clamped cells
    assert_of(model.contributions(inspection, 3, versus=1), inspection, 3, 1)


def test_an_inspection_is_not_computed_again(
    python: ModelOfPython, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspection = python.inspect(picture, name="bird")
    again = [python.contributions(picture, 3, name="bird")]
    earlier, inspection = inspection, python.inspect(picture, name="bird")
    again.append(python.contributions(earlier, 3))
    monkeypatch.setattr(S3N, "features", None)
    found = python.contributions(inspection, 3)
    assert_of(found, inspection, 3)
    assert again == [found, found]
    for head in ("O", "D", "C"):
        assert_of(python.contributions(inspection, 5, versus=4, head=head), inspection, 5, 4)


def test_edited_peaks_have_the_contributions_of_their_pass(python: ModelOfPython, picture: Image.Image) -> None:
    own = python.inspect(picture, name="bird")
    off = InspectionSettings(edits=tuple(PeakEdit(cell=peak.cell, off=True) for peak in own.warps.peaks[:1]))
    edited = python.inspect(picture, name="bird", settings=off)
    found = python.contributions(edited, 3)
    assert_of(found, edited, 3)
    assert len(found.peaks) == len(own.warps.peaks) - 1
    assert found.places["O"].tolist() == python.contributions(own, 3).places["O"].tolist()
    assert found.places["D"].tolist() != python.contributions(own, 3).places["D"].tolist()
    assert python.contributions(dataclasses.replace(edited), 3) == found  # a copy is computed again, edits included
    assert python.contributions(picture, 3, name="bird", settings=off) == found


def test_half_precision(opened: Model, picture: Image.Image) -> None:
    half = ModelOfPython(dataclasses.replace(opened, precision="bfloat16"), "half")
    inspection = half.inspect(picture, name="bird")
    found = half.contributions(inspection, 2, versus=7)
    assert_of(found, inspection, 2, 7)
    assert found.precision == "bfloat16"
    assert all(values.dtype == np.float32 for values in found.values.values())


def test_an_image_that_stops_after_o_has_the_contributions_of_o(python: ModelOfPython, picture: Image.Image) -> None:
    inspection = python.inspect(picture, name="bird")
    limit = inspection.response.entropy
    for image in (inspection, picture):
        name = None if image is inspection else "bird"
        stopped = python.contributions(image, 3, name=name, stop_below=limit + 0.01)
        assert (stopped.head, tuple(stopped.values)) == ("O", ("O",))
        assert_of(stopped, inspection, 3)
        went_on = python.contributions(image, 3, name=name, stop_below=limit - 0.01)
        assert went_on.head == "joint"
        with pytest.raises(ValueError, match="stops after O has no contributions of D"):
            python.contributions(image, 3, name=name, head="D", stop_below=limit + 0.01)


def test_what_cannot_be_answered_is_said(
    python: ModelOfPython, model_of: Callable[..., Model], picture: Image.Image
) -> None:
    inspection = python.inspect(picture)
    for image, head in ((picture, "mean"), ([inspection, inspection], None)):
        with pytest.raises(NoSingleHead) as caught:
            python.contributions(image, 0, head=head)  # type: ignore[arg-type]
        assert caught.value.code == "no_single_head"
    only_o = ModelOfPython(model_of(**SMALL, branches="O"), "only O")
    with pytest.raises(ValueError, match="not of only O"):
        only_o.contributions(inspection, 0)
    with pytest.raises(ValueError, match="no head 'joint'"):
        only_o.contributions(picture, 0, head="joint")
    with pytest.raises(DataSetError, match="cascade"):
        only_o.contributions(picture, 0, stop_below=0.2)
    with pytest.raises(ValueError, match="did you mean 'species a'"):
        python.contributions(picture, "specie a")
    huge = dataclasses.replace(inspection, response=dataclasses.replace(inspection.response, image_scale=0.5))
    with pytest.raises(ValueError, match="give the image itself"):
        python.contributions(huge, 0)
    with pytest.raises(ValueError, match="its own name"):
        python.contributions(inspection, 0, name="other")


@pytest.mark.parametrize("stop", [False, True])
def test_many_images_at_once(opened: Model, tmp_path: Path, stop: bool) -> None:
    """A batch gives what single images give; an unreadable one its error; stopped and others keep their order."""
    samples = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        drawn_picture(number, (90 + number, 80)).save(path)
        samples.append(Sample(path, path.name))
    samples[2].path.write_bytes(b"junk")
    python = ModelOfPython(opened, "tiny")
    entropies = sorted(
        python.inspect(sample.path).response.entropy for position, sample in enumerate(samples) if position != 2
    )
    stop_below = (entropies[1] + entropies[2]) / 2 if stop else None

    def ask(position: int, scores: Scores) -> tuple[int, int]:
        first, second = np.argsort(-scores.logits[scores.answer])[:2].tolist()
        return (first, second) if position else (second, first)

    loop = contributions_of_images(opened, samples, ask, batch_size=3, stop_below=stop_below)
    with closing(loop) as batches:
        results = [pair for batch in batches for pair in batch]
    assert [position for position, _ in results] == [0, 1, 2, 3, 4]
    assert isinstance(results[2][1], UnreadableImage)
    heads = []
    for position, found in results:
        if isinstance(found, UnreadableImage):
            continue
        heads.append(found.head)
        assert (found.name, found.image_size) == (f"{position}.png", (90 + position, 80))
        assert (found.total < 0) == (position == 0)
        alone = python.contributions(samples[position].path, found.target, versus=found.versus, stop_below=stop_below)
        assert (alone.head, len(alone.peaks)) == (found.head, len(found.peaks))
        assert alone.total == pytest.approx(found.total, rel=1e-2, abs=1e-2)  # other batch sizes round differently
    assert heads.count("O") == (2 if stop else 0)
    with (
        pytest.raises(ValueError, match="not for both"),
        closing(
            contributions_of_images(opened, samples[:2], lambda position, _: (0, 1 if position else None))
        ) as batches,
    ):
        list(batches)


def test_the_server_can_send_them(python: ModelOfPython, picture: Image.Image) -> None:
    for versus in (None, 2):
        found = contribution_view(python.contributions(picture, 3, versus=versus), Box(x=5, y=5, width=20, height=20))
        message = encode_contributions(found, generation=4)
        assert message.fields["generation"] == 4
        assert {array.dtype.name for array in message.arrays.values()} == {"float32"}
        assert decode_contributions(message) == found
    with pytest.raises(MessageError, match="no contributions"):
        decode_contributions(Message("contributions", {"contributions": {"name": 3}}))


def test_contributions_need_the_pass(opened: Model, picture: Image.Image) -> None:
    inspector = Inspector(opened)
    resampled = inspector.resample(inspector.prepare(picture))
    (found,) = inspector.contributions(resampled, None, 3, head="O")
    assert found.head == "O"
    with pytest.raises(ValueError, match="before the other branches"):
        inspector.contributions(resampled, None, 3)
    assert torch.is_grad_enabled()


def test_a_batch_is_asked_in_one_call_of_python(
    python: ModelOfPython, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [drawn_picture(number, (90, 80)) for number in range(3)]
    pictures[1].save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"junk")
    batches: list[int] = []
    features = S3N.features

    def counted(self: S3N, images: torch.Tensor, *args: object, **named: object) -> object:
        batches.append(len(images))
        return features(self, images, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(S3N, "features", counted)
    source = [pictures[0], tmp_path / "1.png", tmp_path / "2.png", np.asarray(pictures[2])]
    first, second, broken, third = python.contributions_many(source, progress=False)
    assert len(batches) == len(["O", "D", "C"]), "three images share each branch's pass"
    assert isinstance(broken, UnreadableImage)
    for found, name in ((first, "image 1"), (second, "1.png"), (third, "image 4")):
        assert isinstance(found, Contributions)
        assert found.name == name
        assert found.versus is not None
        assert found.total > 0, "the predicted class over its strongest rival"
    (asked,) = python.contributions_many([pictures[0]], ask=lambda *_: ("species c", 1), progress=False)
    assert isinstance(asked, Contributions)
    assert (asked.target, asked.versus) == (2, 1)
    with pytest.raises(NoSingleHead):
        python.contributions_many(source, head="mean")
