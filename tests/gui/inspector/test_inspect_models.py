"""The Inspect page's state, lists and pure functions, without widgets."""

from pathlib import Path

import numpy as np
import pytest
from made_inspection import CLASSES, data_set, made_inspection, without_scores
from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QUndoStack

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.codec import InspectionEncoder
from s3n_core.server.messages import write_message
from s3n_gui.inspector.images.image_list import ImageList, disagrees, is_mistake
from s3n_gui.inspector.images.verdicts import Verdict, Verdicts
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panes.pane_content import from_plane, grid_lines, peak_marks, resolve, to_plane, value_at
from s3n_gui.inspector.panes.pane_kinds import KINDS
from s3n_gui.inspector.panes.pane_model import Cameras, PaneModel
from s3n_gui.inspector.peaks import peak_edits
from s3n_gui.inspector.peaks.changes import ChangeNumbers, ChangePeaks
from s3n_gui.inspector.scores.score_rows import score_rows
from s3n_gui.inspector.stored import read_inspection
from s3n_gui.widgets.images.camera import Camera
from s3n_gui.widgets.images.image_pyramid import ImagePyramid

A, B = Path("/x/a.jpg"), Path("/x/b.jpg")


def test_a_camera_keeps_the_place_under_the_mouse() -> None:
    picture, view = QRectF(0, 0, 200, 100), QSizeF(400, 400)
    before = Camera()
    after = before.zoomed(4, 0.25, 0.4)

    def pixel(camera: Camera, x: float, y: float) -> tuple[float, float]:
        shown = camera.shown(picture, view)
        return (x * 200 - shown.x()) / shown.width() * 400, (y * 100 - shown.y()) / shown.height() * 400

    assert pixel(after, 0.25, 0.4) == pytest.approx(pixel(before, 0.25, 0.4))
    assert after.zoomed(1e-3, 0.1, 0.1) == Camera()
    assert after.moved(9, 9).x <= 1 - 0.5 / after.zoom + 1e-9


def test_a_pyramid_gives_the_smallest_level_that_is_large_enough() -> None:
    pyramid = ImagePyramid(np.full((1024, 2048, 3), 7, dtype=np.uint8))
    assert pyramid.level(5000).shape == (1024, 2048, 3)
    assert pyramid.level(600).shape == (512, 1024, 3)
    assert pyramid.level(10).shape == (64, 128, 3)
    assert pyramid.level(10).max() == 7
    assert displayed_class("001.Black_footed_Albatross") == "Black footed Albatross"


# What panes show


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pane_can_be_worked_out(kind: str) -> None:
    inspection = made_inspection(box=(50.0, 0.0, 250.0, 200.0))
    content = resolve(kind, inspection)  # type: ignore[arg-type]
    assert content.kind == kind
    if content.shares is not None:
        assert content.shares.dtype == np.float32
        assert 0 <= content.shares.min() <= content.shares.max() <= 1
        assert content.limits is not None
    assert len(grid_lines(inspection, kind)) == 62  # type: ignore[arg-type]


def test_values_under_the_cursor_are_those_of_the_map() -> None:
    inspection = made_inspection()
    content = resolve("response", inspection)
    for row in (0, 7, 30):
        place = inspection.response.cell_to_original(row, 12)
        assert value_at(inspection, content, place) == pytest.approx(inspection.response.map[row, 12], abs=1e-6)
    assert value_at(inspection, content, (-5, 10)) is None


@pytest.mark.parametrize("plane", ["original", "D", "C"])
def test_places_go_to_a_plane_and_back(plane: str) -> None:
    inspection = made_inspection(box=(50.0, 0.0, 250.0, 200.0))
    for place in ((60.0, 20.0), (150.0, 100.0), (240.0, 190.0)):
        there = to_plane(inspection, plane, place)  # type: ignore[arg-type]
        assert there is not None
        assert from_plane(inspection, plane, there) == pytest.approx(place, abs=0.5)  # type: ignore[arg-type]
    assert to_plane(inspection, "D", (10.0, 20.0)) is None  # outside the network's view
    assert from_plane(inspection, "D", (-1.0, 20.0)) is None


def test_peaks_are_marked_in_every_plane() -> None:
    inspection = made_inspection()
    for plane in ("original", "D", "C"):
        marks = peak_marks(inspection, plane, (25, 5))  # type: ignore[arg-type]
        assert [mark.key for mark in marks] == [(10, 20), (25, 5)]
        assert [mark.selected for mark in marks] == [False, True]


def test_a_class_map_that_is_missing_is_said_to_come() -> None:
    content = resolve("class_map", made_inspection(), class_name=CLASSES[2])
    assert content.shares is None
    assert "Loading" in content.note


# Edits


def test_edits_of_peaks() -> None:
    peak = made_inspection().warps.peaks[0]
    off = peak_edits.switched((), peak.found_at)
    assert off == (PeakEdit(cell=(10, 20), off=True),)
    assert peak_edits.switched(off, peak.found_at) == ()
    assert peak_edits.flipped((), peak)[0].forced == "C"
    nudged = peak_edits.nudged((), peak, -1, 2, (31, 31))
    assert nudged[0].moved_to == (9.0, 22.0)
    assert peak_edits.moved(nudged, peak.found_at, (10.2, 19.9), (31, 31)) == ()
    assert peak_edits.moved((), peak.found_at, (99, -4), (31, 31))[0].moved_to == (30.0, 0.0)
    assert peak_edits.put_into(off, peak.found_at, "both")[0].off is False


def test_one_drag_is_undone_at_once() -> None:
    state, stack = InspectionState(), QUndoStack()
    state.choose_image(A)
    for column in (3.0, 4.0, 5.0):
        edits = (PeakEdit(cell=(1, 1), moved_to=(1.0, column)),)
        stack.push(ChangePeaks(state, A, edits, "Move peak", "drag 1"))
    assert stack.count() == 1
    stack.undo()
    assert state.edits == ()
    stack.redo()
    assert state.edits[0].moved_to == (1.0, 5.0)


def test_undo_goes_back_to_the_image_that_was_changed() -> None:
    state, stack = InspectionState(), QUndoStack()
    state.choose_image(A)
    stack.push(ChangePeaks(state, A, (PeakEdit(cell=(1, 1), off=True),), "Switch peak off"))
    state.choose_image(B)
    assert state.edits == ()
    stack.undo()
    assert state.image == A
    assert state.edits == ()


def test_numbers_hold_for_all_images_edits_for_one() -> None:
    state, stack = InspectionState(), QUndoStack()
    state.choose_image(A)
    stack.push(ChangeNumbers(state, InspectionSettings(delta=1.0), "Change delta"))
    state.set_edits(A, (PeakEdit(cell=(1, 1), off=True),))
    state.choose_image(B)
    assert state.settings == InspectionSettings(delta=1.0)
    state.choose_image(A)
    assert state.settings.edits
    stack.undo()
    assert state.numbers == InspectionSettings()


# State


def test_equal_values_emit_nothing(qtbot: object) -> None:
    state = InspectionState()
    heard: list[str] = []
    state.image_changed.connect(lambda image: heard.append("image"))
    state.settings_changed.connect(lambda: heard.append("settings"))
    state.cursor_changed.connect(lambda place: heard.append("cursor"))
    state.choose_image(A)
    state.point_at((1.0, 2.0))
    heard.clear()
    state.choose_image(A)
    state.point_at((1.0, 2.0))
    state.set_numbers(InspectionSettings())
    state.set_edits(A, ())
    assert heard == []


def test_scores_are_stale_until_they_land() -> None:
    state = InspectionState()
    state.choose_image(A)
    first = made_inspection()
    state.take_inspection(first)
    assert not state.scores_stale
    assert state.before is first
    state.take_evidence(without_scores(first))
    assert state.scores_stale
    assert state.answer is first
    second = made_inspection(winner=1)
    state.take_inspection(second)
    assert (state.before, state.answer) == (first, second)
    state.keep_as_before()
    assert state.before is second


def test_a_stored_look_is_not_what_is_compared_with() -> None:
    state = InspectionState()
    state.choose_image(A)
    state.show_stored(made_inspection())
    live = made_inspection()
    state.take_inspection(live)
    assert state.before is live


def test_scores_show_every_branchs_choice_and_the_truth() -> None:
    answer, before = made_inspection(rebel=2), made_inspection()
    rows = score_rows(answer, before, CLASSES[1], count=3)
    assert {row.index for row in rows} == {0, 1, 2}
    assert [row.true for row in sorted(rows, key=lambda row: row.index)] == [False, True, False]
    d = next(row for row in rows if row.index == 2).cells["D"]
    assert d.first
    assert d.before is not None
    assert d.now > d.before
    few = score_rows(made_inspection(), None, CLASSES[2], count=2)  # where all branches agree
    assert [row.index for row in few] == [0, 2]
    assert all(cell.before is None for row in score_rows(answer, None, None, 6) for cell in row.cells.values())


def test_a_pane_restores_only_what_fits() -> None:
    model = PaneModel("peaks")
    model.restore({"kind": "map_d", "palette": "rainbow", "opacity": 7, "peaks": False, "grid": "yes", "other": 1})
    assert (model.kind, model.palette, model.opacity, model.peaks, model.grid) == (
        "map_d",
        "viridis",
        0.65,
        False,
        False,
    )


def test_planes_have_cameras_of_their_own(qtbot: object) -> None:
    cameras = Cameras()
    heard: list[str] = []
    cameras.changed.connect(heard.append)
    cameras.look("original", Camera(0.4, 0.4, 3))
    cameras.look("original", Camera(0.4, 0.4, 3))
    assert heard == ["original"]
    assert cameras.of("D") == Camera()


@pytest.mark.parametrize("name", ["drawn/bird é.jpg", "no Unicode \udcff.jpg"])
def test_an_inspection_survives_its_file(tmp_path: Path, name: str) -> None:
    inspection = made_inspection(name)
    with (tmp_path / "look.bin").open("wb") as file:
        write_message(file, InspectionEncoder().encode("answered", inspection))
    assert read_inspection(tmp_path / "look.bin") == inspection
    (tmp_path / "junk.bin").write_bytes(b"junk" * 10)
    assert read_inspection(tmp_path / "junk.bin") is None
    assert read_inspection(tmp_path / "none.bin") is None


# The list


def test_the_list_is_filtered_by_text_and_by_verdict(tmp_path: Path) -> None:
    verdicts = Verdicts()
    images = ImageList(verdicts)
    images.set_data_set(data_set(tmp_path))
    assert images.rowCount() == 6
    images.set_filter("BLUE", "all")
    assert [images.record(row).name for row in range(images.rowCount())] == ["bird 1.jpg", "bird 4.jpg"]
    verdicts.take_inspection(tmp_path / "bird 4.jpg", made_inspection(winner=0), CLASSES[1])
    images.set_filter("", "mistakes")
    assert [images.record(row).name for row in range(images.rowCount())] == ["bird 4.jpg"]
    images.set_filter("", "unseen")
    assert images.rowCount() == 5
    assert images.record_of(tmp_path / "bird 4.jpg") is not None
    assert images.row_of(tmp_path / "bird 4.jpg") == -1


def test_verdicts_tell_mistakes_and_disagreements() -> None:
    verdicts, a, b = Verdicts(), Path("a"), Path("b")
    verdicts.take_inspection(a, made_inspection(rebel=2), CLASSES[0])
    assert verdicts.get(a) == Verdict(CLASSES[0], pytest.approx(verdicts.get(a).probability), True, False)  # type: ignore[union-attr]
    assert disagrees(verdicts.get(a))
    assert not is_mistake(verdicts.get(a))
    verdicts.take_inspection(b, made_inspection(), "no class of the model")
    assert verdicts.get(b).correct is None  # type: ignore[union-attr]


def test_a_hundred_thousand_images_are_filtered_quickly(tmp_path: Path) -> None:
    import time

    images = ImageList(Verdicts())
    images.set_data_set(data_set(tmp_path, 100_000))
    images.set_filter("bird 9", "all")
    start = time.process_time()
    images.set_filter("bird 99", "all")
    assert time.process_time() - start < 0.15
    assert images.rowCount() == 1111


def test_the_magnification_map_is_what_the_cursor_reads() -> None:
    inspection = made_inspection(box=(50.0, 0.0, 250.0, 200.0))
    content = resolve("magnified_d", inspection)
    assert content.shares is not None
    assert content.limits is not None
    rows, columns = content.shares.shape
    for row, column in ((10, 20), (62, 61), (100, 40)):
        x, y = 50 + 200 * (column + 0.5) / columns, 200 * (row + 0.5) / rows
        value = value_at(inspection, content, (x, y))
        assert value is not None
        assert float(content.limits.share(value)) == pytest.approx(float(content.shares[row, column]), abs=1e-4)
    assert np.abs(np.diff(content.shares, axis=0)).max() < 0.05  # smooth, without facets
