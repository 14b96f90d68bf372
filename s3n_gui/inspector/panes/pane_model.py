"""How each pane is shown: its kind, colours, opacity and overlays; and where the panes look. State with signals, no widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from PySide6.QtCore import QObject, Signal

from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY, PaletteName
from s3n_gui.inspector.panes.pane_kinds import KINDS, Kind, Plane
from s3n_gui.widgets.images.camera import Camera


class PaneModel(QObject):
    """One pane.

    Signals:
        changed: Something is shown otherwise.
    """

    changed = Signal()

    def __init__(self, kind: Kind, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kind: Kind = kind
        self.class_index: int | None = None
        self.palette: PaletteName = PALETTES[0]
        self.opacity = STANDARD_OPACITY
        self.peaks = kind in ("peaks", "response")
        self.grid = False

    def update(self, **changes: Any) -> None:
        """Set fields by name; emits once, and only if one of them is new."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        if changed:
            self.changed.emit()

    def to_dict(self) -> dict[str, Any]:
        """Return what is kept over restarts."""
        return {
            "kind": self.kind,
            "palette": self.palette,
            "opacity": self.opacity,
            "peaks": self.peaks,
            "grid": self.grid,
        }

    def restore(self, fields: Mapping[str, Any]) -> None:
        """Take what `to_dict` returned; what does not fit is left as it is."""
        valid: dict[str, Callable[[Any], bool]] = {
            "kind": lambda value: value in KINDS,
            "palette": lambda value: value in PALETTES,
            "opacity": lambda value: isinstance(value, (int, float)) and 0 <= value <= 1,
            "peaks": lambda value: isinstance(value, bool),
            "grid": lambda value: isinstance(value, bool),
        }
        self.update(**{name: fields[name] for name, fits in valid.items() if name in fields and fits(fields[name])})


class Cameras(QObject):
    """Where the panes of each plane look: those of one plane look at one place, the planes share how close.

    Signals:
        changed: The plane that looks elsewhere.
    """

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cameras: dict[Plane, Camera] = {plane: Camera() for plane in get_args(Plane)}

    def of(self, plane: Plane) -> Camera:
        """Return a plane's camera."""
        return self._cameras[plane]

    def look(self, plane: Plane, camera: Camera) -> None:
        """Look elsewhere in one plane."""
        if camera != self._cameras[plane]:
            self._cameras[plane] = camera
            self.changed.emit(plane)

    def reset(self) -> None:
        """Show everything whole."""
        for plane in self._cameras:
            self.look(plane, Camera())
