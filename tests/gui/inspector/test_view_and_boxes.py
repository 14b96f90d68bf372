"""The Inspect page says what the network sees, how fine its places are, and which peaks lie outside the box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inspect_page import client, shown_page
from made_inspection import FakeClient, data_set
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import Box, Part
from s3n_gui.appearance.tokens import ANNOTATION
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.images.marks import Marks, PeakMark, draw_marks

BOX = Box(x=150, y=0, width=150, height=100)  # around the first peak of `made_inspection`, not around the second


class CroppingClient(FakeClient):
    """Replies as a model that sees the middle of each image."""

    def inspection(self, subject=None):
        name = (subject or self.asked[-1]).image.name
        self.saying.setdefault(name, {"box": (45.0, 30.0, 255.0, 170.0)})
        return super().inspection(subject)


@pytest.fixture
def page(themed: QApplication, qtbot: QtBot, session: Session, settings: Settings) -> Iterator[InspectPage]:
    with shown_page(session, settings, CroppingClient) as made:
        yield made


def show(page: InspectPage, session: Session, folder: Path, *, boxes: bool) -> None:
    images = data_set(folder)
    if boxes:
        parts = (Part(name="beak", x=200, y=50),)
        images = replace(images, records=tuple(replace(one, box=BOX, parts=parts) for one in images.records))
    session.model = folder / "model.safetensors"
    session.data_set = images
    client(page).answer()
    QApplication.processEvents()


def amber(page: InspectPage) -> int:
    """The number of pixels of the first pane in the colour of boxes and key points."""
    image = page.panes.panes[0].view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.asarray(image.constBits()).reshape(image.height(), image.width(), 4)[..., 2::-1].astype(int)
    wanted = np.array(QColor(ANNOTATION).getRgb()[:3])
    return int((np.abs(pixels - wanted).max(axis=2) < 16).sum())


def test_the_crop_and_the_accuracy_of_places_stand_beside_the_image(
    page: InspectPage, session: Session, tmp_path: Path
) -> None:
    show(page, session, tmp_path, boxes=False)
    said = page.side.answer.view
    assert said.isVisible()
    assert said.text().startswith("The network sees this crop: 49 % of the image. Places are accurate to about 1/")
    assert said.property("state") == "caution"  # 2 × 2 cells
    assert said.text().endswith("train with a larger image size.")


def test_boxes_are_shown_where_the_data_set_has_them_and_can_be_hidden(
    page: InspectPage, session: Session, tmp_path: Path
) -> None:
    show(page, session, tmp_path, boxes=True)
    key = page.panes.panes[0].footer.key
    assert page.toolbar.annotations.isVisible()
    assert page.toolbar.annotations.isChecked()
    assert key.accessibleName().startswith("1 outside the box")
    assert amber(page) > 20
    page.commands()["inspect-annotations"]()
    assert not any(model.annotations for model in page.panes.models)
    assert amber(page) == 0
    page.commands()["inspect-annotations"]()
    assert amber(page) > 20


def test_without_boxes_there_is_nothing_to_show(page: InspectPage, session: Session, tmp_path: Path) -> None:
    show(page, session, tmp_path, boxes=False)
    assert not page.toolbar.annotations.isVisible()
    assert "outside" not in page.panes.panes[0].footer.key.accessibleName()
    assert amber(page) == 0


def test_the_boxes_of_the_last_image_are_not_drawn_on_the_next(
    page: InspectPage, session: Session, tmp_path: Path
) -> None:
    show(page, session, tmp_path, boxes=True)
    assert session.data_set is not None
    session.image = session.data_set.records[1].path  # its inspection has not arrived
    QApplication.processEvents()
    page.state.set_annotation(replace(page.state.annotation, parts=()))
    assert amber(page) == 0
    client(page).answer()
    assert amber(page) > 20


def painted(marks: Marks) -> np.ndarray:
    image = QImage(300, 300, QImage.Format.Format_RGB32)
    image.fill(QColor("#808080"))
    painter = QPainter(image)
    draw_marks(painter, marks, lambda places: np.asarray(places, dtype=np.float64), 300)
    painter.end()
    return np.asarray(image.constBits()).reshape(300, 300, 4)[..., :3].copy()


def test_a_peak_outside_the_box_has_an_open_diamond(themed: QApplication) -> None:
    peak = PeakMark(key=(0, 0), x=150, y=150, strength=1.0, weight_d=1.0, weight_c=0.0)
    changed = (painted(Marks(peaks=(peak,))) != painted(Marks(peaks=(replace(peak, outside=True),)))).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert len(rows)
    away = np.abs(rows - 150) + np.abs(columns - 150)
    assert away.max() < 25
    assert not changed[150, 150]  # the disc itself stays


def test_the_label_of_the_crop_shrinks_with_the_image(themed: QApplication) -> None:
    labels = ("the network sees this crop: 56 % of the image", "crop: 56 %")
    whole = QRectF(0, 0, 300, 300)
    for seen, most in ((QRectF(20, 20, 260, 230), 300), (QRectF(100, 100, 80, 80), 300), (QRectF(140, 40, 9, 255), 9)):
        with_label = Marks(whole=whole, seen=seen, labels=labels)
        changed = (painted(with_label) != painted(replace(with_label, labels=()))).any(axis=2)
        columns = np.nonzero(changed)[1]
        assert len(columns) == 0 or np.ptp(columns) < most
        assert (len(columns) > 0) is (most > 9)
