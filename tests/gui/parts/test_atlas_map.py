"""The tabs Atlas and Class: the map of all peaks, what is chosen on it, and one class's parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from layout_faults import layout_faults
from made_up_atlas import CLASSES, MODEL, PLACES, draw_pictures, write_atlas
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_gui.appearance import theme, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_map.map_canvas import MapCanvas
from s3n_gui.parts.atlas_map.map_view import MapView
from s3n_gui.parts.atlas_map.point_image import Window, inside, paint_points
from s3n_gui.parts.class_portrait.portrait_view import ContributionBar, PortraitView
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.panel import PartsPage
from s3n_gui.state.session import Session
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea

WHITE = (255, 255, 255)


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    files = draw_pictures(tmp_path / "data", 4)
    made = write_atlas(tmp_path / "atlas", tmp_path / "data", files)
    made.rename("part 1", "bill")
    return made


@pytest.fixture
def thumbnails(qtbot: QtBot) -> Iterator[ThumbnailLoader]:
    made = ThumbnailLoader(160)
    yield made
    made.close()


@pytest.fixture
def view(atlas: Atlas, thumbnails: ThumbnailLoader, qtbot: QtBot) -> Iterator[MapView]:
    made = MapView(thumbnails)
    qtbot.addWidget(made)
    made.resize(900, 500)
    made.show()
    made.set_atlas(atlas)
    qtbot.waitUntil(made.is_ready)
    yield made
    made.shut_down()


def test_the_window_of_the_map_goes_there_and_back() -> None:
    size = (400, 300)
    points = np.array([[-2, 1], [4, 5], [0, 2]], dtype=np.float32)
    window = Window.around(points, size)
    pixels = window.to_pixels(points, size)
    assert (pixels >= 0).all()
    assert (pixels < size).all()
    assert pixels[1, 1] < pixels[0, 1]  # upwards
    for point, (x, y) in zip(points.tolist(), pixels.tolist(), strict=True):
        assert window.to_map(x, y, size) == pytest.approx(tuple(point), abs=1e-4)
    near = window.zoomed(4, *pixels[2].tolist(), size)
    assert near.to_pixels(points[2:], size)[0].tolist() == pytest.approx(pixels[2].tolist(), abs=1e-2)
    assert near.scale == pytest.approx(4 * window.scale)
    moved = window.moved(30, -20).to_pixels(points, size) - pixels
    assert np.allclose(moved, (30, -20), atol=1e-3)


@pytest.mark.parametrize("quick", [False, True])
def test_points_are_painted_where_they_are_in_the_colour_of_their_part(quick: bool) -> None:
    size = (80, 60)
    window = Window(0, 0, 10)
    points = np.array([[-2, 1], [2, -1], [90, 90]], dtype=np.float32)
    colours = np.array([[200, 0, 0], [0, 0, 200]], dtype=np.uint8)
    picture = paint_points(points, np.array([0, 1, 1]), colours, WHITE, window, size, quick=quick)
    assert picture.shape == (60, 80, 4)
    red, blue = picture[20, 20], picture[40, 60]
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert picture[5, 5].tolist() == [*WHITE, 255]
    faint = paint_points(
        points, np.array([0, 1, 1]), colours, WHITE, window, size, faded=np.array([True, False]), quick=quick
    )
    assert faint[20, 20, 1] > red[1]  # nearer to the ground
    many = np.repeat(points[:1], 50, axis=0)
    dense = paint_points(many, np.zeros(50, dtype=int), colours, WHITE, window, size)
    assert dense[20, 20, 1] < picture[20, 20, 1] or quick


def test_a_lasso_holds_what_lies_inside_it() -> None:
    star = np.array([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]], dtype=np.float64)
    points = np.array([[1, 1], [3, 1], [2, 3], [5, 1], [0.2, 3]], dtype=np.float32)
    assert inside(star, points).tolist() == [True, True, False, False, True]
    assert not inside(star[:2], points).any()


def drag(widget: QWidget, qtbot: QtBot, corners: list[QPoint]) -> None:
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, pos=corners[0])
    for corner in corners[1:]:
        qtbot.mouseMove(widget, corner)
    qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=corners[-1])


def test_a_click_selects_a_peak_and_its_part_and_finds_more_like_it(view: MapView, atlas: Atlas, qtbot: QtBot) -> None:
    selected = list[int]()
    view.part_selected.connect(selected.append)
    bill = atlas.peak_of("002.Grey_plover/1.jpg")
    assert bill is not None
    place = view.canvas.place_of(bill[0])
    assert place is not None
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert selected == [0]
    assert view.heading.text() == "bill"
    assert view.similar.isVisible()
    (crop,) = view.crops.crops
    assert (crop.x, crop.y) == (30, 40)
    qtbot.mouseClick(view.similar, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(view.is_ready)
    found = view.crops.crops
    assert len(found) > 10
    assert all((one.x, one.y) == (30, 40) for one in found[:10])
    assert found[0] == crop
    assert len({one.file for one in found[:12]}) == 12  # no other peak of the same image
    assert found[1].note.startswith("similarity ")


def test_a_lasso_around_everything_shows_shares_and_crops_and_none_clears_it(view: MapView, qtbot: QtBot) -> None:
    rect = view.canvas.rect().adjusted(1, 1, -2, -2)
    drag(view.canvas, qtbot, [rect.topLeft(), rect.topRight(), rect.bottomRight(), rect.bottomLeft()])
    assert view.heading.text() == "24 peaks"
    assert "In 12 images: " in view.words.text()
    assert "bill 50 %" in view.words.text()
    assert len(view.crops.crops) == 24
    assert not view.similar.isVisible()
    qtbot.keyClick(view.canvas, Qt.Key.Key_Escape)
    assert view.heading.text() == "Peaks"
    assert not view.crops.crops


def test_the_list_of_parts_and_the_other_tabs_are_linked_both_ways(view: MapView, atlas: Atlas) -> None:
    selected = list[int]()
    view.part_selected.connect(selected.append)
    view.parts.setCurrentRow(1)
    assert selected == [1]
    view.select_part(0)
    assert selected == [1]  # emits nothing
    assert view.parts.currentItem().text() == "bill"
    assert view.parts.item(2).text().endswith("(background)")
    assert view.parts.item(2).toolTip().endswith("(background, drawn cells only)")
    view.select_part(-1)
    assert not view.parts.selectedItems()


def test_zooming_moves_the_points_and_zero_shows_all_again(view: MapView, atlas: Atlas, qtbot: QtBot) -> None:
    row = (atlas.peak_of("001.Red_knot/0.jpg") or (0,))[0]
    before = view.canvas.place_of(row)
    assert before is not None
    at = QPointF(5, 5)
    wheel = QWheelEvent(
        at,
        view.canvas.mapToGlobal(at),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.canvas, wheel)
    after = view.canvas.place_of(row)
    assert after is not None
    assert (after - before).manhattanLength() > 5
    qtbot.keyClick(view.canvas, Qt.Key.Key_0)
    view.canvas.grab()
    again = view.canvas.place_of(row)
    assert again is not None
    assert (again - before).manhattanLength() < 1


def test_the_arrow_keys_go_from_point_to_point_and_enter_chooses_one(themed: QApplication, qtbot: QtBot) -> None:
    canvas = MapCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(400, 400)
    canvas.show()
    canvas.activateWindow()
    qtbot.waitUntil(canvas.isActiveWindow)
    canvas.clearFocus()
    points = np.array([[0, 0], [2, 0], [-2, 0], [0, 2], [0, -2]], dtype=np.float32)
    canvas.show_points(points, np.zeros(5, np.int64), np.arange(10, 15), frozenset())
    canvas.grab()
    reached, clicked = list[int](), list[int]()
    canvas.reached.connect(reached.append)
    canvas.clicked.connect(clicked.append)
    canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert reached == [10]  # in the middle
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
        qtbot.keyClick(canvas, key)
    assert reached[1:] == [11, 10, 12, 13, 13, 10]
    before = canvas.grab().toImage()
    canvas.clearFocus()
    assert canvas.grab().toImage() != before  # the reached point stands out where the keyboard is
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert clicked == [10]
    place = canvas.place_of(10)
    qtbot.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    moved = canvas.place_of(10)
    assert place is not None
    assert moved is not None
    assert moved.x() < place.x()
    assert reached[-1] == 10
    for _ in range(4):
        qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    found = canvas.place_of(reached[-1])
    assert found is not None
    assert canvas.rect().contains(found.toPoint())  # the map follows


def test_what_is_chosen_is_named_as_an_edit_has_left_it(view: MapView, atlas: Atlas, qtbot: QtBot) -> None:
    def edited() -> Atlas:
        after = Atlas(atlas.path)
        view.set_atlas(after)
        qtbot.waitUntil(view.is_ready)
        return after

    bill = atlas.peak_of("002.Grey_plover/1.jpg")
    assert bill is not None
    view.show_like(bill[0])
    qtbot.waitUntil(view.is_ready)
    words, crops = view.words.text(), view.crops.crops
    atlas.rename("bill", "beak")
    edited()
    assert view.heading.text() == "beak"
    assert (view.words.text(), view.crops.crops) == (words, crops)  # what looks alike does so under any name
    atlas.reassign("part 2", "002.Grey_plover/1.jpg", bill[1], bill[2])
    edited()
    assert view.heading.text() == "part 2"
    rect = view.canvas.rect().adjusted(1, 1, -2, -2)
    drag(view.canvas, qtbot, [rect.topLeft(), rect.topRight(), rect.bottomRight(), rect.bottomLeft()])
    assert "beak 46 %" in view.words.text()
    atlas.undo()
    edited()
    assert "beak 50 %" in view.words.text()
    path = Path("elsewhere.jpg")
    crop = Crop(file=str(path), x=50, y=40, width=100, height=80)
    view.show_like_peak(crop, looks((50, 40, 0)), 0, image=None)
    assert view.heading.text() == "beak"
    atlas.rename("beak", "bill")
    edited()
    assert view.heading.text() == "bill"


def test_the_peak_that_the_keys_have_reached_is_described_and_chosen(view: MapView, qtbot: QtBot) -> None:
    selected = list[int]()
    view.part_selected.connect(selected.append)
    qtbot.keyClick(view.canvas, Qt.Key.Key_Right)
    described = view.canvas.accessibleDescription()
    assert ".jpg, at (" in described
    qtbot.keyClick(view.canvas, Qt.Key.Key_Return)
    assert len(selected) == 1
    assert described.startswith(f"{view.heading.text()}, ")


def shown_portrait(atlas: Atlas, thumbnails: ThumbnailLoader, qtbot: QtBot) -> PortraitView:
    view = PortraitView(thumbnails)
    qtbot.addWidget(view)
    view.resize(900, 500)
    view.show()
    view.set_atlas(atlas)
    return view


def test_the_rows_of_a_class_are_walked_through_with_the_keys(
    atlas: Atlas, thumbnails: ThumbnailLoader, qtbot: QtBot
) -> None:
    view = shown_portrait(atlas, thumbnails, qtbot)
    view.activateWindow()
    qtbot.waitUntil(view.isActiveWindow)
    qtbot.waitUntil(lambda: view.is_ready() and bool(view.rows) and view.rows[1].isVisible())
    first, second = view.rows
    selected = list[int]()
    view.part_selected.connect(selected.append)
    assert first.accessibleName() == "bill: +2.00; found in 4 of 4 images"
    first.setFocus()
    focused = first.grab().toImage()
    qtbot.keyClick(first, Qt.Key.Key_Return)
    qtbot.keyClick(first, Qt.Key.Key_Down)
    assert view.focusWidget() is second
    assert first.grab().toImage() != focused
    qtbot.keyClick(second.strip, Qt.Key.Key_Up)  # from its crops
    assert view.focusWidget() is first
    qtbot.keyClick(first, Qt.Key.Key_Up)
    assert selected == [0, 1, 0, 0]
    assert [bool(row.focusPolicy() & Qt.FocusPolicy.TabFocus) for row in view.rows] == [True, False]
    view.shut_down()


def test_the_rows_of_a_class_stay_where_they_are_after_an_edit(
    atlas: Atlas, thumbnails: ThumbnailLoader, qtbot: QtBot
) -> None:
    view = shown_portrait(atlas, thumbnails, qtbot)
    view.resize(900, 190)
    view.activateWindow()
    qtbot.waitUntil(view.isActiveWindow)
    area = view.findChild(ColumnScrollArea)
    assert area is not None
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: view.is_ready() and len(view.rows) == 2 and bar.maximum() > 20)
    bar.setValue(20)
    second = view.rows[1]
    second.setFocus()
    atlas.rename("part 2", "wing")
    view.set_atlas(Atlas(atlas.path))
    qtbot.waitUntil(lambda: view.is_ready() and view.rows[1].name.text() == "wing")
    QApplication.processEvents()
    assert (bar.value(), view.focusWidget()) == (20, view.rows[1])
    assert view.rows[1] is second
    assert second.accessibleName() == "wing: +1.00; found in 4 of 4 images"
    atlas.hide("bill")
    view.set_atlas(Atlas(atlas.path))
    qtbot.waitUntil(lambda: view.is_ready() and len(view.rows) == 1)
    assert view.focusWidget() is second
    atlas.undo()
    view.set_atlas(Atlas(atlas.path))
    qtbot.waitUntil(lambda: view.is_ready() and len(view.rows) == 2)
    assert [row.part for row in view.rows] == [0, 1]
    qtbot.waitUntil(lambda: bar.maximum() > 20)
    bar.setValue(20)
    view.show_class(CLASSES[2])
    qtbot.waitUntil(lambda: view.heading.text() == "Ruff")
    assert bar.value() == 0
    assert second not in view.rows
    view.shut_down()


def test_bars_have_the_colours_of_what_speaks_for_and_against(themed: QApplication, qtbot: QtBot) -> None:
    bar = ContributionBar()
    qtbot.addWidget(bar)
    bar.resize(100, 8)
    for value, x, colour in ((1.0, 75, tokens.LIGHT.favour), (-1.0, 25, tokens.LIGHT.against)):
        bar.show_value(value, 1.0)
        assert bar.grab().toImage().pixelColor(x, 4).name().upper() == colour


def test_a_class_has_its_parts_strongest_first_and_says_who_shares_them(
    atlas: Atlas, thumbnails: ThumbnailLoader, qtbot: QtBot
) -> None:
    view = shown_portrait(atlas, thumbnails, qtbot)
    qtbot.waitUntil(lambda: view.is_ready() and bool(view.rows))
    assert view.heading.text() == "Red knot"
    assert [row.name.text() for row in view.rows] == ["bill", "part 2"]
    assert view.rows[0].facts.text() == "+2.00; found in 4 of 4 images"
    assert "Shared by " in view.rows[0].sharing.text()
    assert {crop.file.partition("/")[0] for crop in view.rows[0].strip.crops} == {CLASSES[0]}
    selected = list[int]()
    view.part_selected.connect(selected.append)
    qtbot.mouseClick(view.rows[1], Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert selected == [1]
    view.show_class(CLASSES[2])
    qtbot.waitUntil(lambda: view.heading.text() == "Ruff")
    view.filter.setText("plover")
    assert [view.classes.isRowHidden(row) for row in range(3)] == [True, False, True]
    view.set_atlas(None)
    assert not view.rows
    view.shut_down()


def test_the_tabs_of_the_page_follow_one_another_and_a_crop_is_inspected(
    opened: PartsPage, session: Session, qtbot: QtBot
) -> None:
    titles = [opened.bar.tabs.tabText(tab) for tab in range(opened.bar.tabs.count())]
    assert titles[-2:] == ["Atlas", "Class"]
    qtbot.waitUntil(lambda: opened.is_ready() and bool(opened.portrait_view.rows))
    opened.map_view.parts.setCurrentRow(1)
    row = next(row for row in opened.portrait_view.rows if row.part == 1)
    assert row.property("selected")
    crop = row.strip.crops[0]
    opened.portrait_view.opened.emit(crop)
    assert session.image is not None
    assert session.image.name == Path(crop.file).name


def test_more_like_a_peak_of_another_page_is_shown_or_it_is_said_how(
    opened: PartsPage, session: Session, qtbot: QtBot, pictures: Path, tmp_path: Path
) -> None:
    image, view = pictures / "002.Grey_plover" / "1.jpg", opened.map_view
    session.ask_like(image, (80.5, 50.5))
    qtbot.waitUntil(lambda: opened.is_ready() and len(view.crops.crops) > 10)
    assert opened.shown.currentWidget() is view
    assert {(one.x, one.y) for one in view.crops.crops[:10]} == {(80, 50)}
    assert view.crops.crops[0].file == "002.Grey_plover/1.jpg"
    assert view.parts.currentRow() == 1
    assert session.take_like() is None
    for asked, place in ((image, (60.0, 70.0)), (tmp_path / "other.jpg", (80.0, 50.0))):
        with qtbot.waitSignal(session.notice_reported) as said:
            session.ask_like(asked, place)
        assert f"no such peak of {asked.name}" in said.args[0]
    opened.controller.close_atlas()
    with qtbot.waitSignal(session.notice_reported) as said:
        session.ask_like(image, (80.0, 50.0))
    assert said.args[0].startswith("No atlas of this model is open. Find parts here")
    assert session.take_like() is None


def looks(*peaks: tuple[float, float, int], moved: bool = False, model: str = MODEL) -> PeakDescriptors:
    """Peaks at places, each of which looks like a part; from 3 on, like none."""
    return PeakDescriptors(
        model=model,
        predicted=0,
        image_size=(100, 80),
        places=np.array([peak[:2] for peak in peaks], dtype=np.float32),
        moved=(moved,) * len(peaks),
        values=np.stack([np.eye(8, dtype=np.float32)[part] for *_, part in peaks]),
    )


def test_more_like_a_peak_that_the_atlas_does_not_have_begins_with_its_own_photograph(
    opened: PartsPage, session: Session, qtbot: QtBot, pictures: Path, tmp_path: Path
) -> None:
    image, view = tmp_path / "other.jpg", opened.map_view
    peaks = looks((50, 40, 0), (20, 20, 3))
    session.ask_like(image, (50.5, 40), peaks)
    qtbot.waitUntil(lambda: opened.is_ready() and len(view.crops.crops) > 10)
    assert opened.shown.currentWidget() is view
    first, second, *_ = view.crops.crops
    assert first == Crop(file=str(image), x=50, y=40, width=100, height=80)
    assert view.path_of(first.file) == image
    assert ((second.x, second.y), second.note) == (PLACES[0], "similarity 1.00")
    assert (view.heading.text(), view.parts.currentRow(), view.similar.isVisible()) == ("part 1", 0, False)
    session.ask_like(image, (20, 20), peaks)
    qtbot.waitUntil(lambda: opened.is_ready() and view.crops.crops[0].x == 20 and len(view.crops.crops) > 10)
    assert (view.heading.text(), view.parts.currentRow()) == ("No part", -1)
    # Peaks that were moved by hand in an image of the atlas: its own peaks are no answer.
    own = pictures / "002.Grey_plover" / "1.jpg"
    session.ask_like(own, (80, 50), looks((80, 50, 0), moved=True))
    qtbot.waitUntil(lambda: opened.is_ready() and view.crops.crops[0].x == 80 and len(view.crops.crops) > 10)
    assert view.crops.crops[1].x == PLACES[0][0]
    assert "002.Grey_plover/1.jpg" not in {crop.file for crop in view.crops.crops}
    with qtbot.waitSignal(session.notice_reported) as said:
        session.ask_like(image, (90, 70), peaks)
    assert "no such peak of other.jpg" in said.args[0]
    with qtbot.waitSignal(session.error_reported) as said:
        session.ask_like(image, (50, 40), looks((50, 40, 0), model="f" * 16))
    assert "of another model" in said.args[0]
    assert session.like is None


def test_more_like_waits_for_what_inspect_says_and_opens_the_models_atlas(
    opened: PartsPage, session: Session, qtbot: QtBot, pictures: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.safetensors"
    write_atlas(tmp_path / "made", pictures, [record.name for record in open_data_set(pictures).records], model=model)
    session.atlas = tmp_path / "made"
    qtbot.waitUntil(lambda: session.atlas == tmp_path / "made" and opened.is_ready())
    session.model, session.image = model, tmp_path / "other.jpg"
    session.ask_like(session.image, (50, 40))
    assert session.like is not None
    session.supply_like(tmp_path / "another.jpg", looks((50, 40, 1)))
    assert session.like.peaks is None
    session.supply_like(session.image, looks((50, 40, 1)))
    assert session.like is None
    view = opened.map_view
    qtbot.waitUntil(lambda: opened.is_ready() and len(view.crops.crops) > 10)
    assert view.heading.text() == "part 2"
    # Another data set of the same model: the page is about that, but the atlas still names parts and is found again.
    draw_pictures(tmp_path / "others", 1)
    session.data_set = open_data_set(tmp_path / "others")
    qtbot.waitUntil(lambda: opened.controller.stage == "ready")
    assert (session.atlas, session.model_atlas) == (None, tmp_path / "made")
    session.image = tmp_path / "other.jpg"  # the other data set has dropped it
    session.ask_like(session.image, (50, 40), looks((50, 40, 0)))
    qtbot.waitUntil(lambda: opened.controller.stage == "open" and len(view.crops.crops) > 10)
    assert (session.atlas, view.heading.text()) == (tmp_path / "made", "part 1")
    session.ask_like(session.image, (50, 40))
    session.image = pictures / "002.Grey_plover" / "1.jpg"
    assert session.like is None  # nobody looks at that image any more
    session.model = None
    with qtbot.waitSignal(session.notice_reported) as said:
        session.ask_like(tmp_path / "other.jpg", (50, 40))
    assert "no such peak of other.jpg" in said.args[0]


@pytest.mark.parametrize("factor", [0.8, 1.6])
def test_nothing_is_cut_in_a_small_window(
    themed: QApplication, atlas: Atlas, thumbnails: ThumbnailLoader, qtbot: QtBot, factor: float
) -> None:
    theme.apply(themed, "light", factor)
    for made in (MapView(thumbnails), PortraitView(thumbnails)):
        qtbot.addWidget(made)
        made.resize(820, 380)
        made.show()
        made.set_atlas(atlas)
        qtbot.waitUntil(made.is_ready)
        made.select_part(1)
        if isinstance(made, MapView):
            made.show_like(0)
            qtbot.waitUntil(made.is_ready)
        assert made.minimumSizeHint().width() <= 820
        qtbot.waitUntil(lambda shown=made: layout_faults(shown) == [])  # once the layout of new rows is done
        made.shut_down()
    theme.apply(themed, "light", 1.0)
