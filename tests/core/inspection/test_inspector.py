import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import drawn_picture

from s3n_core.datasets.transforms import test_view
from s3n_core.errors import OutOfMemory
from s3n_core.inspection.geometry import cell_places
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.inspector import Inspector, inspect
from s3n_core.inspection.peak import Peak, PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.inspection.stages import Prepared
from s3n_core.method.network import S3NOutput
from s3n_core.method.resampling import invert_grid, resize_grid
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input, to_pixels
from s3n_core.system.seeding import peak_draws

VARIANTS: list[dict[str, Any]] = [
    *({"branches": branches} for branches in ("O", "O+D", "O+C", "D+C", "O+D+C")),
    *({"control": control} for control in ("identity", "random_places", "other_image", "centre", "hard_crop")),
    *({"attention": attention} for attention in ("saliency", "response")),
    {"form": "release"},
    {"source_size": 128},
    {"batch_norm": "separate"},
]


def forward(model: Model, picture: Image.Image, name: str, sampling: Any = None) -> S3NOutput:
    """Return the network's own output, in one call."""
    view = test_view(picture, model.preprocess)[None]
    draws = torch.from_numpy(peak_draws(0, 0, [name], 31))
    with torch.inference_mode(), model.autocast():
        output: S3NOutput = model.network(to_input(view, "cpu"), sampling=sampling, draws=draws, trace=True)
    return output


def assert_same(inspection: Inspection, output: S3NOutput) -> None:
    """Assert equality to the last bit."""
    trace = output.trace
    assert trace is not None
    answers = output.branches() | ({} if output.joint is None else {"joint": output.joint})
    assert set(inspection.scores.logits) == set(answers)
    for answer, logits in answers.items():
        np.testing.assert_array_equal(inspection.scores.logits[answer], logits[0].numpy())
    for ours, theirs in (
        (inspection.response.gate_logits, trace.response.logits),
        (inspection.response.map, trace.response.response),
        (inspection.response.class_maps, trace.response.maps),
        (inspection.warps.map_d, trace.samples.map_d),
        (inspection.warps.map_c, trace.samples.map_c),
        (inspection.warps.grid_d, trace.samples.grid_d),
        (inspection.warps.grid_c, trace.samples.grid_c),
    ):
        np.testing.assert_array_equal(ours, theirs[0].numpy())
    np.testing.assert_array_equal(inspection.warps.image_d, to_pixels(trace.images_d)[0])
    np.testing.assert_array_equal(inspection.warps.image_c, to_pixels(trace.images_c)[0])
    assert inspection.response.entropy == trace.response.entropy.item()
    assert inspection.response.sure == trace.response.sure.item()
    peaks = {peak.cell: (peak.weight_d, peak.weight_c) for peak in inspection.warps.peaks}
    mask = trace.response.peaks[0].numpy()
    assert set(peaks) == set(map(tuple, np.argwhere(mask).tolist()))
    for cell, weights in peaks.items():
        assert weights == (trace.samples.weight_d[0][cell].item(), trace.samples.weight_c[0][cell].item())


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_inspection_is_the_forward_pass(model_of: Callable[..., Model], variant: dict[str, Any]):
    model = model_of(**variant)
    picture = drawn_picture(1)
    assert_same(inspect(model, picture, name="bird"), forward(model, picture, "bird"))


@pytest.mark.parametrize("sampling", ["random", "coin", "all", "extremes", "expected", "identity"])
def test_every_mode_is_the_forward_pass(model: Model, sampling: Any):
    picture = drawn_picture(2)
    expected = forward(model, picture, "bird", sampling)
    asked = inspect(model, picture, name="bird", settings=InspectionSettings(sampling=sampling))
    assert_same(asked, expected)
    assert asked.warps.sampling == sampling
    own = inspect(dataclasses.replace(model, sampling=sampling), picture, name="bird")
    assert_same(own, expected)


def test_lower_precision_is_the_forward_pass_and_keeps_the_sampler_in_float32(model: Model):
    half = dataclasses.replace(model, precision="bfloat16")
    picture = drawn_picture(3)
    inspection = inspect(half, picture, name="bird")
    assert_same(inspection, forward(half, picture, "bird"))
    unmoved = PeakEdit(cell=inspection.warps.peaks[0].cell, moved_to=inspection.warps.peaks[0].cell)
    edited = inspect(half, picture, name="bird", settings=InspectionSettings(edits=(unmoved,)))
    np.testing.assert_array_equal(edited.warps.map_d, inspection.warps.map_d)
    np.testing.assert_array_equal(edited.scores.logits["joint"], inspection.scores.logits["joint"])


def test_batch_says_what_single_images_say(model: Model):
    pictures = [drawn_picture(seed, (100 + seed, 90)) for seed in range(3)]
    names = [f"{seed}.png" for seed in range(3)]
    settings = InspectionSettings(sampling="random", seed=5)
    together = Inspector(model).inspect_batch(pictures, names, settings)
    assert [inspection.response.name for inspection in together] == names
    for inspection, picture, name in zip(together, pictures, names, strict=True):
        alone = inspect(model, picture, name=name, settings=settings)
        assert [peak.cell for peak in inspection.warps.peaks] == [peak.cell for peak in alone.warps.peaks]
        assert inspection.response.image_size == alone.response.image_size
        # Convolutions with another batch size round differently in the last digits.
        np.testing.assert_allclose(inspection.response.map, alone.response.map, atol=1e-4)
        np.testing.assert_allclose(
            inspection.scores.logits["joint"], alone.scores.logits["joint"], rtol=1e-2, atol=1e-2
        )


def test_network_in_training_mode_is_refused(model: Model):
    model.network.train()
    try:
        with pytest.raises(ValueError, match="evaluation mode"):
            Inspector(model)
    finally:
        model.network.eval()


def test_a_full_device_is_said_with_a_remedy(model: Model, picture: Image.Image, monkeypatch: pytest.MonkeyPatch):
    def full(*args: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Inspector, "resample", full)
    with pytest.raises(OutOfMemory, match="choose the device cpu"):
        inspect(model, picture)


def test_scores_may_follow_later(model: Model, picture: Image.Image):
    inspector = Inspector(model)
    resampled = inspector.resample(inspector.prepare(picture))
    (at_once,) = inspector.describe(resampled)
    assert set(at_once.scores.logits) == {"O"}
    assert at_once.scores.answer == "O"
    (later,) = inspector.describe(resampled, inspector.classify(resampled))
    assert set(later.scores.logits) == {"joint", "O", "D", "C"}
    assert later.scores.answer == "joint"
    np.testing.assert_array_equal(at_once.warps.image_d, later.warps.image_d)


# Settings


def test_settings_do_what_a_network_of_that_choice_does(model_of: Callable[..., Model], picture: Image.Image):
    changed = model_of(entropy_threshold=3.0, window=5, floor="none", base=0.3, top_k=3)
    settings = InspectionSettings(delta=3.0, window=5, floor="none", base=0.3, top_k=3)
    ours = inspect(model_of(), picture, settings=settings)
    theirs = inspect(changed, picture)
    np.testing.assert_array_equal(ours.warps.grid_d, theirs.warps.grid_d)
    np.testing.assert_array_equal(ours.scores.logits["joint"], theirs.scores.logits["joint"])
    assert (ours.response.delta, ours.response.window, ours.response.floor, ours.warps.base) == (3.0, 5, "none", 0.3)


def test_radii_are_set_in_cells(model: Model, picture: Image.Image):
    inspector = Inspector(model)
    prepared = inspector.prepare(picture)
    usual = inspector.inspect(prepared)
    same = inspector.inspect(prepared, InspectionSettings(beta_1=usual.warps.beta_1, beta_2=usual.warps.beta_2))
    np.testing.assert_allclose(same.warps.map_d, usual.warps.map_d, rtol=1e-5)
    wide = inspector.inspect(prepared, InspectionSettings(beta_1=9.0))
    assert wide.warps.beta_1 == pytest.approx(9.0, rel=1e-6)
    assert wide.warps.map_d.sum() > usual.warps.map_d.sum()
    np.testing.assert_array_equal(wide.warps.map_c, usual.warps.map_c)
    assert inspector.inspect(prepared).warps.beta_1 == usual.warps.beta_1  # the network itself is unchanged


def test_seed_decides_the_draws(model: Model, picture: Image.Image):
    inspector = Inspector(model)
    prepared = inspector.prepare(picture, "bird")
    drawn = [inspector.inspect(prepared, InspectionSettings(sampling="random", seed=seed)) for seed in (0, 0, 1)]
    zetas = [[peak.zeta for peak in inspection.warps.peaks] for inspection in drawn]
    assert zetas[0] == zetas[1] != zetas[2]
    for peak in drawn[0].warps.peaks:
        assert peak.zeta is not None
        assert peak.set == ("D" if peak.response > peak.zeta else "C")
    assert all(peak.zeta is None for peak in inspector.inspect(prepared).warps.peaks)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sampling": "sometimes"},
        {"delta": -1.0},
        {"delta": float("nan")},
        {"window": 4},
        {"window": 17},
        {"floor": "median"},
        {"floor": 2.0},
        {"base": -0.1},
        {"beta_1": 0.0},
        {"top_k": 0},
        {"edits": (PeakEdit(cell=(1, 1)), PeakEdit(cell=(1, 1), off=True))},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="must"):
        InspectionSettings(**wrong)


def test_settings_come_back_from_json():
    edits = (PeakEdit(cell=(3, 4), moved_to=(5.5, 6.0)), PeakEdit(cell=(1, 2), off=True, forced="C"))
    settings = InspectionSettings(sampling="random", seed=3, delta=0.5, floor=0.25, beta_2=3.0, edits=edits)
    assert InspectionSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    for junk in ({"gamma": 1}, {"edits": [{"off": True}]}, {"edits": 3}):
        with pytest.raises(ValueError, match="not settings"):
            InspectionSettings.from_dict(junk)


# Edited peaks


@pytest.fixture(scope="module")
def inspector(model_of: Callable[..., Model]) -> Inspector:
    return Inspector(model_of(window=3, floor="none"))


@pytest.fixture(scope="module")
def prepared(inspector: Inspector) -> Prepared:
    return inspector.prepare(drawn_picture(1), "bird")


def look(inspector: Inspector, prepared: Prepared, *edits: PeakEdit, sampling: Any = "random") -> Inspection:
    (inspection,) = inspector.describe(inspector.resample(prepared, InspectionSettings(sampling=sampling, edits=edits)))
    return inspection


def by_origin(inspection: Inspection) -> dict[tuple[int, int], Peak]:
    return {peak.found_at: peak for peak in inspection.warps.peaks}


def test_peak_switched_off_weighs_nothing(inspector: Inspector, prepared: Prepared):
    before = look(inspector, prepared)
    first = before.warps.peaks[0]
    after = look(inspector, prepared, PeakEdit(cell=first.cell, off=True))
    off = by_origin(after)[first.cell]
    assert (off.set, off.weight_d, off.weight_c, off.zeta) == ("off", 0.0, 0.0, first.zeta)
    assert (off.x, off.y, off.response) == (first.x, first.y, first.response)
    assert after.warps.map_d[first.cell] < before.warps.map_d[first.cell]
    np.testing.assert_array_equal(after.response.map, before.response.map)
    none = look(inspector, prepared, *(PeakEdit(cell=peak.cell, off=True) for peak in before.warps.peaks))
    np.testing.assert_allclose(none.warps.map_d, none.warps.base)
    np.testing.assert_allclose(none.warps.grid_d, cell_places(31, 31), atol=1e-5)


@pytest.mark.parametrize("sampling", ["random", "expected", "all", "extremes"])
def test_moved_peak_stays_the_peak_it_was(inspector: Inspector, prepared: Prepared, sampling: Any):
    before = look(inspector, prepared, sampling=sampling)
    first = before.warps.peaks[0]
    after = look(inspector, prepared, PeakEdit(cell=first.cell, moved_to=(2.6, 28.4)), sampling=sampling)
    moved = by_origin(after)[first.cell]
    assert moved.cell == (3, 28)
    assert (moved.x, moved.y) == pytest.approx(before.response.cell_to_original(3, 28))
    for name in ("response", "zeta", "set", "weight_d", "weight_c"):
        assert getattr(moved, name) == getattr(first, name)
    others = {cell: peak for cell, peak in by_origin(before).items() if cell != first.cell}
    assert {cell: peak for cell, peak in by_origin(after).items() if cell != first.cell} == others


def test_peak_moved_onto_another_takes_the_nearest_free_cell(inspector: Inspector, prepared: Prepared):
    first, second = look(inspector, prepared).warps.peaks[:2]
    after = by_origin(look(inspector, prepared, PeakEdit(cell=first.cell, moved_to=second.cell)))
    assert after[second.cell].cell == second.cell
    distance = np.abs(np.subtract(after[first.cell].cell, second.cell)).sum()
    assert distance == 1
    outside = by_origin(look(inspector, prepared, PeakEdit(cell=first.cell, moved_to=(-50, 900))))
    assert outside[first.cell].cell == (0, 30)


@pytest.mark.parametrize(("forced", "weights"), [("D", (1, 0)), ("C", (0, 1)), ("both", (1, 1))])
def test_peak_can_be_put_into_a_set(inspector: Inspector, prepared: Prepared, forced: Any, weights: tuple[int, int]):
    for index in (0, 1):
        cell = look(inspector, prepared).warps.peaks[index].cell
        peak = by_origin(look(inspector, prepared, PeakEdit(cell=cell, forced=forced)))[cell]
        assert peak.set == forced
        assert (peak.weight_d, peak.weight_c) == weights


def test_edits_without_a_change_change_nothing(inspector: Inspector, prepared: Prepared):
    before = look(inspector, prepared)
    cell = before.warps.peaks[0].cell
    for edit in (PeakEdit(cell=cell), PeakEdit(cell=cell, moved_to=cell), PeakEdit(cell=(99, -1), off=True)):
        after = look(inspector, prepared, edit)
        assert after.warps.peaks == before.warps.peaks
        np.testing.assert_array_equal(after.warps.grid_d, before.warps.grid_d)
        np.testing.assert_array_equal(after.warps.image_c, before.warps.image_c)


def test_two_peaks_can_change_places(inspector: Inspector, prepared: Prepared):
    first, second = look(inspector, prepared).warps.peaks[:2]
    edits = PeakEdit(cell=first.cell, moved_to=second.cell), PeakEdit(cell=second.cell, moved_to=first.cell)
    after = by_origin(look(inspector, prepared, *edits))
    assert after[first.cell].cell == second.cell
    assert after[second.cell].cell == first.cell
    assert after[first.cell].response == first.response


def test_peaks_of_several_images_are_not_edited(model: Model):
    inspector = Inspector(model)
    batch = inspector.prepare_batch([drawn_picture(0), drawn_picture(1)], ["a", "b"])
    with pytest.raises(ValueError, match="one image at a time"):
        inspector.resample(batch, InspectionSettings(edits=(PeakEdit(cell=(1, 1), off=True),)))


def test_dense_attention_has_no_peaks_to_edit(model_of: Callable[..., Model], picture: Image.Image):
    inspector = Inspector(model_of(attention="response"))
    prepared = inspector.prepare(picture)
    before = look(inspector, prepared, sampling="all")
    after = look(inspector, prepared, PeakEdit(cell=before.warps.peaks[0].cell, off=True), sampling="all")
    np.testing.assert_array_equal(after.warps.grid_d, before.warps.grid_d)
    assert after.warps.peaks == before.warps.peaks


# The inverse


def test_whole_inverse_agrees_with_single_places(model: Model, picture: Image.Image):
    inspection = inspect(model, picture, settings=InspectionSettings(sampling="all"))
    grid = resize_grid(torch.from_numpy(inspection.warps.grid_d)[None], 48)
    inverse, valid = (found[0].numpy() for found in invert_grid(grid))
    assert inverse.shape == (48, 48, 2)
    assert valid.mean() > 0.8
    side = len(inspection.warps.image_d)
    for row, column in [(12, 20), (24, 24), (40, 30)]:
        place = inspection.response.frame.to_original(np.array([column, row]) / 47 * 2 - 1)
        found = inspection.original_to_warped("D", *place)
        assert (found is not None) == bool(valid[row, column])
        if found is not None:
            expected = (inverse[row, column] + 1) / 2 * (side - 1) + 0.5
            assert found == pytest.approx(tuple(expected), abs=1.5)


def test_what_a_change_leaves_as_it_was_is_equal(inspector: Inspector, prepared: Prepared):
    before = look(inspector, prepared)
    after = look(inspector, prepared, PeakEdit(cell=before.warps.peaks[0].cell, off=True))
    assert after.response == before.response
    assert after.warps != before.warps
    again = look(Inspector(inspector.model), inspector.prepare(drawn_picture(1), "bird"))
    assert again == before  # recomputed, in other memory
    resampled = inspector.resample(prepared)
    (at_once,) = inspector.describe(resampled)
    (later,) = inspector.describe(resampled, inspector.classify(resampled))
    assert (later.response, later.warps) == (at_once.response, at_once.warps)
    assert set(later.scores.logits) > set(at_once.scores.logits)
    assert later != at_once


def test_a_single_bit_makes_an_inspection_another(inspector: Inspector, prepared: Prepared):
    before = look(inspector, prepared)
    for part, name in (("response", "map"), ("response", "image"), ("warps", "grid_c"), ("warps", "image_d")):
        whole = getattr(before, part)
        array = getattr(whole, name).copy()
        array.reshape(-1).view(np.uint8)[-1] ^= 1
        after = dataclasses.replace(before, **{part: dataclasses.replace(whole, **{name: array})})
        assert getattr(after, part) != whole
        assert after != before


def test_other_numbers_find_other_peaks(inspector: Inspector, prepared: Prepared):
    counts = []
    for floor in (0.0, 0.99, 0.0):
        (inspection,) = inspector.describe(inspector.resample(prepared, InspectionSettings(floor=floor)))
        counts.append(len(inspection.warps.peaks))
    assert counts[0] == counts[2] > counts[1]
