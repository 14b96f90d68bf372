"""Hiding a place in the image: what changes, where random places lie, and what a network says to it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from tiny_models import drawn_picture
from torch import Tensor, nn

from s3n_core.datasets.records import Box
from s3n_core.datasets.transforms import Preprocess
from s3n_core.errors import PlaceNotHidden
from s3n_core.inspection.control_places import control_places
from s3n_core.inspection.hidden_place import Change
from s3n_core.inspection.hide_places import hide_places
from s3n_core.inspection.hiding import HidingSettings, hide
from s3n_core.inspection.hiding_choices import FILLS, SHAPES
from s3n_core.inspection.inspector import Inspector, inspect
from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method import network as network_module
from s3n_core.method.backbones import Backbone, WeightReport
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.opening import Model
from s3n_core.system.json_values import to_json

CELL = (2, 5)  # (row, column) of the one cell of 8 x 8 that the hand-made network reads
READ = (44.0, 20.0)  # its centre in pixels of a 64 px image
ELSEWHERE = (12.0, 52.0)


class OneCell(nn.Module):
    """Features (B, 1, 8, 8) of a 64 px image: the brightness of one cell, and nothing anywhere else."""

    def forward(self, images: Tensor) -> Tensor:
        cells = F.avg_pool2d(images.mean(dim=1, keepdim=True), images.shape[-1] // 8)
        mask = torch.zeros_like(cells)
        mask[..., CELL[0], CELL[1]] = 1
        return cells * mask


@pytest.fixture
def reader_of_one_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Model]:
    """Make a network whose logits read one cell, in every branch: that of "bright" rises with it."""
    monkeypatch.setattr(
        network_module, "build_backbone", lambda *_, **__: (Backbone(OneCell()), WeightReport(source="none", loaded=0))
    )

    def make(**network: Any) -> Model:
        config = NetworkConfig(num_classes=3, input_size=64, source_size=64, backbone="convnext_tiny", **network)
        made = S3N(config)
        weights = torch.tensor([[64.0], [0.0], [-64.0]])
        layers = [made.head(branch).classifier for branch in made.heads]
        with torch.no_grad():
            for layer in layers if made.joint is None else [*layers, made.joint]:
                layer.weight.copy_(weights.expand_as(layer.weight) / layer.weight.shape[1])
                layer.bias.zero_()
        preprocess = Preprocess(input_size=64, source_size=64, resize="squash")
        header = ModelHeader(network=config, classes=("bright", "grey", "dark"), preprocess=to_json(preprocess))
        return Model(
            network=made.eval(), header=header, path=Path("one cell.safetensors"), digest="0" * 16, device="cpu",
            precision="float32", preprocess=preprocess, sampling="expected",
        )  # fmt: skip

    return make


def bright_cell() -> Image.Image:
    """A 64 px image whose brightest place is the cell that the network reads, with structure everywhere."""
    pixels = np.asarray(drawn_picture(3, (64, 64)), dtype=np.float64) / 3
    pixels[CELL[0] * 8 : CELL[0] * 8 + 8, CELL[1] * 8 : CELL[1] * 8 + 8] = 255
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize(
    "network", [{"branches": "O"}, {"branches": "O+D+C", "control": "identity"}], ids=["O", "O+D+C without warps"]
)
@pytest.mark.parametrize("fill", FILLS)
def test_the_cell_that_is_read_is_stronger_than_all_random_places(
    reader_of_one_cell: Callable[..., Model], network: dict[str, Any], fill: Any
) -> None:
    inspector = Inspector(reader_of_one_cell(**network))
    settings = HidingSettings(fill=fill, size=9)
    read, elsewhere = hide_places(inspector, bright_cell(), [READ, ELSEWHERE], name="a", settings=settings)
    assert inspector.inspect(inspector.prepare(bright_cell(), "a")).prediction.name == "bright"
    for branch in read.logits:
        lost = read.margin(0, branch)
        assert lost.change < -0.5
        assert lost.stronger_than == len(lost.controls) == 20
        assert read.probability(0, branch).stronger_than == 20
        kept = elsewhere.margin(0, branch)
        assert kept.change == pytest.approx(0, abs=1e-5)
        assert kept.stronger_than == 0
        assert kept.controls == lost.controls
    # The random places touch none of the pixels that the network reads.
    assert read.margin(0).range == pytest.approx((0, 0), abs=1e-5)
    assert "Stronger than 20 of 20 random places" in read.sentence()
    assert read.sentence().startswith("Hiding this place lowers the logit margin of bright by ")
    assert "Stronger than 0 of 20" in elsewhere.sentence()


def test_a_place_has_the_size_of_a_peaks_window_by_default(reader_of_one_cell: Callable[..., Model]) -> None:
    inspector = Inspector(reader_of_one_cell(branches="O"))
    inspection = inspector.inspect(inspector.prepare(bright_cell(), "a"))
    (peak,) = [peak for peak in inspection.warps.peaks if peak.response == 1]
    (found,) = hide_places(inspector, bright_cell(), [(peak.x, peak.y)], name="a")
    assert found.settings.size == pytest.approx(3 * 64 / 31, rel=0.05)
    assert found.settings.blur == found.settings.size / 2
    assert found.margin(0).stronger_than == 20


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("feather", [0.0, 0.25, 1.0])
def test_only_the_place_changes(fill: Any, shape: Any, feather: float) -> None:
    image = drawn_picture(1, (90, 70))
    before = np.asarray(image).astype(int)
    hidden = hide(image, (30.0, 40.0), HidingSettings(fill=fill, shape=shape, size=20, feather=feather))
    changed = np.abs(np.asarray(hidden).astype(int) - before).max(axis=2) > 0
    down, across = np.indices(changed.shape) + 0.5
    away = np.stack([np.abs(across - 30), np.abs(down - 40)])
    distance = np.hypot(*away) if shape == "disc" else away.max(axis=0)
    assert not changed[distance > 10].any()
    assert feather == 1 or changed[distance < 10 * (1 - feather)].mean() > 0.9
    assert changed.any()
    np.testing.assert_array_equal(np.asarray(image), before)  # the original stays as it was
    if fill == "mean":
        middle = np.asarray(hidden)[40, 30].astype(float)
        assert np.abs(middle - before.mean(axis=(0, 1))).max() <= (1 if feather < 1 else 40)


def test_a_place_over_the_edge_is_hidden_as_far_as_there_are_pixels() -> None:
    image = drawn_picture(1, (30, 20))
    hidden = np.asarray(hide(image, (0.0, 20.0), HidingSettings(fill="surround", size=12, feather=0)))
    changed = (hidden != np.asarray(image)).any(axis=2)
    assert changed[15:, :5].any()
    assert not changed[:13].any()
    whole = hide(image, (15.0, 10.0), HidingSettings(fill="surround", size=500))
    assert len(np.unique(np.asarray(whole).reshape(-1, 3), axis=0)) == 1  # nothing around it: the image's mean


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("box", [None, (60.0, 40.0, 240.0, 170.0)])
def test_random_places_overlap_no_peak_and_lie_inside_the_box(shape: Any, box: Any) -> None:
    seen = (10.0, 0.0, 290.0, 200.0)
    peaks = [(100.0, 100.0), (180.0, 60.0), (20.0, 190.0)]
    settings = HidingSettings(size=22, shape=shape, controls=40)
    taken = np.zeros((200, 300), dtype=bool)
    for peak in peaks:
        taken |= _touched(peak, settings)
    places, region = control_places("bird.jpg", settings, seen, peaks, box)
    assert places.shape == (40, 2)
    assert len(np.unique(places, axis=0)) == 40
    assert region == ("view" if box is None else "box")
    x0, y0, x1, y1 = box or seen
    for place in places.tolist():
        touched = _touched(tuple(place), settings)
        assert not (touched & taken).any()
        rows, columns = np.nonzero(touched)
        assert x0 - 1 <= columns.min() <= columns.max() <= x1
        assert y0 - 1 <= rows.min() <= rows.max() <= y1


def _touched(place: Any, settings: HidingSettings) -> Any:
    """Return which pixels of a 300 x 200 image hiding a place changes, bool (200, 300)."""
    stripes = np.zeros((200, 300, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    changed = hide(Image.fromarray(stripes), place, replace(settings, feather=0.0))
    touched = (np.asarray(changed) != stripes).any(axis=2)
    return touched


def test_random_places_are_keyed_by_name_and_seed() -> None:
    seen, settings = (0.0, 0.0, 200.0, 200.0), HidingSettings(size=20)
    first, _ = control_places("a.jpg", settings, seen, [])
    again, _ = control_places("a.jpg", settings, seen, [])
    np.testing.assert_array_equal(first, again)
    for other in (
        control_places("b.jpg", settings, seen, []),
        control_places("a.jpg", replace(settings, seed=1), seen, []),
    ):
        assert not np.array_equal(other[0], first)


def test_a_box_without_room_is_left_for_the_whole_view_and_a_view_without_room_is_said() -> None:
    seen, settings = (0.0, 0.0, 200.0, 200.0), HidingSettings(size=20)
    _, region = control_places("a.jpg", settings, seen, [], (50.0, 50.0, 72.0, 72.0))
    assert region == "view"
    with pytest.raises(PlaceNotHidden, match=r"Only 0 random places of 150 px .* 20 are needed .* smaller size"):
        control_places("a.jpg", replace(settings, size=150.0), seen, [(100.0, 100.0)])


def test_ranks_do_not_count_rounding() -> None:
    change = Change(before=5.0, after=3.0, controls=(-2.00001, -1.9, 0.0, -3.0, -4.0))
    assert change.change == -2
    assert change.stronger_than == 2
    assert change.median == pytest.approx(-2.00001)
    assert change.range == pytest.approx((-3.9, -0.19))


@pytest.mark.parametrize(
    "wrong",
    [
        {"controls": 19},
        {"feather": 1.5},
        {"size": 0.5},
        {"fill": "noise"},
        {"shape": "star"},
        {"blur": -1.0},
        {"sigma": 2},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HidingSettings.from_dict(wrong)


def test_settings_come_back_from_json() -> None:
    settings = HidingSettings(fill="blur", shape="square", size=31.5, feather=0.5, blur=4.0, controls=25, seed=3)
    assert HidingSettings.from_dict(settings.to_dict()) == settings


def test_every_branch_is_asked_as_for_an_image_of_its_own(model_of: Callable[..., Model]) -> None:
    """The logits are those of inspecting the changed image, under the same numbers and without edits of peaks."""
    model = model_of()
    inspector, image = Inspector(model), drawn_picture(5)
    numbers = InspectionSettings(sampling="random", seed=2, delta=0.01)
    peak = inspect(model, image, name="a", settings=numbers).warps.peaks[0]
    place, settings = (peak.x, peak.y), HidingSettings(size=10)
    edited = replace(numbers, edits=(PeakEdit(cell=peak.found_at, off=True),))
    steps: list[tuple[int, int]] = []
    (found,) = hide_places(
        inspector, image, [place], name="a", settings=settings, inspection=edited,
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    assert steps[-1] == (22, 22)
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    shown = [image, hide(image, place, settings), hide(image, tuple(found.controls[7].tolist()), settings)]
    for row, picture in zip((0, 1, 9), shown, strict=True):
        alone = inspect(model, picture, name="a", settings=numbers)
        assert set(found.logits) == set(alone.scores.logits) == {"joint", "O", "D", "C"}
        for branch, logits in alone.scores.logits.items():
            np.testing.assert_allclose(found.logits[branch][row], logits, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found.image, np.asarray(shown[1]))
    (again,) = hide_places(inspector, image, [place], name="a", settings=settings, inspection=numbers)
    assert again == found


def test_a_box_keeps_the_random_places_on_the_object(model_of: Callable[..., Model]) -> None:
    image = drawn_picture(5)
    box = Box(x=30, y=20, width=60, height=50)
    (found,) = hide_places(Inspector(model_of()), image, [(60.0, 45.0)], box=box, settings=HidingSettings(size=8))
    assert (found.region, found.region_box) == ("box", (30, 20, 90, 70))
    assert (found.controls >= (34, 24)).all()
    assert (found.controls <= (86, 66)).all()


def test_a_place_that_the_network_does_not_see_is_refused(model_of: Callable[..., Model]) -> None:
    with pytest.raises(ValueError, match=r"does not see the place \(500, 10\) px"):
        hide_places(Inspector(model_of()), drawn_picture(5), [(500.0, 10.0)])
