"""Images of one colour."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QColor, QImage


def draw(path: Path, shade: int, size: tuple[int, int] = (40, 30)) -> None:
    """Write an image of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(QColor.fromHsv(shade * 37 % 360, 120 + shade % 100, 200))
    assert image.save(str(path))
