"""Hit rates of visual evidence, on squares whose results are known by construction."""

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import drawn_picture

from s3n_core.datasets.loading import Batch
from s3n_core.datasets.records import Box, DataSet, ImageRecord, Part
from s3n_core.errors import DataSetError
from s3n_core.evaluation import hit_rates
from s3n_core.evaluation.hit_rates import measure_places, places_in_images
from s3n_core.evaluation.localization import SIDE, joined_maps, largest_box, overlap
from s3n_core.inspection.inspector import inspect
from s3n_core.models.opening import Model
from s3n_core.system.json_values import to_json


def test_overlap_of_boxes() -> None:
    assert overlap((0, 0, 1, 1), (0, 0, 1, 1)) == 1
    assert overlap((0, 0, 1, 1), (0.5, 0, 1.5, 1)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (1, 0, 2, 1)) == 0
    assert overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0


def test_the_box_is_that_of_the_largest_piece() -> None:
    joined = np.zeros((20, 40))
    joined[2:6, 10:30] = 0.5
    joined[10:12, 3:5] = 1.0  # higher, but smaller
    joined[15, 15] = 0.19  # below the threshold of 0.2 of the maximum
    assert largest_box(joined) == (10 / 40, 2 / 20, 30 / 40, 6 / 20)
    assert largest_box(np.zeros((5, 5))) == (0, 0, 1, 1)


@pytest.mark.parametrize("form", ["paper", "release"])  # whose buffer has cells on every second feature
@pytest.mark.parametrize(("backbone", "size", "first"), [("vgg16", 112, 15.5), ("resnet18", 112, 0)])
def test_the_joined_map_lies_where_the_cells_look(model_of, backbone: str, size: int, first: float, form: str) -> None:
    """The stride, 32 pixels, does not divide the side: 3 cells of VGG, 4 of ResNet."""
    model: Model = model_of(control="identity", backbone=backbone, input_size=size, source_size=size, form=form)
    images = torch.randn(1, 3, size, size)
    with torch.inference_mode():
        output = model.network(images, sampling="expected", trace=True)
        joined = joined_maps(model.network, images, output.trace, torch.tensor([1]))[0].numpy()
        features = model.network.features(images, "O")
        maps = {branch: model.network.head(branch).buffer(features)[0].double().numpy() for branch in "ODC"}
    pixels = np.linspace(0, size - 1, SIDE)
    expected = np.zeros((SIDE, SIDE))
    for branch in "ODC":
        head = model.network.head(branch)
        of_class = np.tensordot(head.classifier.weight[1].double().detach().numpy(), maps[branch], 1)
        centres = first + 32 * head.step * np.arange(len(of_class))
        across = np.stack([np.interp(pixels, centres, row) for row in of_class])
        both = np.stack([np.interp(pixels, centres, column) for column in across.T], axis=1)
        expected += (both - both.min()) / np.ptp(both) / 3
    assert np.abs(joined - expected).max() < 0.05  # a pixel of 32


@pytest.mark.parametrize("side_head", [False, True])  # which makes R, and is not one of the heads
def test_without_warps_the_joined_map_is_the_mean_of_the_heads_maps(model_of, side_head: bool) -> None:
    model: Model = model_of(control="identity", backbone="vgg16", side_head=side_head)
    size = model.network.config.input_size
    images = torch.randn(2, 3, size, size)
    with torch.inference_mode():
        output = model.network(images, sampling="expected", trace=True)
        joined = joined_maps(model.network, images, output.trace, torch.tensor([1, 3]))
        features = model.network.features(images, "O")
        expected = torch.zeros(2, SIDE, SIDE)
        for branch in "ODC":
            weight = model.network.head(branch).classifier.weight[[1, 3]]
            maps = torch.einsum("bdhw,bd->bhw", features, weight)
            # Half-pixel centres with border replication: the physical place of each pixel.
            maps = torch.nn.functional.interpolate(maps[:, None], size=SIDE, mode="bilinear")[:, 0]
            low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
            expected += (maps - low) / (high - low) / 3
    assert float((joined - expected).abs().max()) < 0.01  # the inverse is accurate to a hundredth of a pixel


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch, model: Model) -> Model:
    """A model with two known peaks in every image: (0.25, 0.5), the stronger one, and (0.75, 0.5)."""

    def found_in(_: Model, batch: Batch) -> list:
        peaks = np.array([[0.25, 0.5], [0.75, 0.5]])
        return [(peaks, np.array([1.0, 0.4]), (0.0, 0.25, 0.5, 0.75), 1) for _ in batch.names]

    monkeypatch.setattr(hit_rates, "_found_in", found_in)
    return model


def _record(folder: Path, name: str, label: int, box: Box | None, parts: tuple[Part, ...] = ()) -> ImageRecord:
    Image.new("RGB", (200, 100), (90, 120, 60)).save(folder / name)
    return ImageRecord(path=folder / name, name=name, label=label, split="test", box=box, parts=parts)


def test_counts_on_known_places(tmp_path: Path, looking: Model) -> None:
    left = Box(
        x=0, y=25, width=100, height=50
    )  # holds the stronger peak and the centre (on its edge); equals the found box
    right = Box(x=120, y=25, width=80, height=50)  # holds the weaker peak
    records = [
        _record(tmp_path, "a.png", 1, left, (Part(name="bill", x=55, y=50), Part(name="tail", x=95, y=70))),
        _record(tmp_path, "b.png", 1, right, (Part(name="bill", x=190, y=30),)),
        _record(tmp_path, "c.png", 0, left),  # predicted wrongly
        _record(tmp_path, "without-box.png", 1, None),
    ]
    result = measure_places(looking, records, looking.classes)
    assert result.images == 3
    assert result.peaks == 2
    assert result.peaks_in_box == pytest.approx(3 / 6)
    assert result.strongest_in_box == pytest.approx(2 / 3)
    assert result.centre_in_box == pytest.approx(2 / 3)
    assert result.random_in_box == pytest.approx((0.25 + 0.2 + 0.25) / 3)
    # The radius is 0.1 of the longer side, 10 and 8 pixels: only the bill of the first image has a peak within it.
    assert result.peaks_on_parts == pytest.approx(1 / 4)
    assert result.parts_covered == pytest.approx(1 / 3)
    assert 0 < result.random_on_parts < 0.2
    assert result.localized == pytest.approx(1 / 3)
    assert result.localized_any_class == pytest.approx(2 / 3)
    assert result.central_box == 0
    assert "33.3%" in result.text()
    assert to_json(result)["images"] == 3


def test_the_goals_of_places_name_what_was_left_out(
    tmp_path: Path, looking: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))
    script = importlib.import_module("benchmarks.place_goals")
    inside = Box(x=0, y=25, width=200, height=50)  # both peaks, and half of it is found
    parts = (Part(name="bill", x=55, y=50), Part(name="tail", x=150, y=50))
    names = ("a.png", "b.png", "unreadable.png")
    records = [*(_record(tmp_path, name, 1, inside, parts) for name in names), _record(tmp_path, "no-box.png", 1, None)]
    (tmp_path / "unreadable.png").write_bytes(b"no image")
    met = {goal.name: goal.met for goal in script.goals(measure_places(looking, records, looking.classes))}
    assert met == {
        "peaks per image": False,
        "hit rate (Table 1)": True,
        "peaks in the box, above another image's": False,
        "peaks near a key point": True,
        "peaks near a key point, above another image's": False,
        "localisation of any class": True,
    }

    data = DataSet(root=tmp_path, format="birds", classes=looking.classes, records=tuple(records))
    monkeypatch.setattr(script, "open_data_set", lambda _: data)
    monkeypatch.setattr(script, "open_model", lambda *_: looking)
    monkeypatch.setattr("sys.argv", ["place_goals", "model", "birds"])
    with pytest.raises(SystemExit, match=r"^3 of 6 goals are missed: "):
        script.main()
    assert "2 of 4 test images are left out: no box, or unreadable." in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr("sys.argv", ["place_goals", "model", str(tmp_path / "nothing")])
    with pytest.raises(SystemExit, match="nothing"):  # a sentence, no traceback
        script.main()


def test_peaks_lie_where_an_inspection_shows_them(tmp_path: Path, model_of) -> None:
    """Also where the photograph is sampled with more pixels than the network looks at."""
    model: Model = model_of(input_size=128, source_size=256, floor="none")
    drawn_picture(0, (900, 600)).save(tmp_path / "a.png")
    record = ImageRecord(path=tmp_path / "a.png", name="a.png", label=1, box=Box(x=0, y=0, width=900, height=600))
    (found,) = places_in_images(model, [record], model.classes)
    peaks = inspect(model, record.path, name=record.name).warps.peaks
    assert any(x != 450 for x, _, _ in found.peaks)  # at the centre all agree
    expected = sorted((peak.x, peak.y) for peak in peaks)
    np.testing.assert_allclose(sorted(place[:2] for place in found.peaks), expected, rtol=0, atol=0.01)


def test_another_images_peaks_and_the_centre_are_baselines(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each image is held against the peaks of another one; a single one against its own, mirrored."""
    places = {"a.png": [[0.1, 0.5], [0.2, 0.5]], "b.png": [[0.9, 0.5]], "c.png": [[0.1, 0.5]]}

    def found_in(_: Model, batch: Batch) -> list:
        return [(np.array(places[name]), np.ones(len(places[name])), (0.0, 0.0, 1.0, 1.0), 1) for name in batch.names]

    monkeypatch.setattr(hit_rates, "_found_in", found_in)
    monkeypatch.setattr(hit_rates, "other_images", lambda count: (2, 0, 1)[:count] if count > 1 else (0,))
    left, right = Box(x=0, y=25, width=100, height=50), Box(x=150, y=25, width=50, height=50)
    near_centre = (Part(name="tail", x=100, y=55),)
    records = [
        _record(tmp_path, "a.png", 1, left, near_centre),  # against the peak of c: inside
        _record(tmp_path, "b.png", 1, right, (Part(name="bill", x=22, y=50),)),  # against a's two: outside, one near
        _record(tmp_path, "c.png", 1, left),  # against b's: outside
    ]
    found = measure_places(model, records, model.classes, batch_size=2)
    assert found.peaks_in_box == 1
    assert found.others_in_box == pytest.approx(1 / 4)
    assert found.others_on_parts == pytest.approx(1 / 3)
    assert found.centre_on_parts == pytest.approx(1 / 2)
    assert "another image's peaks 25.0%" in found.text()
    alone = measure_places(model, records[1:2], model.classes)
    assert alone.others_in_box == 0
    assert alone.others_on_parts == 1  # mirrored to (20, 50), two pixels from the bill


def test_images_without_a_label_are_not_localised_wrongly(tmp_path: Path, looking: Model) -> None:
    box = Box(x=0, y=25, width=100, height=50)
    records = [_record(tmp_path, "a.png", 1, box)]
    records.append(dataclasses.replace(_record(tmp_path, "b.png", 0, box), label=None))
    found = measure_places(looking, records, looking.classes)
    assert (found.images, found.labelled, found.localized, found.localized_any_class) == (2, 1, 1, 1)
    assert "(1 of 1) with the right class" in found.text()
    alone = measure_places(looking, records[1:], looking.classes)
    assert (alone.labelled, alone.localized) == (0, None)
    assert "– with the right class" in alone.text()


def test_a_box_ends_at_the_edges_of_the_image(tmp_path: Path, looking: Model) -> None:
    record = _record(tmp_path, "a.png", 1, Box(x=-40, y=25, width=140, height=100))
    found = measure_places(looking, [record], looking.classes)
    assert found.random_in_box == pytest.approx(0.5 * 0.75)
    assert found.localized == 1


def test_classes_are_matched_by_name(tmp_path: Path, looking: Model) -> None:
    record = _record(tmp_path, "a.png", 0, Box(x=0, y=25, width=100, height=50))
    first, second, *others = looking.classes
    assert measure_places(looking, [record], [second, first, *others]).localized == 1
    assert measure_places(looking, [record], [first, second, *others]).localized == 0
    with pytest.raises(DataSetError, match="does not know 'another'"):
        measure_places(looking, [record], ["another", *looking.classes])


def test_a_real_network_looks_at_peaks_inside_the_image(tmp_path: Path, model: Model) -> None:
    whole = Box(x=0, y=0, width=200, height=100)
    records = [dataclasses.replace(_record(tmp_path, f"{n}.png", 1, whole)) for n in range(3)]
    steps: list[tuple[int, int]] = []
    result = measure_places(
        model, records, model.classes, batch_size=2, progress=lambda done, of: steps.append((done, of))
    )
    assert result.peaks_in_box in (0.0, 1.0)  # a flat image may have no peaks
    assert result.random_in_box == 1
    assert steps[-1] == (3, 3)


def test_nothing_to_measure_by(tmp_path: Path, model: Model) -> None:
    with pytest.raises(DataSetError, match="has a box"):
        measure_places(model, [_record(tmp_path, "a.png", 1, None)], model.classes)
    missing = ImageRecord(path=tmp_path / "no.png", name="no.png", label=1, box=Box(x=0, y=0, width=9, height=9))
    with pytest.raises(DataSetError, match="could be read"):
        measure_places(model, [missing], model.classes)
