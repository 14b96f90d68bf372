import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import CLASSES, drawn_picture

from s3n_core.errors import UnreadableImage
from s3n_core.inspection.inspection import MOST_IMAGE_SIDE, Inspection, is_same, strongest
from s3n_core.inspection.inspector import Inspector, inspect
from s3n_core.inspection.map_display import class_map_range
from s3n_core.inspection.summary import arrays_of, summary_of
from s3n_core.method.response_maps import min_max, resize_map
from s3n_core.models.opening import Model


@pytest.fixture(scope="module")
def inspection(model: Model) -> Inspection:
    return inspect(model, drawn_picture(0), name="bird.png")


def test_file_array_and_picture_give_the_same(model: Model, picture: Image.Image, tmp_path: Path):
    picture.save(tmp_path / "bird.png")
    from_file = inspect(model, tmp_path / "bird.png")
    from_array = inspect(model, np.asarray(picture))
    assert from_file.response.name == "bird.png"
    np.testing.assert_array_equal(from_file.response.image, np.asarray(picture))
    np.testing.assert_array_equal(from_file.scores.logits["joint"], from_array.scores.logits["joint"])
    with pytest.raises(UnreadableImage):
        inspect(model, tmp_path / "absent.png")


def test_huge_original_is_kept_scaled_down(model: Model):
    width, height = MOST_IMAGE_SIDE * 2, 100
    inspection = inspect(model, Image.new("RGB", (width, height), "red"))
    assert inspection.response.image.shape == (50, MOST_IMAGE_SIDE, 3)
    assert inspection.response.image_scale == 0.5
    assert inspection.response.image_size == (width, height)
    assert inspection.response.source_box == (0.0, 0.0, width, height)


def test_flat_picture_gives_finite_numbers(model_of: Callable[..., Model]):
    inspection = inspect(model_of(), Image.new("RGB", (50, 50)))
    arrays = arrays_of(inspection)
    assert np.isnan(arrays.pop("peak_zeta")).all()
    assert all(np.isfinite(values).all() for values in arrays.values())


def test_summary_and_arrays_can_be_stored(inspection: Inspection, tmp_path: Path):
    summary = json.loads(json.dumps(summary_of(inspection), allow_nan=False))
    assert summary["name"] == "bird.png"
    assert set(summary["scores"]) == {"joint", "O", "D", "C"}
    assert summary["prediction"]["class"] in CLASSES
    assert summary["peaks"][0]["response"] == pytest.approx(1.0)
    np.savez(tmp_path / "arrays.npz", **arrays_of(inspection))
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as stored:
        assert stored["peak_xy"].shape == (len(inspection.warps.peaks), 2)
        assert stored["response"].shape == (31, 31)
    assert pickle.loads(pickle.dumps(inspection)) == inspection


def test_values_are_the_same_by_what_they_hold():
    row = np.array([1.0, np.nan], dtype=np.float32)
    assert is_same(row, row.copy())
    assert is_same({"a": row}, {"a": row.copy()})
    for one, other in ((row, None), (row, row.astype(np.float64)), (row, row[:1]), (row, -row), ((1,), (2,))):
        assert not is_same(one, other)
        assert not is_same(other, one)
    assert not is_same({"a": row}, {"b": row})


def test_scores_are_the_softmax_in_order(inspection: Inspection):
    scores = inspection.top("D")
    assert len(scores) == 5
    expected = torch.from_numpy(inspection.scores.logits["D"]).double().softmax(0)
    assert [score.probability for score in scores] == pytest.approx(expected.sort(descending=True).values[:5].tolist())
    assert inspection.prediction == inspection.top("joint", 1)[0]
    assert inspection.scores.probabilities("joint").sum() == pytest.approx(1)


def test_the_strongest_are_the_first_of_all_sorted():
    generator = np.random.default_rng(0)
    ties = generator.integers(0, 4, 50).astype(np.float32)
    gaps = np.where(generator.random(50) < 0.3, np.nan, ties)
    for values in (ties, gaps, np.full(6, np.nan), np.full(6, -np.inf), generator.normal(size=50)):
        ranked = np.argsort(-values, kind="stable")
        for count in (1, 2, 5, len(values) - 1, len(values), len(values) + 3):
            assert strongest(values, count).tolist() == ranked[:count].tolist()
    assert strongest(np.zeros(0), 1).tolist() == []


def test_rule_is_said_in_words(inspection: Inspection):
    unsure = dataclasses.replace(inspection.response, entropy=1.3168, sure=False, merged_classes=(3, 1, 2, 0, 5))
    assert unsure.rule == (
        "Branch O is uncertain (H = 1.32 > delta = 0.2), so R averages the maps of its five most probable classes."
    )
    sure = dataclasses.replace(inspection.response, entropy=0.05, sure=True, merged_classes=(3,))
    assert (
        sure.rule
        == "Branch O is certain (H = 0.05 ≤ delta = 0.2), so R is the map of the most probable class, species d."
    )
    close = dataclasses.replace(unsure, entropy=0.20004)
    assert "H = 0.20004 > delta = 0.2" in close.rule
    few = dataclasses.replace(unsure, merged_classes=(3,))
    assert "with so few classes R is the map of the most probable class, species d" in few.rule
    assert "saliency" in dataclasses.replace(sure, attention="saliency").rule


def test_the_shown_rule_changes_no_letter_of_a_class(inspection: Inspection):
    response = dataclasses.replace(inspection.response, entropy=0.05, sure=True, merged_classes=(3,))
    named = dataclasses.replace(response, classes=("a", "b", "c", "004.delta_wing", *response.classes[4:]))
    assert named.shown_rule == (
        "Branch O is certain (H = 0.05 ≤ δ = 0.2), so R is the map of the most probable class, delta wing."
    )
    assert "delta = 0.2), so R is the map of the most probable class, 004.delta_wing." in named.rule


def test_merged_classes_make_the_response(inspection: Inspection):
    maps = torch.from_numpy(
        np.stack([inspection.response.class_map(index) for index in inspection.response.merged_classes])
    )
    merged = min_max(resize_map(maps.double().mean(0, keepdim=True), 31, align=inspection.response.alignment))[0]
    np.testing.assert_allclose(merged.numpy(), inspection.response.map, atol=1e-4)


@pytest.mark.parametrize(("form", "size"), [("paper", 64), ("release", 64), ("paper", 80)])
def test_class_support_is_read_as_the_response_is(model_of: Callable[..., Model], form: str, size: int):
    inspection = inspect(model_of(form=form, input_size=size, source_size=size), drawn_picture(0))
    merged = np.mean([inspection.response.class_support(index) for index in inspection.response.merged_classes], axis=0)
    np.testing.assert_allclose((merged - merged.min()) / np.ptp(merged), inspection.response.map, atol=1e-4)
    assert inspection.response.span == size / 32
    kept = inspection.response.class_map(2)
    assert kept is not None
    align, span = inspection.response.alignment, inspection.response.span
    expected = resize_map(torch.from_numpy(kept)[None].double(), 31, align=align, span=span)[0]
    np.testing.assert_allclose(inspection.response.class_support(2), expected.numpy(), atol=1e-9)


def test_class_support_is_on_one_scale(model: Model, picture: Image.Image):
    inspection = inspect(model, picture)
    response = inspection.response
    supports = [response.class_support(index) for index in range(len(CLASSES))]
    limits = class_map_range(response.class_maps)
    for support in supports:
        assert support is not None
        assert limits.low - 1e-6 <= support.min()
        assert support.max() <= limits.high + 1e-6
        assert support.min() < support.max()
    assert max(float(limits.share(support).max()) for support in supports) > 0.5
    assert len({round(float(limits.share(support).max()), 3) for support in supports}) > 1  # not equally strong


def test_many_large_class_maps_are_kept_in_part(model: Model, picture: Image.Image, monkeypatch: pytest.MonkeyPatch):
    everything = inspect(model, picture)
    monkeypatch.setattr("s3n_core.inspection.stages.MOST_MAP_VALUES", 1)
    part = inspect(model, picture)
    assert len(part.response.mapped_classes) < len(CLASSES) == len(everything.response.mapped_classes)
    assert {score.index for score in part.top("joint")} | set(part.response.merged_classes) <= set(
        part.response.mapped_classes
    )
    absent = next(index for index in range(len(CLASSES)) if index not in part.response.mapped_classes)
    assert part.response.class_map(absent) is None
    assert part.response.class_support(absent) is None
    inspector = Inspector(model)
    fetched = inspector.class_map(inspector.prepare(picture), absent)
    np.testing.assert_allclose(fetched, everything.response.class_map(absent), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(
        part.response.class_map(part.response.mapped_classes[0]),
        everything.response.class_map(part.response.mapped_classes[0]),
    )


@pytest.mark.parametrize("resize", ["squash", "squash_crop", "keep_crop"])
def test_places_go_there_and_back(model_of: Callable[..., Model], resize: str):
    inspection = inspect(model_of({"resize": resize}), drawn_picture(0, (130, 70)))
    x0, y0, x1, y1 = inspection.response.source_box
    assert inspection.response.cell_to_original(15, 15) == pytest.approx(((x0 + x1) / 2, (y0 + y1) / 2))
    for row, column in [(0.0, 0.0), (30.0, 30.0), (12.25, 3.5)]:
        place = inspection.response.cell_to_original(row, column)
        assert inspection.response.original_to_cell(*place) == pytest.approx((row, column), abs=1e-9)
    for branch in ("D", "C"):
        place = inspection.warped_to_original(branch, 30.0, 40.0)
        back = inspection.original_to_warped(branch, *place)
        assert back == pytest.approx((30.0, 40.0), abs=0.01)
    assert inspection.response.original_to_cell(x1 + 0.1, y1) is None
    assert inspection.original_to_warped("D", x0 - 0.1, y0) is None
    first = inspection.warps.peaks[0]
    assert (first.x, first.y) == pytest.approx(inspection.response.cell_to_original(*first.cell))
    assert inspection.grid_in_original("D").shape == (31, 31, 2)
    assert inspection.warps.magnification("C").shape == (30, 30)


def test_peak_lies_where_the_warp_shows_it(model_of: Callable[..., Model]):
    """A dot painted onto the original appears in D's image where the linked cursor would be."""
    inspection = inspect(model_of(), drawn_picture(3, (64, 64)))
    view = np.zeros((1, 3, 64, 64), dtype=np.float32)
    view[0, :, 20, 40] = 1
    warped = torch.nn.functional.grid_sample(
        torch.from_numpy(view),
        torch.nn.functional.interpolate(
            torch.from_numpy(inspection.warps.grid_d).permute(2, 0, 1)[None],
            size=(64, 64),
            mode="bilinear",
            align_corners=True,
        ).permute(0, 2, 3, 1),
        align_corners=True,
    )[0, 0].numpy()
    rows, columns = np.indices(warped.shape)
    centre = (warped * (columns + 0.5)).sum() / warped.sum(), (warped * (rows + 0.5)).sum() / warped.sum()
    place = inspection.original_to_warped("D", 40.5, 20.5)
    assert place == pytest.approx(centre, abs=0.6)
