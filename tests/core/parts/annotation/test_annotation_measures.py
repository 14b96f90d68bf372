"""Measures of parts against key points, each on a hand-made case with a known answer, and their controls."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tiny_models import CLASSES, drawn_picture

from s3n_core.datasets.records import Box, DataSet, ImageRecord, Part
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import AtlasError
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import Model
from s3n_core.parts.annotation import annotation_protocol
from s3n_core.parts.annotation.annotation_measures import (
    AnnotationMeasures,
    PartPlaces,
    annotation_measures,
    class_consistency,
    consistency,
    hit_shares,
    merged_side,
    purity,
    stability,
)
from s3n_core.parts.annotation.annotation_protocol import cropped, measure_annotation, with_noise
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.building import build_atlas


def known() -> PartPlaces:
    """Forty images of two classes. The first part lies on the left eye in 36 of them, in all of class 0; the second on the tail.

    But the tail is visible in ten images of class 1 only, and hit in five; with noise, ten places of the second part move away.
    """
    rng = np.random.default_rng(0)
    points = np.full((40, 3, 2), np.nan)
    points[:, 0] = rng.uniform((0.1, 0.05), (0.9, 0.2), (40, 2))
    points[:, 1] = (points[:, 0] + (0.5, 0)) % 1  # the right eye, far away
    points[30:, 2] = (0.5, 0.9)
    places = np.zeros((40, 2, 2))
    places[:, 0] = points[:, 0] + 0.1
    places[36:, 0] = -1
    places[:, 1] = (0.5, 0.9 - 0.15)
    places[35:, 1] = (0.5, 0.9 - 0.17)  # just outside of 36 of 224 pixels
    noisy = places.copy()
    noisy[30:, 1] = (3, 3)
    at_points = np.where(np.isfinite(points[..., 0]), (0, 0, 1), -1)
    return PartPlaces(
        places=places,
        scores=np.ones((40, 2)),
        points=points,
        labels=np.repeat([0, 1], 20),
        groups=np.array([0, 0, 1]),
        noisy=noisy,
        point_parts=at_points,
    )


def test_hits_and_consistency_count_visible_key_points_only() -> None:
    found = known()
    shares = hit_shares(found)
    assert shares[0, 0] == pytest.approx(36 / 40)
    assert shares[1, 2] == pytest.approx(5 / 10)
    assert consistency(found) == 0.5
    # In class 0 the tail is never visible, and in class 1 it is hit in half; the eye in all of class 0 and 16 of 20.
    assert class_consistency(found) == 0.5
    moved = found.places.copy()
    moved[35, 0] = -1
    assert consistency(replace(found, places=moved)) == 0.5
    assert class_consistency(replace(found, places=moved)) == 0.25  # 15 of 20 are too few


def test_stability_is_the_share_of_hit_vectors_that_stay() -> None:
    # Of 80 vectors of an image and a part, noise changes those of the five hits of the tail.
    assert stability(known()) == pytest.approx(75 / 80)


def test_purity_takes_both_sides_as_one_and_looks_at_strong_places() -> None:
    found = known()
    on_eyes = found.places.copy()
    on_eyes[:20, 0], on_eyes[20:, 0] = found.points[:20, 0], found.points[20:, 1]
    on_eyes[:, 1] = -1
    assert purity(replace(found, places=on_eyes)) == pytest.approx(0.5)  # the first part is pure, the second on nothing
    assert purity(replace(found, places=on_eyes, groups=np.arange(3))) == pytest.approx(0.25)
    weak = np.full((40, 2), 0.4)
    weak[:10] = 0.45  # fewer than ten strong places: the strongest ten
    wrong = on_eyes.copy()
    wrong[10:, 0] = -1
    assert purity(replace(found, places=wrong, scores=weak)) == pytest.approx(0.5)
    assert merged_side("left eye") == merged_side("right_eye") == "eye"


def test_agreement_and_regression_are_perfect_where_parts_follow_key_points() -> None:
    found = known()
    points = found.points[:, :2]
    follows = replace(
        found, points=points, places=0.3 * points + 0.1, groups=np.arange(2), point_parts=np.tile([1, 0], (40, 1))
    )
    measured = annotation_measures(follows)
    assert (measured.nmi, measured.ari) == (pytest.approx(1), pytest.approx(1))
    assert measured.point_error == pytest.approx(0, abs=1e-9)
    assert measured.constant_error > 0.1
    mixed = annotation_measures(replace(follows, point_parts=np.tile([0, 0], (40, 1))))
    assert (mixed.nmi, mixed.ari) == (pytest.approx(0), pytest.approx(0))


def test_controls_stand_beside_the_parts() -> None:
    found = replace(known(), places=known().points[:, [0, 1]])
    found = replace(found, noisy=found.places)
    fixed = found.points.copy()
    fixed[:, 1] = (0.45, 0.6)  # always there: the best constant place finds it
    measured = annotation_measures(replace(found, points=fixed))
    rows = {row.name: row for row in measured.rows}
    assert list(rows) == ["parts", "best constant place", "random places", "centre of the box"]
    assert rows["best constant place"].best_hit.value == 1
    assert rows["best constant place"].stability is not None
    assert rows["best constant place"].stability.value == 1
    assert rows["random places"].best_hit.value < 0.5
    assert rows["random places"].count == 2
    assert rows["centre of the box"].covered == 1
    for row in measured.rows:
        assert row.best_hit.low is not None
        assert row.best_hit.high is not None
        assert row.best_hit.low <= row.best_hit.value <= row.best_hit.high
    assert [len(line) for line in measured.table()] == [8] * 5


def test_images_are_cropped_to_the_box_and_noise_is_keyed_and_bounded() -> None:
    image = Image.new("RGB", (100, 80))
    assert cropped(image, Box(x=10, y=20, width=30, height=40)).size == (30, 40)
    assert cropped(image, Box(x=90, y=70, width=30, height=40)).size == (10, 10)
    assert cropped(image, None).size == (100, 80)
    pixels = np.full((20, 20, 3), 128, dtype=np.uint8)
    noisy = with_noise(pixels, "a")
    assert np.array_equal(noisy, with_noise(pixels, "a"))
    assert not np.array_equal(noisy, with_noise(pixels, "b"))
    assert 5 < np.abs(noisy.astype(int) - pixels).max() <= 0.25 * 0.23 * 255 + 1


def annotated_images(folder: Path) -> list[ImageRecord]:
    """Six drawn images with boxes; all but the last have two key points."""
    records = []
    for number in range(6):
        path = folder / f"{number}.png"
        drawn_picture(number).save(path)
        parts = (Part(name="left eye", x=40, y=40), Part(name="tail", x=80, y=40)) if number != 5 else ()
        box = Box(x=20, y=10, width=80, height=60)
        records.append(ImageRecord(path=path, name=path.name, label=number % 2, split="test", box=box, parts=parts))
    return records


def atlas_of(model: Model, records: list[ImageRecord], folder: Path) -> Atlas:
    data = DataSet(root=folder, format="images", classes=CLASSES[:2], records=tuple(records))
    list(build_atlas(model, data, records, folder / "atlas", split="test", parts=3, workers=0))
    return Atlas(folder / "atlas")


def test_an_atlas_is_measured_and_images_without_key_points_are_left_out(model: Model, tmp_path: Path) -> None:
    records = annotated_images(tmp_path)
    atlas, steps = atlas_of(model, records, tmp_path), list[tuple[int, int]]()
    found = measure_annotation(
        atlas, model, records, workers=0, progress=lambda done, total: steps.append((done, total))
    )
    assert (found.images, found.points, found.left_out) == (5, 2, 1)
    assert steps[-1] == (10, 10)
    shown = [part for part in atlas.parts.numbers if part not in atlas.background]
    assert found.rows[0].count == len(shown)
    assert found.to_dict()["rows"][0]["name"] == "parts"
    with pytest.raises(AtlasError, match="at least two images"):
        measure_annotation(atlas, model, records[5:])


def test_images_that_cannot_be_measured_are_counted_whatever_the_reason(model: Model, tmp_path: Path) -> None:
    records = annotated_images(tmp_path)
    atlas = atlas_of(model, records, tmp_path)
    records[0] = replace(records[0], label=None)
    records[1].path.write_bytes(b"no image")
    found = measure_annotation(atlas, model, records, workers=0)
    assert (found.images, found.left_out) == (3, 3)
    assert found.sentences()[-1].startswith("3 images could not be measured (no label, box or key points, unreadable")


def test_a_merged_part_is_where_any_of_its_groups_is(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = list[PartPlaces]()

    def measures(found: PartPlaces, *, left_out: int, seed: int) -> AnnotationMeasures:
        given.append(found)
        return annotation_measures(found, left_out=left_out, seed=seed)

    monkeypatch.setattr(annotation_protocol, "annotation_measures", measures)
    records = annotated_images(tmp_path)
    atlas = atlas_of(model, records, tmp_path)
    for part in atlas.parts.numbers:
        atlas.set_background(part, background=False)
    measure_annotation(atlas, model, records, workers=0)
    atlas.merge(0, 1)
    measure_annotation(atlas, model, records, workers=0)
    apart, merged = given
    assert (apart.scores[:, 1] > apart.scores[:, 0]).any()  # else the first group alone would give the same
    assert merged.scores[:, 0] == pytest.approx(apart.scores[:, :2].max(axis=1))
    assert merged.scores[:, 1] == pytest.approx(apart.scores[:, 2])
    assert apart.point_parts is not None
    assert merged.point_parts is not None
    assert (merged.point_parts == np.maximum(apart.point_parts - 1, 0)).all()


def test_descriptors_are_compared_with_those_of_the_class_that_the_model_predicts(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = annotated_images(tmp_path)[:5]
    atlas, used = atlas_of(model, records, tmp_path), list[int]()
    usual = atlas.compared

    def compared(descriptors: NDArray[np.float32], predicted: int) -> NDArray[np.float32]:
        used.append(predicted)
        return usual(descriptors, predicted)

    monkeypatch.setattr(atlas, "compared", compared)
    measure_annotation(atlas, model, records, workers=0)
    views = np.stack([test_view(cropped(Image.open(of.path), of.box), model.preprocess) for of in records])
    scores = Inspector(model).scores(views, [record.name for record in records])
    plain = used[: len(used) // 2 : 2]  # each image asks for its cells and its key points, then all again with noise
    assert plain == [one.predicted for one in scores]
    assert plain != [int(one.logits["O"].argmax()) for one in scores]
