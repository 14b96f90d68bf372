"""A crop's photograph with its place hidden: while Alt is held, by the menu, by the keys; computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_up_atlas import CLASSES, MODEL
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.errors import S3NError
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings
from s3n_gui.parts import panel
from s3n_gui.parts.panel import PartsPage
from s3n_gui.state.settings import Settings

KNOT, PLOVER, RUFF = CLASSES


class HidingClient(QObject):
    """An engine that hides places when it is told to."""

    opened = Signal(object)
    hiding_progressed = Signal(int, int)
    places_hidden = Signal(object, object)
    hiding_ended = Signal(object)
    failed = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.models: list[Path] = []
        self.precisions: list[str] = []
        self.asked: list[tuple[Any, Sequence[tuple[float, float]], HidingSettings]] = []
        self.idle_seconds: list[float] = []
        self.stopped = 0
        self.closed = False

    def open_model(self, path: Path, device: str = "auto", precision: str = "auto") -> None:
        self.models.append(path)
        self.precisions.append(precision)

    def hide_places(self, subject: Any, places: Sequence[tuple[float, float]], settings: Any, *, box: Any) -> None:
        self.asked.append((subject, places, settings))

    def stop_hiding(self) -> None:
        self.stopped += 1
        self.hiding_ended.emit(None)

    def set_idle_seconds(self, seconds: float) -> None:
        self.idle_seconds.append(seconds)

    def close(self) -> None:
        self.closed = True

    def answer(self, digest: str = MODEL) -> None:
        """Answer the last question: the prediction changes, and that for one of 20 random places."""
        subject, places, settings = self.asked[-1]
        logits = np.zeros((22, 3), dtype=np.float32)
        logits[:, 0] = 3
        logits[1] = (0, 2, 0)
        logits[5] = (0, 2, 0)
        hidden = HiddenPlace(
            name=subject.name,
            place=places[0],
            settings=settings.resolved(20.0),
            region="view",
            region_box=(0.0, 0.0, 120.0, 90.0),
            controls=np.full((20, 2), 50, dtype=np.float32),
            classes=CLASSES,
            logits={"joint": logits},
            image=np.full((90, 120, 3), 128, dtype=np.uint8),
            image_scale=1.0,
            model="model.safetensors",
            model_digest=digest,
            precision="float32",
        )
        self.places_hidden.emit((hidden,), subject)


@pytest.fixture
def client(opened: PartsPage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: QtBot) -> HidingClient:
    """The engine of the page, whose atlas's model is there."""
    made = HidingClient()
    monkeypatch.setattr(panel, "InspectionClient", lambda **_: made)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.safetensors").touch()
    opened.pair.set_pair(KNOT, PLOVER)
    qtbot.waitUntil(lambda: opened.pair.pair is not None and opened.pair.pair.a == KNOT)
    qtbot.waitUntil(opened.is_ready)
    return made


def point(widget: QWidget, at: QPoint) -> None:
    """Move the mouse, without a button."""
    none, plain = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    place = QPointF(widget.mapToGlobal(at))
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, QPointF(at), place, none, none, plain))


def test_alt_shows_before_and_after_as_long_as_it_is_held_and_computes_it_once(
    opened: PartsPage, client: HidingClient
) -> None:
    rows, view, window = opened.pair_view.rows, opened.hidden_view, opened.window().windowHandle()
    crop, place = rows.crops_shown()[0]
    QTest.keyPress(window, Qt.Key.Key_Alt)
    QTest.keyRelease(window, Qt.Key.Key_Alt)
    assert not view.isVisible()  # the mouse is over no crop
    point(rows.viewport(), place.center())
    QTest.keyPress(window, Qt.Key.Key_Alt)
    assert view.isVisible()
    assert view.crop == crop
    assert not opened.pair_view.tip.isVisible()
    assert view.after == ("Hiding this place…", "Opening the model…")
    client.hiding_progressed.emit(8, 22)
    assert view.after == ("Hiding this place…", "8 of 22 predictions")
    subject, places, settings = client.asked[-1]
    assert (subject.name, places) == (crop.file, [(crop.x, crop.y)])
    assert subject.settings.sampling == "expected"  # as the atlas was built
    assert settings == HidingSettings()
    client.answer()
    assert view.before == ("Red knot", "90.9 %")
    assert view.after == ("Grey plover", "78.7 %")
    assert view.footer == (
        "The prediction changes; Red knot has 10.7 % left. "
        "Random patches of the same size change the prediction in 1 of 20 cases."
    )
    QTest.keyRelease(window, Qt.Key.Key_Alt)
    assert not view.isVisible()
    QTest.keyPress(window, Qt.Key.Key_Alt)
    assert view.after[0] == "Grey plover"  # at once
    # Another crop under the mouse is another question; beside all crops there is none.
    point(rows.viewport(), rows.crops_shown()[1][1].center())
    QTest.keyRelease(window, Qt.Key.Key_Alt)
    QTest.keyPress(window, Qt.Key.Key_Alt)
    assert len(client.asked) == 2
    point(rows.viewport(), QPoint(5, 5))
    assert not view.isVisible()
    QTest.keyRelease(window, Qt.Key.Key_Alt)
    assert client.models == [Path("model.safetensors")]


def test_the_menu_and_h_show_it_until_it_is_closed(opened: PartsPage, client: HidingClient, qtbot: QtBot) -> None:
    rows, view = opened.pair_view.rows, opened.hidden_view
    rows.setFocus()
    rows.step(1)
    qtbot.keyClick(rows, Qt.Key.Key_H)
    assert view.isVisible()
    assert not view.holds
    client.answer()
    assert view.before[0] == "Red knot"
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not view.isVisible()
    crop = rows.crops_shown()[0][0]
    menu = opened.crops.menu_of(crop)
    qtbot.addWidget(menu)
    menu.actions()[1].trigger()
    assert view.isVisible()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton)
    assert not view.isVisible()
    # Over the large photograph it is as large.
    qtbot.keyClick(rows, Qt.Key.Key_Space)
    large = opened.pair_view.large
    assert large.isVisible()
    qtbot.keyPress(large, Qt.Key.Key_Alt)
    assert view.size() == opened.size()
    qtbot.keyRelease(large, Qt.Key.Key_Alt)
    assert not view.isVisible()
    assert large.isVisible()
    assert len(client.asked) == 1


def test_a_new_question_drops_the_open_one_and_an_edit_changes_no_result(
    opened: PartsPage, client: HidingClient, qtbot: QtBot
) -> None:
    (first, _), (second, _), *_ = opened.pair_view.rows.crops_shown()
    opened.hidden.ask(first)
    opened.hidden.ask(second)
    assert (len(client.asked), client.stopped) == (2, 1)
    client.answer()
    opened.crops.move(second, 1)
    qtbot.waitUntil(lambda: opened.crops.part_of(second) == 1)
    assert opened.hidden.known(second).result is not None
    assert opened.hidden.known(first).result is None
    qtbot.waitUntil(opened.is_ready)


def test_without_the_atlas_model_it_is_said(opened: PartsPage, client: HidingClient, tmp_path: Path) -> None:
    view, (crop, place) = opened.hidden_view, opened.pair_view.rows.crops_shown()[0]
    for digest, how in (("0" * 16, "opened"), ("0" * 16, "hidden")):
        opened.hidden.stop()
        opened.crops.show_hidden(crop, QRect(place))
        if how == "opened":
            client.opened.emit(SimpleNamespace(digest=digest))
        else:
            client.answer(digest)
        assert view.after[1].startswith("This needs the atlas's model")
    opened.hidden.stop()
    opened.crops.show_hidden(crop, QRect(place))
    client.hiding_ended.emit(S3NError("There is no room for random places."))
    assert view.after == ("Not known", "There is no room for random places.")
    opened.crops.show_hidden(crop, QRect(place))  # it is tried again
    assert view.after[0] == "Hiding this place…"
    client.answer()
    assert view.after[0] == "Grey plover"
    (tmp_path / "model.safetensors").unlink()
    opened.crops.show_hidden(replace(crop, x=crop.x + 1), QRect(place))
    assert "no longer at model.safetensors" in view.after[1]
    opened.hidden.stop()
    opened.shut_down()
    assert client.closed


def test_the_model_is_opened_anew_for_another_precision_and_after_it_was_another_one(
    opened: PartsPage, client: HidingClient, settings: Settings
) -> None:
    crops = [crop for crop, _ in opened.pair_view.rows.crops_shown()[:4]]
    opened.hidden.ask(crops[0])
    client.answer(digest="another")
    assert "another one" in opened.hidden.known(crops[0]).message
    opened.hidden.ask(crops[0])
    client.answer()
    assert opened.hidden.known(crops[0]).result is not None
    opened.hidden.ask(crops[1])
    assert client.precisions == ["auto", "auto"]
    settings.set("precision", "float32")
    opened.hidden.ask(crops[2])
    assert client.precisions[-1] == "float32"


def test_the_engine_and_the_thumbnails_keep_to_the_settings(
    opened: PartsPage, client: HidingClient, settings: Settings
) -> None:
    opened.hidden.ask(opened.pair_view.rows.crops_shown()[0][0])
    settings.set("idle_minutes", 2)
    assert client.idle_seconds == [120]
    settings.set("thumbnail_cache_mb", 32)
    loaders = (opened.pair_view.thumbnails, opened.pair_view.large_images)
    assert [loader.cache_bytes for loader in loaders] == [32 * 2**20] * 2
