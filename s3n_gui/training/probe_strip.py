"""The strip of probe images: each with its peaks, D image and C image, at the epoch of the slider."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSlider, QToolButton, QVBoxLayout, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_gui.appearance.theme import number_font, px, set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.appearance.wording import percent_text, tip_text
from s3n_gui.training.snapshot_store import Probe, SnapshotStore
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.images.image_ground import draw_ground
from s3n_gui.widgets.images.marks import Marks, PeakMark, draw_marks

_LEAST, _LARGEST = 200, 300
"""Sides of an image, in pixels at normal text size: so large that all rows are visible, within these limits; the files are not
finer, and smaller images may fill the width."""
_WORDS_HEIGHT = 40


class ProbeStrip(QFrame):
    """Shows a run's snapshots; while the slider is at its end, it follows new epochs.

    Signals:
        animation_asked: Save the snapshots as an animation.
    """

    animation_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("What the network looks at")
        self.store = SnapshotStore(self)
        self.store.ready.connect(self._on_ready)
        title = QLabel("What it looks at")
        title.setProperty("role", "section")
        self.epoch = QLabel()
        self.epoch.setProperty("role", "quiet")
        self.save = QToolButton()
        set_icon(self.save, "save")
        self.save.setToolTip("Save the images of all epochs as an animation (GIF)")
        self.save.setAccessibleName("Save as animation")
        self.save.clicked.connect(self.animation_asked)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Epoch of the images")
        self.slider.setToolTip("Choose an epoch; at the right end, new epochs appear automatically")
        self.slider.valueChanged.connect(self._on_slider)
        self.empty = QLabel("After the first epoch, this shows where the network looks in some images.")
        self.empty.setProperty("role", "quiet")
        self.empty.setWordWrap(True)
        self._heads = QWidget()
        heads = QHBoxLayout(self._heads)
        heads.setContentsMargins(0, 0, 0, 0)
        heads.setSpacing(6)
        for text, tip in (
            ("Peaks", "Filled: strong evidence, enlarged in D. Ring: supporting evidence, enlarged in C."),
            ("D image", "The image with the strong evidence enlarged"),
            ("C image", "The image with the supporting evidence enlarged"),
        ):
            head = QLabel(text)
            head.setProperty("role", "caption")
            head.setToolTip(tip)
            heads.addWidget(head, 1)
        self.rows: list[ProbeRow] = []
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self._column.addStretch(1)
        scroll = self._scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        slider_row = QHBoxLayout()
        slider_row.setSpacing(INSIDE_GROUP)
        slider_row.addWidget(self.slider, 1)
        slider_row.addWidget(self.epoch)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 8, 12, 8)
        whole.setSpacing(INSIDE_GROUP)
        title_row = QHBoxLayout()
        title_row.addWidget(title, 1)
        title_row.addWidget(self.save)
        whole.addLayout(title_row)
        whole.addLayout(slider_row)
        whole.addWidget(self._heads)
        whole.addWidget(self.empty)
        whole.addWidget(scroll, 1)
        theme().changed.connect(self._fit)
        self._fit()
        self._show_slider()

    def show_run(self, run: Path | None) -> None:
        """Show another run."""
        self.store.show_run(run)
        for row in self.rows:
            row.hide()
        self._show_slider()

    def add_names(self, names: Iterable[str]) -> None:
        """Add names of new files in the run's ``snapshots/``."""
        before = self.store.epochs
        at_end = not before or self.slider.value() >= self.slider.maximum()
        self.store.add_names(names)
        epochs = self.store.epochs
        if not epochs:
            return
        self._show_slider()
        if at_end or not before:
            self.slider.setValue(len(epochs) - 1)
        if not before:
            self._ask()

    def _show_slider(self) -> None:
        epochs = self.store.epochs
        self.slider.setRange(0, max(0, len(epochs) - 1))
        self.slider.setEnabled(len(epochs) > 1)
        self.save.setEnabled(bool(epochs))
        self.empty.setVisible(not epochs)
        self._heads.setVisible(bool(epochs))
        if not epochs:
            self.epoch.setText("")

    def _on_slider(self) -> None:
        self._ask()

    def _ask(self) -> None:
        epochs = self.store.epochs
        if epochs:
            self.store.ask(epochs[min(self.slider.value(), len(epochs) - 1)])

    def _on_ready(self, epoch: int, probes: tuple[Probe, ...]) -> None:
        self.epoch.setText(f"after epoch {epoch + 1}")
        while len(self.rows) < len(probes):
            self.rows.append(ProbeRow())
            self._column.insertWidget(len(self.rows) - 1, self.rows[-1])
        for row, probe in zip(self.rows, probes, strict=False):
            row.show_probe(probe)
            row.show()
        for row in self.rows[len(probes) :]:
            row.hide()
        self._size_pictures()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Size the images so that all rows fit where there is room."""
        super().resizeEvent(event)
        self._size_pictures()

    def _size_pictures(self) -> None:
        rows = sum(not row.isHidden() for row in self.rows)
        side = self._scroll.viewport().height() // max(rows, 1) - px(_WORDS_HEIGHT)
        for row in self.rows:
            for picture in row.pictures:
                picture.set_most(min(max(side, px(_LEAST)), px(_LARGEST)))

    def _fit(self) -> None:
        self.epoch.setFont(number_font("body"))
        self._size_pictures()


class ProbeRow(QWidget):
    """One probe image: three images and the network's prediction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pictures = (_Picture("Peaks"), _Picture("D image"), _Picture("C image"))
        self.mark = QLabel()
        self.words = ElidedLabel()
        self.words.setProperty("role", "caption")
        row = QHBoxLayout()
        row.setSpacing(6)
        for picture in self.pictures:
            row.addWidget(picture, 1)
        said = QHBoxLayout()
        said.setSpacing(6)
        said.addWidget(self.mark)
        said.addWidget(self.words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addLayout(said)

    def show_probe(self, probe: Probe) -> None:
        """Show a probe."""
        entry = probe.entry
        peaks = tuple(_peak(index, peak) for index, peak in enumerate(entry.get("peaks") or []))
        self.pictures[0].show_picture(probe.view, peaks)
        self.pictures[1].show_picture(probe.discriminative)
        self.pictures[2].show_picture(probe.complementary)
        true, said = entry.get("class"), (entry.get("predictions") or {}).get("joint")
        answer = said if isinstance(said, list) and len(said) == 2 else None
        self.mark.setVisible(answer is not None and true is not None)
        text = "" if answer is None else f"{displayed_class(str(answer[0]))} {percent_text(float(answer[1]))}"
        label = "" if true is None else displayed_class(str(true))
        right = answer is not None and answer[0] == true
        set_icon(self.mark, "check" if right else "close", colour=tokens().good if right else tokens().bad)
        self.words.setText(f"{text}, is {label}" if text and label and not right else text)
        known = f"; it is {label}" if label else ""
        self.words.setToolTip(tip_text(f"{entry.get('image', '')}\nThe network says {text}{known}." if text else ""))
        self.pictures[0].setAccessibleDescription(f"{len(peaks)} peaks; {self.words.text()}")


class _Picture(QWidget):
    """A square image with rounded corners and peaks."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._image = QImage()
        self._marks = Marks()
        self._most = px(_LARGEST)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_picture(self, image: QImage, peaks: tuple[PeakMark, ...] = ()) -> None:
        self._image, self._marks = image, Marks(peaks=peaks)
        self.update()

    def set_most(self, side: int) -> None:
        if side != self._most:
            self._most = side
            self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(width, self._most)

    def sizeHint(self) -> QSize:
        return QSize(px(84), px(84))

    def paintEvent(self, event: QPaintEvent) -> None:
        side = min(self.width(), self.height())
        area = QRectF(0, 0, side, side)
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setClipPath(draw_ground(painter, area))
        if not self._image.isNull():
            painter.drawImage(area, self._image)

        def to_screen(places: NDArray[np.floating]) -> NDArray[np.float64]:
            return np.asarray(places, dtype=np.float64) * side

        draw_marks(painter, self._marks, to_screen, side)
        painter.end()


def _peak(index: int, peak: dict[str, Any]) -> PeakMark:
    return PeakMark(
        key=(index, 0),
        x=float(peak.get("x", 0.0)),
        y=float(peak.get("y", 0.0)),
        strength=float(peak.get("response", 0.0)),
        weight_d=float(peak.get("weight_d", 0.0)),
        weight_c=float(peak.get("weight_c", 0.0)),
    )
