"""Going from crop to crop with the keys, in lines of crops."""

from __future__ import annotations

from PySide6.QtCore import Qt


class CropCursor:
    """The crop that the keys have reached, by its index."""

    def __init__(self) -> None:
        self.at = 0

    def take(self, key: int, count: int, columns: int) -> bool:
        """Move with an arrow key, Home or End; return whether the key is one of these.

        Args:
            key: The key.
            count: Number of crops.
            columns: Crops in a line.
        """
        last = max(count - 1, 0)
        match key:
            case Qt.Key.Key_Left:
                wanted = self.at - 1
            case Qt.Key.Key_Right:
                wanted = self.at + 1
            case Qt.Key.Key_Up:
                wanted = self.at - columns if self.at >= columns else self.at
            case Qt.Key.Key_Down:
                wanted = self.at + columns if self.at + columns <= last else self.at
            case Qt.Key.Key_Home:
                wanted = 0
            case Qt.Key.Key_End:
                wanted = last
            case _:
                return False
        self.at = min(max(wanted, 0), last)
        return True
