"""Grouping an atlas anew: while others have it open, after an interruption, with the parts of an atlas that was edited since."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_up_atlas import CLASSES, MODEL, draw_pictures, write_atlas

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.errors import AtlasError, OutputBusy
from s3n_core.parts.atlas import grouping
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import (
    ASSIGNMENTS,
    CENTROIDS,
    CLASS_MEANS,
    DESCRIPTORS,
    EDITS,
    HEADER,
    PEAKS_CSV,
    descriptor_reader,
    read_header,
)
from s3n_core.parts.atlas.building import build_atlas
from s3n_core.parts.atlas.part_edits import read_edits, write_edits
from s3n_core.prediction.rows import fingerprint
from s3n_core.system.line_files import only_writer

EACH = 5


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    names = draw_pictures(tmp_path / "data", EACH)
    records = tuple(
        ImageRecord(path=tmp_path / "data" / name, name=name, label=number // EACH, split="test")
        for number, name in enumerate(names)
    )
    return DataSet(root=tmp_path / "data", format="folders", classes=CLASSES, records=records)


def made(folder: Path, data: DataSet) -> Atlas:
    """Write an atlas of three parts, and let it be of the images as they are."""
    write_atlas(folder, data.root, [record.name for record in data.records])
    edit_header(folder, suggested=False, images=fingerprint(data.records, data.classes))
    return Atlas(folder)


def edit_header(folder: Path, *, images: str | None = None, **fields: Any) -> None:
    header = json.loads((folder / HEADER).read_bytes())
    header["collection"]["images"] = images or header["collection"]["images"]
    (folder / HEADER).write_text(json.dumps({**header, **fields}), encoding="utf-8")


def build(data: DataSet, out: Path, parts: int | None = None, parts_of: Path | None = None, **options: Any) -> Atlas:
    """Build an atlas whose places are all collected, so without a model."""
    model: Any = SimpleNamespace(
        digest=MODEL,
        sampling="expected",
        precision="float32",
        classes=CLASSES,
        path=Path("model.safetensors"),
        header=SimpleNamespace(network=SimpleNamespace(origin={})),
    )
    options = {"centred": False, **options}
    list(build_atlas(model, data, data.records, out, split="test", parts=parts, parts_of=parts_of, **options))
    return Atlas(out)


def test_an_open_atlas_keeps_its_groups_and_refuses_edits_when_it_is_grouped_anew(
    data: DataSet, tmp_path: Path
) -> None:
    for fresh in (made(tmp_path / "a", data), made(tmp_path / "b", data)):
        if fresh.path.name == "b":
            _ = fresh.part_of  # whether or not they were asked for before
        build(data, fresh.path, 5)
        journal = (fresh.path / EDITS).read_bytes()
        for edit in (lambda of=fresh: of.hide(2), lambda of=fresh: of.split(0), fresh.undo):
            with pytest.raises(AtlasError, match="grouped anew since it was opened"):
                edit()
        assert (fresh.path / EDITS).read_bytes() == journal
        assert fresh.part_of.tolist() == [0, 1, 2, 2] * len(data.records)
        fresh.write_peaks(tmp_path / "peaks.csv")
        assert sum(one.peaks for one in fresh.summaries()) == 2 * len(data.records)
        with pytest.raises(AtlasError, match="grouped anew"):
            fresh.nearest(0)
        again = Atlas(fresh.path)
        again.hide(4)
        assert again.parts.is_hidden(4)


def test_an_open_atlas_says_so_when_its_places_are_collected_anew(data: DataSet, tmp_path: Path) -> None:
    atlas = made(tmp_path / "atlas", data)
    edit_header(atlas.path, images="0" * 32)
    for ask in (lambda: atlas.images, lambda: atlas.places, lambda: atlas.part_of):
        with pytest.raises(AtlasError, match="built anew since it was opened"):
            ask()


def test_an_edit_made_while_groups_are_computed_is_kept(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, measure, write = made(tmp_path / "atlas", data).path, grouping._agreements, grouping.write_edits
    busy = list[bool]()

    def rename_first(*arguments: Any) -> dict[str, Any]:
        Atlas(out).rename(0, "bill")
        return measure(*arguments)

    def edit_too_late(*arguments: Any) -> None:
        with pytest.raises(OutputBusy), only_writer(out / EDITS):
            pass
        busy.append(True)
        write(*arguments)

    monkeypatch.setattr(grouping, "_agreements", rename_first)
    monkeypatch.setattr(grouping, "write_edits", edit_too_late)
    atlas = build(data, out, 5)
    assert busy
    assert "bill" in [atlas.parts.name(part) for part in atlas.parts.numbers]


@pytest.mark.parametrize("at", [CLASS_MEANS, CENTROIDS, ASSIGNMENTS, EDITS, HEADER])
def test_an_interrupted_grouping_is_seen_and_the_same_or_the_earlier_command_mends_it(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def interrupt(what: str) -> None:
        if what == at:
            raise KeyboardInterrupt

    save, write, header = grouping._save, grouping.write_edits, grouping._write_header
    monkeypatch.setattr(grouping, "_save", lambda path, array: (save(path, array), interrupt(path.name)))
    monkeypatch.setattr(grouping, "write_edits", lambda path, edits: (write(path, edits), interrupt(EDITS)))
    monkeypatch.setattr(
        grouping, "_write_header", lambda out, found: (interrupt(HEADER if found.reach else ""), header(out, found))
    )
    for parts, centred in ((5, False), (3, True)):  # as many groups as before may be others
        out = made(tmp_path / f"{parts}", data).path
        Atlas(out).rename(0, "bill")
        with pytest.raises(KeyboardInterrupt):
            build(data, out, parts, centred=centred)
        with pytest.raises(AtlasError, match="interrupted while it was grouped"):
            Atlas(out)
    monkeypatch.undo()
    same = build(data, tmp_path / "5", 5)
    assert len(same.parts.numbers) == 5
    assert "bill" in [same.parts.name(part) for part in range(5)]
    earlier = build(data, tmp_path / "3", 3)
    assert sorted(np.unique(earlier.part_of)) == [0, 1, 2]
    assert not earlier.header.centred


def test_a_grouping_interrupted_while_it_is_computed_changes_nothing(
    data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    out = made(tmp_path / "atlas", data).path
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(grouping, "_agreements", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(data, out, 5)
    assert {name: (out / name).read_bytes() for name in before} == before
    assert len(Atlas(out).parts.numbers) == 3


def test_groups_that_an_earlier_version_left_half_stored_are_seen_and_mended(data: DataSet, tmp_path: Path) -> None:
    for name, torn in (
        (CENTROIDS, np.eye(5, 8, dtype=np.float32)),
        (ASSIGNMENTS, np.full(4 * len(data.records), 3, dtype=np.int16)),
        (ASSIGNMENTS, np.zeros(4, dtype=np.int16)),
    ):
        out = made(tmp_path / f"{name}-{len(torn)}", data).path
        np.save(out / name, torn)
        with pytest.raises(AtlasError, match="interrupted while it was grouped; run the same command again"):
            Atlas(out)
        assert build(data, out, 3).parts.numbers == (0, 1, 2)


def test_projections_are_made_anew_for_other_class_means(data: DataSet, tmp_path: Path) -> None:
    other, out = made(tmp_path / "other", data).path, made(tmp_path / "atlas", data).path
    means = np.zeros((3, 8), dtype=np.float32)
    means[0, 0] = means[1, 1] = 0.4
    np.save(other / CLASS_MEANS, means)
    edit_header(other, centred=True)
    build(data, out, 3, centred=True)
    kept = (out / "neighbours.npy").stat().st_mtime_ns
    build(data, out, 5, centred=True)
    assert (out / "neighbours.npy").stat().st_mtime_ns == kept  # the same means
    atlas = build(data, out, parts_of=other)
    places = np.arange(len(atlas.places))
    read = descriptor_reader(np.load(out / DESCRIPTORS), np.asarray(atlas.places["predicted"]), means)
    projected = read(places) @ np.load(out / "neighbour_directions.npy")
    assert np.load(out / "neighbours.npy") == pytest.approx(projected, abs=1e-6)


def test_parts_taken_again_bring_new_edits_and_no_old_ones_twice(data: DataSet, tmp_path: Path) -> None:
    other, out = made(tmp_path / "other", data), tmp_path / "atlas"
    made(out, data)
    other.rename(0, "bill")
    other.hide(1)
    build(data, out, parts_of=other.path).rename(1, "own")
    before = (out / HEADER).read_bytes()
    assert [edit.kind for edit in build(data, out, parts_of=other.path).parts.edits] == ["rename", "hide", "rename"]
    assert (out / HEADER).read_bytes() == before  # nothing to do
    other.undo()
    other.rename(0, "beak")
    other.rename(1, "tail")
    other.set_background(2, background=False)
    again = build(data, out, parts_of=other.path)
    assert [again.parts.name(part) for part in range(3)] == ["beak", "own", "part 3"]
    assert not again.parts.is_hidden(1)
    assert again.background == other.background == frozenset()
    assert [edit.taken for edit in again.parts.edits] == [True] * 4 + [False]
    assert again.header.lost_edits == 0
    assert "taken" not in again.parts.edits[0].to_dict()  # kept answers know edits by what they do
    assert "own" in (out / PEAKS_CSV).read_text(encoding="utf-8")
    # What holds background there holds it here, unless it was said here.
    again.set_background(0)
    other.set_background(1)
    assert build(data, out, parts_of=other.path).background == frozenset({0, 1})


def test_copied_edits_that_are_not_marked_are_not_made_twice(data: DataSet, tmp_path: Path) -> None:
    """An atlas of an earlier version has neither the marks nor the digest."""
    other, out = made(tmp_path / "other", data), tmp_path / "atlas"
    made(out, data)
    other.rename(0, "bill")
    build(data, out, parts_of=other.path).rename(1, "own")
    write_edits(out / EDITS, [replace(edit, taken=False) for edit in read_edits(out / EDITS)])
    fields = json.loads((out / HEADER).read_bytes())
    del fields["taken_edits"]
    (out / HEADER).write_text(json.dumps(fields), encoding="utf-8")
    assert Atlas(out).header.taken_edits == ""
    other.rename(0, "beak")
    again = build(data, out, parts_of=other.path)
    assert [again.parts.name(part) for part in range(3)] == ["beak", "own", "part 3"]
    header = read_header(out)
    assert header is not None
    assert header.taken_edits
