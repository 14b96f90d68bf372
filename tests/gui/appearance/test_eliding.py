"""Names are shortened so that what tells them apart stays."""

from __future__ import annotations

import unicodedata

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import font

NAMES = [f"expedition_north_2024_camera_07_frame_{number:06}.jpeg" for number in (17, 18)]


def test_the_end_and_the_suffix_stay(themed: QApplication) -> None:
    metrics = QFontMetrics(font("body"))
    room = metrics.horizontalAdvance("expedition_nort…_000017.jpeg")
    first, second = (elided_name(name, metrics, room) for name in NAMES)
    assert first.endswith("000017.jpeg")
    assert second.endswith("000018.jpeg")
    assert first.startswith("exp")
    assert metrics.horizontalAdvance(first) <= room


def test_every_width_fits_and_a_name_with_room_is_whole(themed: QApplication) -> None:
    metrics = QFontMetrics(font("body"))
    full = metrics.horizontalAdvance(NAMES[0])
    assert elided_name(NAMES[0], metrics, full) == NAMES[0]
    shown = [elided_name(NAMES[0], metrics, width) for width in range(metrics.horizontalAdvance("…"), full, 7)]
    assert all(
        metrics.horizontalAdvance(text) <= width
        for text, width in zip(shown, range(metrics.horizontalAdvance("…"), full, 7), strict=True)
    )
    assert [len(text) for text in shown] == sorted(len(text) for text in shown)
    assert elided_name(NAMES[0], metrics, 0) == "…"


def test_an_accent_never_stands_without_its_letter(themed: QApplication) -> None:
    metrics, name = QFontMetrics(font("body")), unicodedata.normalize("NFD", "é" * 30 + ".png")
    for width in range(0, metrics.horizontalAdvance(name), 5):
        end = elided_name(name, metrics, width).partition("…")[2]
        assert not end or not unicodedata.combining(end[0])
