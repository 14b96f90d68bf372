"""Building an atlas: what is stored, resuming, grouping anew, edits, exports; and comparing two classes with it."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tiny_models import CLASSES, drawn_picture

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import Box, DataSet, ImageRecord, Part
from s3n_core.datasets.transforms import test_view as view_of
from s3n_core.errors import AtlasError, OutputBusy, OutputError, PlaceNotHidden, UnfinishedOutput
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.models.opening import Model
from s3n_core.parts.atlas import grouping
from s3n_core.parts.atlas.assigning import write_assigned_peaks
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import DESCRIPTORS, EDITS, HEADER, IMAGES
from s3n_core.parts.atlas.building import AtlasProgress, build_atlas
from s3n_core.parts.atlas.key_points import annotated_part
from s3n_core.parts.atlas.preview import AtlasPreview, preview_parts
from s3n_core.parts.comparison import comparing, part_readings
from s3n_core.parts.comparison.class_effects import class_effects
from s3n_core.parts.comparison.class_matrix import class_matrix
from s3n_core.parts.comparison.comparing import compare_classes, units_of
from s3n_core.parts.comparison.effect_measuring import measure_effects
from s3n_core.parts.comparison.image_comparison import compare_image
from s3n_core.parts.comparison.stored_comparisons import kept_comparison
from s3n_core.system.line_files import only_writer, part_path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Ten pictures of two classes, the last one broken; two key points in each."""
    folder = tmp_path_factory.mktemp("pictures")
    records = []
    for number in range(10):
        path = folder / f"{number}.png"
        if number == 9:
            path.write_bytes(b"no picture")
        else:
            drawn_picture(number).save(path)
        records.append(
            ImageRecord(
                path=path,
                name=path.name,
                label=number % 2,
                split="test",
                box=Box(x=20, y=10, width=80, height=60),
                parts=(Part(name="left", x=40, y=40), Part(name="right", x=80, y=40)),
            )
        )
    return DataSet(root=folder, format="images", classes=CLASSES[:2], records=tuple(records))


def test_an_atlas_says_no_labels_of_the_images_around_it(model: Model, data: DataSet, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    records = [replace(record, path=photos / record.name, label=None, split=None) for record in data.records[:9]]
    for record in records:
        record.path.write_bytes((data.root / record.name).read_bytes())
    plain = replace(data, root=photos, classes=(), records=tuple(records))
    with pytest.raises(OutputError, match="holds the images themselves"):
        build_atlas(model, plain, records, photos, split="all", parts=2).send(None)
    assert open_data_set(photos).format == "images"
    for _ in build_atlas(model, plain, records, photos / "atlas", split="all", parts=2):
        pass
    write_assigned_peaks(Atlas(photos / "atlas"), model, records[:2], (), photos / "assigned.csv")
    Atlas(photos / "atlas").write_peaks(photos / "peaks.csv")
    opened = open_data_set(photos)
    assert (opened.format, opened.classes, len(opened.records)) == ("images", (), 9)


def build(
    model: Model,
    data: DataSet,
    out: Path,
    *,
    parts: int | None = 3,
    records: Sequence[ImageRecord] | None = None,
    restart: bool = False,
) -> list[AtlasProgress]:
    some = data.records if records is None else records
    return list(build_atlas(model, data, some, out, split="test", parts=parts, restart=restart, workers=0))


@pytest.fixture(scope="module")
def built(model: Model, data: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An atlas; read-only."""
    out = tmp_path_factory.mktemp("atlas") / "atlas"
    build(model, data, out)
    return out


@pytest.fixture
def atlas(model: Model, data: DataSet, built: Path, tmp_path: Path) -> Atlas:
    """A copy of the atlas, to be edited."""
    for path in built.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return Atlas(tmp_path)


def test_every_peak_is_stored_with_what_inspecting_the_image_says(model: Model, data: DataSet, built: Path) -> None:
    atlas, inspector = Atlas(built), Inspector(model)
    assert [bool(image.error) for image in atlas.images] == [False] * 9 + [True]
    for number in (0, 3):
        record = data.records[number]
        with Image.open(record.path) as image:
            inspection = inspector.inspect(inspector.prepare(image.convert("RGB"), record.name))
        own = atlas.places[(atlas.places["image"] == number) & ~atlas.places["background"]]
        peaks = inspection.warps.peaks
        assert own["x"].tolist() == pytest.approx([peak.x for peak in peaks], abs=0.01)
        assert own["y"].tolist() == pytest.approx([peak.y for peak in peaks], abs=0.01)
        assert own["response"].tolist() == pytest.approx([peak.response for peak in peaks], abs=1e-4)
        logits = inspection.scores.logits["joint"]
        target = record.label or 0
        margin = logits[target] - np.delete(logits, target).max()
        stored = atlas.images[number]
        assert stored.margin == pytest.approx(float(margin), abs=1e-3)
        assert own["contribution"].sum() + stored.rest + stored.bias == pytest.approx(stored.margin, abs=1e-3)
        assert stored.predicted == int(logits.argmax())
    with open(built / "peaks.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "class", "split", "x", "y", "response", "set", "part", "contribution"]
    assert len(rows) == int((~atlas.places["background"]).sum())
    assert {row["part"] for row in rows} <= {"part 1", "part 2", "part 3"}
    assert {row["class"] for row in rows} == set(CLASSES[:2])


def test_drawn_cells_keep_away_from_peaks_and_parts_lie_on_their_descriptors(model: Model, built: Path) -> None:
    atlas = Atlas(built)
    for number, image in enumerate(atlas.images[:-1]):
        own = atlas.places[atlas.places["image"] == number]
        peaks, drawn = own[~own["background"]], own[own["background"]]
        assert len(drawn) <= 2
        for cell in drawn:
            distances = np.hypot(peaks["x"] - cell["x"], peaks["y"] - cell["y"])
            assert distances.min() > 0.1 * max(image.width, image.height)
    # Assigning the stored descriptors anew gives the stored parts: new images need no refitting.
    descriptors = np.load(built / DESCRIPTORS).astype(np.float32)
    for row in range(0, len(descriptors), 3):
        found, _ = atlas.parts.of(atlas.compared(descriptors[row : row + 1], int(atlas.places["predicted"][row])))
        assert found[0] == atlas.part_of[row]


def test_a_stopped_job_goes_on_and_gives_the_same_atlas(
    model: Model, data: DataSet, built: Path, tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    job = build_atlas(model, data, data.records, out, split="test", parts=3, workers=0)
    with closing(job):
        assert next(job).done == 0
        first = next(job).done
        assert 0 < first < 10
        with pytest.raises(OutputBusy):
            build(model, data, out)
    with pytest.raises(AtlasError, match="no finished atlas"):
        Atlas(out)
    with open(out / "descriptors.part", "ab") as file:  # torn, as after a kill
        file.write(b"xyz")
    steps = build(model, data, out)
    assert (steps[0].done, steps[0].resumed, steps[-1].done, steps[-1].finished) == (first, first, 10, True)
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in built.iterdir())
    for name in (DESCRIPTORS, "assignments.npy", IMAGES):
        assert (out / name).read_bytes() == (built / name).read_bytes()


def test_a_finished_atlas_is_grouped_anew_without_its_images(
    model: Model, data: DataSet, atlas: Atlas, tmp_path: Path
) -> None:
    before = (tmp_path / DESCRIPTORS).read_bytes()
    atlas.rename("part 1", "bill")
    gone = [replace(record, path=Path("/nowhere") / record.name) for record in data.records]
    with pytest.raises(UnfinishedOutput, match="other images"):
        build(model, data, tmp_path, records=gone)
    with pytest.raises(UnfinishedOutput, match="other images"):
        build(model, data, tmp_path, records=data.records[:4])
    assert [step.finished for step in build(model, data, tmp_path)] == [False, True]
    assert Atlas(tmp_path).parts.name(0) == "bill"  # nothing was done anew
    build(model, data, tmp_path, parts=2)
    again = Atlas(tmp_path)
    assert again.parts.numbers == (0, 1)
    assert (tmp_path / DESCRIPTORS).read_bytes() == before
    assert json.loads((tmp_path / HEADER).read_text())["parts"] == 2
    build(model, data, tmp_path, parts=None)
    assert Atlas(tmp_path).header.suggested
    build(model, data, tmp_path, records=data.records[:4], restart=True)
    assert len(Atlas(tmp_path).images) == 4


def test_other_images_get_the_parts_of_an_atlas_with_its_names_and_edits(
    model: Model, data: DataSet, atlas: Atlas, tmp_path: Path
) -> None:
    atlas.merge("part 1", "part 3")
    atlas.rename("part 2", "bill")
    atlas.set_background("bill", background="bill" not in [atlas.parts.name(part) for part in atlas.background])
    some, out = data.records[:4], tmp_path / "other"

    def take(of: Path, into: Path) -> Atlas:
        list(build_atlas(model, data, some, into, split="val", parts_of=of, workers=0))
        return Atlas(into)

    other = take(tmp_path, out)
    assert other.parts.numbers == atlas.parts.numbers == (0, 1)
    assert [other.parts.name(part) for part in other.parts.numbers] == ["part 1", "bill"]
    assert other.background == atlas.background
    assert (other.header.parts_of, other.header.split) == (str(tmp_path.resolve()), "val")
    # Every place has the part that it has in the other atlas, whose class means are those of all its images.
    names = [record.name for record in some]
    of_some = [
        (image.file, round(float(place["x"]), 2), round(float(place["y"]), 2), part)
        for of in (atlas, other)
        for place, part in zip(of.places, of.part_of.tolist(), strict=True)
        if (image := of.images[int(place["image"])]).file in names
    ]
    assert of_some[: len(of_some) // 2] == of_some[len(of_some) // 2 :]
    # The same again does nothing; other parts replace these, also those that are found here.
    other.rename("part 1", "crown")
    assert take(tmp_path, out).parts.name(0) == "crown"
    list(build_atlas(model, data, some, out, split="val", parts=2, workers=0))
    own = Atlas(out)
    assert (own.header.parts_of, own.header.parts) == ("", 2)
    list(build_atlas(model, data, some, tmp_path / "alone", split="val", parts=2, workers=0))
    assert (out / "class_means.npy").read_bytes() == (tmp_path / "alone" / "class_means.npy").read_bytes()
    with pytest.raises(AtlasError, match="its own parts"):
        take(out, out)
    with pytest.raises(AtlasError, match="another model"):
        list(build_atlas(replace(model, digest="0" * 16), data, some, out, split="val", parts_of=tmp_path))


def test_edits_change_every_answer_and_can_be_undone(atlas: Atlas, tmp_path: Path) -> None:
    peaks = {summary.part: summary.peaks for summary in atlas.summaries()}
    atlas.merge("part 1", "part 2")
    merged = {summary.part: summary.peaks for summary in atlas.summaries()}
    assert merged == {0: peaks[0] + peaks[1], 2: peaks[2]}
    largest = max(merged, key=lambda part: merged[part])
    new = atlas.split(largest)
    assert new == 3
    halves = {summary.part: summary.peaks for summary in atlas.summaries()}
    assert halves[largest] + halves[3] == merged[largest]
    atlas.rename(3, "tail")
    assert (
        "tail" in {row["part"] for row in csv.DictReader((tmp_path / "peaks.csv").open(encoding="utf-8"))}
        or not halves[3]
    )
    assert {summary.name for summary in Atlas(tmp_path).summaries()} == {summary.name for summary in atlas.summaries()}
    for _ in range(3):
        atlas.undo()
    assert {summary.part: summary.peaks for summary in Atlas(tmp_path).summaries()} == peaks
    with pytest.raises(AtlasError, match="no edit to undo"):
        atlas.undo()


def test_a_peak_that_is_moved_counts_for_its_new_part_everywhere(
    model: Model, data: DataSet, atlas: Atlas, tmp_path: Path
) -> None:
    file = data.records[2].name
    row = int(atlas.peak_rows.of(file)[0])
    x, y, old = float(atlas.places["x"][row]), float(atlas.places["y"][row]), int(atlas.part_of[row])
    new = next(part for part in atlas.parts.numbers if part != old)
    of_a, of_b = CLASSES[:2]
    records = {record.name: record for record in data.records}
    peaks = {summary.part: summary.peaks for summary in atlas.summaries()}
    before = compare_classes(atlas, model, records, of_a, of_b, removal=False, workers=0)
    atlas.reassign(new, file, x + 0.2, y)
    after = {summary.part: summary.peaks for summary in Atlas(tmp_path).summaries()}
    assert after == {**peaks, old: peaks[old] - 1, new: peaks[new] + 1}
    written = [
        line for line in csv.DictReader((tmp_path / "peaks.csv").open(encoding="utf-8")) if line["image"] == file
    ]
    here = min(written, key=lambda line: abs(float(line["x"]) - x) + abs(float(line["y"]) - y))
    assert here["part"] == atlas.parts.name(new)
    assert new in {part.part for part in atlas.class_parts(of_a)}

    # Of the comparison, only this image changes: its cells at the peak belong to the new part, and nothing is lost.
    moved = compare_classes(atlas, model, records, of_a, of_b, removal=False, workers=0)
    changed = [one.file for one, other in zip(before.images, moved.images, strict=True) if one != other]
    assert changed == [file]
    of_image = next(one for one in moved.images if one.file == file)
    assert new in of_image.parts
    assert sum(part.contribution for part in moved.rows) == pytest.approx(before.margin, abs=1e-4)
    for one, other in zip(
        sorted(before.parts, key=lambda part: part.part or 0),
        sorted(moved.parts, key=lambda part: part.part or 0),
        strict=True,
    ):
        assert one.part in (old, new) or one.contribution == pytest.approx(other.contribution, abs=1e-5)
    # The same as a new image has the part that its descriptor gives.
    new_image = replace(data.records[2], name="new.png")
    plain = compare_image(atlas, model, new_image, removal=False)
    atlas.undo()
    assert plain.parts == compare_image(atlas, model, new_image, removal=False).parts
    assert compare_classes(atlas, model, records, of_a, of_b, removal=False, workers=0).images == before.images

    with pytest.raises(AtlasError, match="no peak at"):
        atlas.reassign(new, "nobody.png", x, y)
    with pytest.raises(AtlasError, match="already"):
        atlas.reassign(old, file, x, y)
    # Grouped anew, the peak is found again; without its image it is said to be lost.
    atlas.reassign(new, file, x, y)
    build(model, data, tmp_path, parts=4)
    again = Atlas(tmp_path)
    kept = [edit for edit in again.parts.edits if edit.kind == "reassign"]
    assert len(kept) + again.header.lost_edits == 1
    if kept:
        assert again.part_of[row] == kept[0].parts[0]
    build(model, data, tmp_path, records=data.records[:2], parts=2, restart=True)
    assert not any(edit.kind == "reassign" for edit in Atlas(tmp_path).parts.edits)


def test_the_parts_of_a_class_sum_to_what_its_peaks_contribute(atlas: Atlas) -> None:
    found = atlas.class_parts(CLASSES[0])
    own = [number for number, image in enumerate(atlas.images) if image.label == CLASSES[0] and not image.error]
    places = atlas.places[np.isin(atlas.places["image"], own)]
    assert sum(part.contribution for part in found) == pytest.approx(places["contribution"].sum() / len(own), abs=1e-3)
    assert [part.contribution for part in found] == sorted((part.contribution for part in found), reverse=True)
    assert all(part.total == 5 for part in found)
    with pytest.raises(AtlasError, match="did you mean 'species a'"):
        atlas.class_parts("specis a")
    with pytest.raises(AtlasError, match="no image of species c"):
        atlas.class_parts("species c")


def test_key_points_for_other_programs(atlas: Atlas, tmp_path: Path) -> None:
    atlas.write_coco(tmp_path / "points.json")
    coco = json.loads((tmp_path / "points.json").read_text())
    names = coco["categories"][0]["keypoints"]
    shown = [part for part in atlas.parts.numbers if part not in atlas.background]
    assert names == [atlas.parts.name(part) for part in shown]
    assert [image["file_name"] for image in coco["images"]] == [f"{number}.png" for number in range(9)]
    for annotation in coco["annotations"]:
        points = np.array(annotation["keypoints"]).reshape(-1, 3)
        assert len(points) == len(names)
        assert annotation["num_keypoints"] == int((points[:, 2] > 0).sum())
        number = annotation["image_id"] - 1
        for point, part in zip(points, shown, strict=True):
            rows = (atlas.places["image"] == number) & ~atlas.places["background"] & (atlas.part_of == part)
            own = atlas.places[rows]
            if not len(own):
                assert point.tolist() == [0, 0, 0]
                continue
            best = own[own["response"].argmax()]
            assert point.tolist() == pytest.approx([best["x"], best["y"], 2], abs=0.01)


def test_two_classes_compared(model: Model, data: DataSet, atlas: Atlas) -> None:
    records = {record.name: record for record in data.records}
    a, b = CLASSES[:2]
    found = compare_classes(atlas, model, records, a, b, removal=False, workers=0)
    assert (found.images_a, found.images_b, found.split) == (5, 4, "test")
    assert [row.name for row in found.rest] == ["no part", "outside the object"]
    assert sum(row.contribution for row in found.rows) == pytest.approx(found.margin)
    margins: dict[str, list[float]] = {a: [], b: []}
    inspector = Inspector(model)
    for record in data.records[:9]:
        with Image.open(record.path) as image:
            inspection = inspector.inspect(inspector.prepare(image.convert("RGB"), record.name))
        logits = inspection.scores.logits["joint"].astype(np.float64)
        margins[CLASSES[record.label or 0]].append(logits[0] - logits[1])
    # Biases are the same in images of both classes.
    assert found.margin == pytest.approx(np.mean(margins[a]) - np.mean(margins[b]), abs=1e-3)
    assert {part.part for part in found.parts} == set(atlas.parts.numbers)
    hidden_before = next(part for part in found.parts if part.part == 1)
    # The other way round everything has the same value: A's margin over B is B's over A with another sign.
    turned = compare_classes(atlas, model, records, b, a, removal=False, workers=0)
    assert turned.margin == pytest.approx(found.margin, abs=1e-3)
    assert all(part.relied_on is None for part in turned.parts)
    # What a hidden part contributes stands in the rest.
    atlas.hide("part 2")
    without = compare_classes(atlas, model, records, a, b, removal=False, workers=0)
    assert without.margin == pytest.approx(found.margin, abs=1e-3)
    rest = sum(row.contribution for row in without.rest) - sum(row.contribution for row in found.rest)
    assert rest == pytest.approx(hidden_before.contribution, abs=1e-3)
    with pytest.raises(AtlasError, match="itself"):
        compare_classes(atlas, model, records, a, a)
    with pytest.raises(AtlasError, match="another model"):
        compare_classes(atlas, replace(model, digest="0" * 16), records, a, b)


def test_with_all_parts_hidden_everything_is_read_at_no_part(model: Model, data: DataSet, atlas: Atlas) -> None:
    for part in atlas.parts.numbers:
        atlas.hide(part)
    records = {record.name: record for record in data.records}
    found = compare_classes(atlas, model, records, *CLASSES[:2], workers=0)
    assert found.parts == ()
    assert sum(row.contribution for row in found.rest) == pytest.approx(found.margin, abs=1e-5)


def test_a_part_lies_at_its_strongest_peak_where_an_image_has_one(model: Model, data: DataSet, atlas: Atlas) -> None:
    records = {record.name: record for record in data.records}
    found = compare_classes(atlas, model, records, *CLASSES[:2], removal=False, workers=0)
    at_peak = list[bool]()
    without = 0
    for image in found.images:
        strongest: dict[int, tuple[float, float]] = {}
        for row in sorted(atlas.peak_rows.of(image.file), key=lambda row: -float(atlas.places["response"][row])):
            place = atlas.places[row]
            if not atlas.parts.of(atlas.descriptors(np.array([row])))[1][0]:
                continue  # out of its part's reach
            strongest.setdefault(int(atlas.part_of[row]), (float(place["x"]), float(place["y"])))
        for part, x, y in zip(image.parts, image.x, image.y, strict=True):
            if part in strongest:
                at_peak.append((x, y) == pytest.approx(strongest[part], abs=0.1))
            without += part not in strongest
    assert np.mean(at_peak) > 0.9  # stored descriptors are rounded
    assert without


def test_relied_on_is_the_loss_beyond_that_of_random_places(
    model: Model, data: DataSet, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hiding any part costs class A 3 logits in its own images, random places 1; in images of B nothing changes."""

    def hide(
        inspector: Inspector, image: Image.Image, places: list[Place], *, name: str, box: Box, known: object
    ) -> list[object]:
        if name == "1.png":
            raise PlaceNotHidden("there is no room", room=False)
        if name == "3.png":
            raise PlaceNotHidden("an answer is not finite", room=True)
        logits = np.zeros((2 + 20, len(CLASSES)), dtype=np.float32)
        logits[:, 1] = 7
        if int(name[0]) % 2 == 0:
            logits[1, 0], logits[2:, 0] = -3, -1
        return [SimpleNamespace(answer="joint", settings=HidingSettings(), logits={"joint": logits}) for _ in places]

    monkeypatch.setattr(part_readings, "hide_places", hide)
    records, asked = {record.name: record for record in data.records}, list[tuple[int, int]]()
    found = compare_classes(
        atlas, model, records, *CLASSES[:2], workers=0, progress=lambda done, total: asked.append((done, total))
    )
    assert (found.not_hidden, found.not_finite) == (2, 1)
    assert asked[-1] == (18, 18)
    for part in found.parts:
        if part.images_a + part.images_b:
            assert part.relied_on == pytest.approx(2 * part.images_a / 5)
    said = " ".join(found.sentences())
    assert "In 1 images there was no room for random places" in said
    assert "In 1 images with a place hidden, the model's prediction is not a finite number; try the precision" in said


def test_a_class_against_all_others(model: Model, data: DataSet, atlas: Atlas) -> None:
    records = {record.name: record for record in data.records}
    found = compare_classes(atlas, model, records, CLASSES[0], removal=False, workers=0)
    assert (found.b, found.images_a, found.images_b) == (None, 5, 4)
    margins: dict[str, list[float]] = {name: [] for name in CLASSES[:2]}
    inspector = Inspector(model)
    for record in data.records[:9]:
        with Image.open(record.path) as image:
            inspection = inspector.inspect(inspector.prepare(image.convert("RGB"), record.name))
        logits = inspection.scores.logits["joint"].astype(np.float64)
        margins[CLASSES[record.label or 0]].append(logits[0] - logits[1:].mean())
    assert found.margin == pytest.approx(np.mean(margins[CLASSES[0]]) - np.mean(margins[CLASSES[1]]), abs=1e-3)
    assert sum(row.contribution for row in found.rows) == pytest.approx(found.margin)
    assert found.names == ("species a", "all other classes")
    few = compare_classes(atlas, model, records, CLASSES[0], removal=False, most=2, workers=0)
    assert (few.images_a, few.images_b) == (2, 2)
    with pytest.raises(AtlasError, match="needs removal"):
        compare_classes(atlas, model, records, CLASSES[0], removal=False, second=True)


def test_what_hiding_costs_each_class_is_that_of_its_comparison_with_all_others(
    model: Model, data: DataSet, atlas: Atlas
) -> None:
    few = DataSet(root=data.root, format="images", classes=data.classes, records=data.records[:3])
    build(model, few, atlas.path, restart=True)
    atlas, records = Atlas(atlas.path), {record.name: record for record in few.records}
    reports = list[tuple[int, int]]()
    done = measure_effects(atlas, model, records, workers=0, progress=lambda some, total: reports.append((some, total)))
    assert [one.name for one in done] == list(CLASSES[:2])
    assert (reports[-1], sorted(reports)) == ((12, 12), reports)
    matrix = class_matrix(atlas)
    found = class_effects(atlas, matrix)
    assert found.measured.all()
    hidden = np.isfinite(found.effects)
    assert hidden.any()
    assert (found.hidden[hidden] == 3).all()  # images of both sides; those without the part count as unchanged
    assert not found.beats_random.any()  # three images show nothing


def test_measuring_all_classes_hides_no_place_of_an_image_twice_and_changes_no_number(
    model: Model, data: DataSet, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = DataSet(root=data.root, format="images", classes=data.classes, records=data.records[:6])
    build(model, few, atlas.path, restart=True)
    atlas, records = Atlas(atlas.path), {record.name: record for record in few.records}
    asked, original = list[tuple[str, bytes]](), Inspector.scores

    def scores(
        self: Inspector, views: NDArray[np.uint8], names: Sequence[str], settings: InspectionSettings | None = None
    ) -> tuple[Scores, ...]:
        asked.extend((name, view.tobytes()) for name, view in zip(names, views, strict=True))
        return original(self, views, names, settings)

    monkeypatch.setattr(Inspector, "scores", scores)
    done = [one.name for one in measure_effects(atlas, model, records, workers=0)]
    together = Counter(asked)
    unchanged = {record.name: view_of(read_image(record.path), model.preprocess).tobytes() for record in few.records}
    assert [together[pair] for pair in unchanged.items()] == [1] * 6
    kept = [kept_comparison(atlas, name, None) for name in done]
    asked.clear()
    alone = [compare_classes(atlas, model, records, name, most=20, workers=0) for name in done]
    assert len(done) == 2
    assert set(asked) == set(together)
    assert [Counter(asked)[pair] for pair in unchanged.items()] == [2] * 6  # for its own class, and beside the other
    assert together.total() < 0.8 * len(asked)
    for stored, own in zip(kept, alone, strict=True):
        assert stored is not None
        for found, wanted in zip(stored.comparison.images, own.images, strict=True):
            assert found.file == wanted.file
            assert (found.parts, found.x, found.y, found.changed) == (wanted.parts, wanted.x, wanted.y, wanted.changed)
            assert found.losses == pytest.approx(wanted.losses, abs=1e-5)


def test_one_image_against_its_rival(model: Model, data: DataSet, atlas: Atlas) -> None:
    record, inspector = data.records[2], Inspector(model)
    with Image.open(record.path) as image:
        inspection = inspector.inspect(inspector.prepare(image.convert("RGB"), record.name))
    logits = inspection.scores.logits["joint"].astype(np.float64)
    order = logits.argsort()[::-1]
    found = compare_image(atlas, model, record)
    assert (found.a, found.b, found.predicted) == (CLASSES[order[0]], CLASSES[order[1]], CLASSES[order[0]])
    assert found.margin == pytest.approx(logits[order[0]] - logits[order[1]], abs=1e-3)
    rows = (*found.parts, *found.rest)
    assert sum(row.contribution for row in rows) == pytest.approx(found.margin)
    hidden = [part for part in found.parts if part.loss is not None]
    for part in hidden:
        assert part.random_places >= 20
        assert part.random_range is not None
        assert part.random is not None
        assert part.random_range[0] <= part.random <= part.random_range[1]
    assert found.cells()[-1][:2] == ["sum = margin", f"{found.margin:+.2f}"]
    asked = compare_image(atlas, model, record, CLASSES[3], removal=False)
    assert asked.a == CLASSES[3]
    assert asked.b == CLASSES[next(index for index in order if index != 3)]
    assert all(part.loss is None for part in asked.parts)


@pytest.mark.parametrize("background", [False, True])
def test_the_second_best_mark_is_found_with_the_best_one_hidden(
    model: Model, data: DataSet, atlas: Atlas, monkeypatch: pytest.MonkeyPatch, background: bool
) -> None:
    """Part 2 costs most; wherever it is found, the images are seen again with it hidden, and another part is named.

    The others count whether they hold background or not, as they do for the best one.
    """
    for part in atlas.parts.numbers:
        atlas.set_background(part, background=background)
    records, seen = {record.name: record for record in data.records}, list[Place]()

    def hide(
        inspector: Inspector, image: Image.Image, places: list[Place], *, name: str, box: Box, known: object
    ) -> list[object]:
        results = []
        for place in places:
            seen.append(place)
            logits = np.zeros((2 + 20, len(CLASSES)), dtype=np.float32)
            logits[1, int(name[0]) % 2] = -1 - (place in best)
            settings = HidingSettings(size=12.0)
            results.append(SimpleNamespace(answer="joint", settings=settings, logits={"joint": logits}))
        return results

    monkeypatch.setattr(part_readings, "hide_places", hide)
    readings, best = list[list[part_readings.ImageParts]](), set[Place]()
    original = part_readings.read_parts

    def read(*arguments: object, **named: object) -> object:
        found = original(*arguments, **named)  # type: ignore[arg-type]
        readings.append([parts for parts in found if isinstance(parts, part_readings.ImageParts)])
        best.update(parts.places[1] for parts in readings[0] if 1 in parts.places)
        return found

    monkeypatch.setattr(comparing, "read_parts", read)
    found = compare_classes(atlas, model, records, *CLASSES[:2], second=True, workers=0)
    assert found.mark is not None
    assert found.mark.part == 1
    assert found.second is not None
    assert found.second.hidden == "part 2"
    assert found.second.part is not None
    assert found.second.part.part != 1
    assert found.second.part.background == background
    assert found.second.images == 9
    changed = [
        before.places != after.places or before.contributions != after.contributions
        for before, after in zip(*readings, strict=True)
        if 1 in before.places
    ]
    assert all(changed)
    named = "the background (part " if background else "part "
    assert any(sentence.startswith(f"Without part 2: {named}") for sentence in found.sentences())


def test_near_duplicates_and_groups_are_one_unit() -> None:
    one, other = bytes(32), bytes([0x0F] * 32)
    near = bytes([0x01]) + bytes(31)
    record = ImageRecord(path=Path("a"), name="a")
    video = replace(record, group="video 1")
    assert units_of([record] * 3, [one, other, near]).tolist() == [0, 1, 0]
    assert units_of([video, record, video], [one, one[::-1], other]).tolist() == [0, 0, 0]
    assert units_of([video, record, video], [None, None, None]).tolist() == [0, 1, 0]


def test_agreement_with_annotated_parts_is_stored_for_both_kinds(built: Path, data: DataSet) -> None:
    record = data.records[0]
    assert annotated_part(record, 42, 41) == "left"
    assert annotated_part(record, 80, 45) == "right"
    assert annotated_part(record, 60, 40) is None  # farther than 0.15 x 80 px from both
    stored = Atlas(built).header.agreement
    for measured in stored.values():
        assert 0 <= measured["part"] <= 1
        assert 0 <= measured["label"] <= 1
    assert set(stored) in (set(), {"class mean subtracted", "as they are"})


def test_of_many_peaks_the_agreement_is_measured_on_some_of_all_images(
    model: Model, data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    monkeypatch.setattr(grouping, "annotated_part", lambda record, x, y: asked.append(record.name))
    build(model, data, tmp_path / "few")
    assert asked == sorted(asked)
    asked.clear()
    monkeypatch.setattr(grouping, "_MOST_AGREEING", 3)
    build(model, data, tmp_path / "many")
    assert asked != sorted(asked)


def test_too_few_places_are_refused(model: Model, data: DataSet, tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match="fewer than 400 parts"):
        build(model, data, tmp_path, parts=400)
    with pytest.raises(AtlasError, match="between 2 and 500"):
        build(model, data, tmp_path, parts=1)


def test_the_images_of_the_atlas_as_new_images_get_the_same_parts(
    model: Model, data: DataSet, atlas: Atlas, tmp_path: Path
) -> None:
    atlas.rename("part 2", "bill")
    out = tmp_path / "assigned.csv"
    lost = write_assigned_peaks(atlas, model, data.records, data.classes, out, workers=0)
    assert [name for name, _ in lost] == ["9.png"]
    with open(out, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(tmp_path / "peaks.csv", encoding="utf-8", newline="") as file:
        stored = list(csv.DictReader(file))
    near = [row.pop("near") for row in rows]
    assert rows == stored
    assert set(near) <= {"0", "1"}
    assert near.count("1") >= 0.8 * len(near)
    with pytest.raises(AtlasError, match="another model"):
        write_assigned_peaks(atlas, replace(model, digest="0" * 16), data.records, data.classes, out)


def test_two_programs_that_edit_keep_both_edits(atlas: Atlas, tmp_path: Path) -> None:
    other = Atlas(tmp_path)
    atlas.rename("part 1", "bill")
    other.rename("part 2", "tail")
    assert [Atlas(tmp_path).parts.name(part) for part in range(3)] == ["bill", "tail", "part 3"]
    with only_writer(tmp_path / EDITS), pytest.raises(OutputBusy):
        atlas.hide("part 3")
    atlas.undo()
    assert [atlas.parts.name(part) for part in range(3)] == ["bill", "part 2", "part 3"]


def test_a_preview_while_places_are_collected_changes_nothing(
    model: Model, data: DataSet, built: Path, tmp_path: Path
) -> None:
    out = tmp_path / "previewed"
    seen = list[AtlasPreview]()
    for step in build_atlas(model, data, data.records, out, split="test", parts=3, workers=0):
        preview = preview_parts(out, 2)
        if step.done == 0:
            assert preview is None
        if preview is not None:
            seen.append(preview)
    assert preview_parts(out, 2) is None
    for name in (DESCRIPTORS, "assignments.npy", "centroids.npy", IMAGES, HEADER, "peaks.csv"):
        assert (out / name).read_bytes() == (built / name).read_bytes()
    atlas = Atlas(built)
    at_peaks = atlas.places[~atlas.places["background"]]
    assert (seen[-1].images, seen[-1].peaks) == (10, len(at_peaks))
    assert sum(part.peaks for part in seen[-1].parts) == len(at_peaks)
    for example in (example for part in seen[-1].parts for example in part.examples):
        number = [image.file for image in atlas.images].index(example.file)
        own = at_peaks[at_peaks["image"] == number]
        assert np.hypot(own["x"] - example.x, own["y"] - example.y).min() < 0.01
        assert seen[-1].sizes[example.file] == (atlas.images[number].width, atlas.images[number].height)


def test_a_preview_separates_what_looks_different(tmp_path: Path) -> None:
    """Twelve images with two peaks and a drawn cell each: the peaks' descriptors are of two kinds, whatever the cell's is."""
    lines, stored = list[str](), list[np.ndarray]()
    for number in range(12):
        places = [[10 + number, 20, 0.9, 0, 0], [60, 70, 0.5, 0, 0]]
        fields = {"file": f"{number}.png", "error": "", "width": 100, "height": 90, "predicted": 0, "rows": 3}
        lines.append(json.dumps(fields | {"peaks": places, "cells": [[1, 1]], "channels": 3}))
        stored.append(np.array([[1, 0, 0.01 * number], [0, 1, 0], [0, 0, 1]], dtype=np.float16))
    path = part_path(tmp_path / IMAGES)
    path.write_text("{}\n" + "\n".join(lines) + '\n{"file": "12.p', encoding="utf-8")  # the last line is being written
    (tmp_path / "descriptors.part").write_bytes(b"".join(rows.tobytes() for rows in stored))
    found = preview_parts(tmp_path, 2)
    assert found is not None
    assert (found.images, found.peaks) == (12, 24)
    assert [(part.peaks, part.images) for part in found.parts] == [(12, 12)] * 2
    assert sorted([*{example.y for example in part.examples}] for part in found.parts) == [[20], [70]]
    assert preview_parts(tmp_path) is not None
    assert preview_parts(tmp_path, 13) is None  # fewer than two peaks a part
