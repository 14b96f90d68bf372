"""The mouse on an image: a hand that trembles clicks, and what is dragged stays under the mouse as it was grabbed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from s3n_gui.widgets.images.image_pyramid import ImagePyramid
from s3n_gui.widgets.images.image_view import ImageView
from s3n_gui.widgets.images.marks import Marks, PeakMark

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
PEAK = QPoint(100, 60)


@pytest.fixture
def view(themed: QApplication, qtbot: QtBot) -> Iterator[ImageView]:
    """A view that shows an image pixel by pixel, with one peak."""
    holder = QWidget()  # pyqtgraph's views do not survive that they are closed themselves
    qtbot.addWidget(holder)
    made = ImageView(holder)
    made.resize(300, 200)
    holder.resize(300, 200)
    holder.show()
    made.set_picture(ImagePyramid(np.zeros((200, 300, 3), np.uint8)), QRectF(0, 0, 300, 200))
    made.set_marks(
        Marks(peaks=(PeakMark(key=(1, 2), x=PEAK.x(), y=PEAK.y(), strength=0.5, weight_d=1.0, weight_c=0.0),))
    )
    made.set_peaks_draggable(True)
    yield made
    holder.close()


def drag(view: ImageView, *places: QPoint) -> list[str]:
    """Press at the first place, move over the others and release; return which signals were emitted."""
    heard = list[str]()
    for name in ("pressed", "peak_pressed", "peak_dragged", "peak_dropped", "camera_changed"):
        getattr(view, name).connect(lambda *_, name=name: heard.append(name))
    QTest.mousePress(view.viewport(), LEFT, NONE, places[0])
    for place in places[1:]:
        at = QPointF(place)
        event = QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), Qt.MouseButton.NoButton, LEFT, NONE)
        QApplication.sendEvent(view.viewport(), event)
    QTest.mouseRelease(view.viewport(), LEFT, NONE, places[-1])
    return heard


def test_a_click_that_trembles_is_a_click(view: ImageView) -> None:
    assert drag(view, PEAK, PEAK + QPoint(1, 0), PEAK + QPoint(1, 1)) == ["peak_pressed"]
    view.zoom_by(2.0)
    ground = QPoint(20, 150)
    assert drag(view, ground, ground + QPoint(0, 2)) == ["pressed"]


def test_a_dragged_peak_stays_where_it_was_grabbed(view: ImageView) -> None:
    places = list[QPointF]()
    view.peak_dragged.connect(lambda key, place: places.append(place))
    grabbed = PEAK + QPoint(3, -2)
    assert drag(view, grabbed, grabbed + QPoint(30, 0), grabbed + QPoint(31, 0)) == [
        "peak_pressed",
        "peak_dragged",
        "peak_dragged",
        "peak_dropped",
    ]
    assert (places[-1].x(), places[-1].y()) == pytest.approx((PEAK.x() + 31, PEAK.y()))
    # Back to where it came from is a drag, too.
    assert drag(view, PEAK, PEAK + QPoint(30, 0), PEAK)[-1] == "peak_dropped"
    assert (places[-1].x(), places[-1].y()) == pytest.approx((PEAK.x(), PEAK.y()))


def test_a_panned_image_stays_under_the_mouse(view: ImageView) -> None:
    view.zoom_by(2.0)
    start, end = QPoint(40, 160), QPoint(60, 140)
    before = view.to_picture(QPointF(start))
    heard = drag(view, start, QPoint(42, 160), end)
    assert set(heard) == {"camera_changed"}  # and no click
    after = view.to_picture(QPointF(end))
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()))
