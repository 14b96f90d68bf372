"""The display state of the panes: kind, colours, opacity, overlays and cameras. Signals, no widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from PySide6.QtCore import QObject, Signal

from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY, PaletteName
from s3n_gui.inspector.panes.pane_kinds import KINDS, Kind, Plane
from s3n_gui.widgets.images.camera import Camera


class PaneModel(QObject):
    """The display state of one pane.

    Signals:
        changed: A field has changed.
    """

    changed = Signal()

    def __init__(self, kind: Kind, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kind: Kind = kind
        self.class_name: str | None = None
        """The class of a class map; None for the predicted class. Not its index: models that share a pane may number
        their classes differently."""
        self.palette: PaletteName = PALETTES[0]
        self.opacity = STANDARD_OPACITY
        self.peaks = kind in ("peaks", "response")
        self.grid = False
        self.annotations = kind == "peaks"

    def update(self, **changes: Any) -> None:
        """Set fields by name; emit once, and only if a value has changed."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        if changed:
            self.changed.emit()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that persist across restarts."""
        return {
            "kind": self.kind,
            "palette": self.palette,
            "opacity": self.opacity,
            "peaks": self.peaks,
            "grid": self.grid,
            "annotations": self.annotations,
        }

    def restore(self, fields: Mapping[str, Any]) -> None:
        """Restore the result of `to_dict`; invalid fields are ignored."""
        valid: dict[str, Callable[[Any], bool]] = {
            "kind": lambda value: value in KINDS,
            "palette": lambda value: value in PALETTES,
            "opacity": lambda value: isinstance(value, (int, float)) and 0 <= value <= 1,
            "peaks": lambda value: isinstance(value, bool),
            "grid": lambda value: isinstance(value, bool),
            "annotations": lambda value: isinstance(value, bool),
        }
        self.update(**{name: fields[name] for name, fits in valid.items() if name in fields and fits(fields[name])})


class Cameras(QObject):
    """The cameras of the planes: panes of one plane share the view, and all planes share the zoom.

    Signals:
        changed: The plane whose camera has moved.
    """

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cameras: dict[Plane, Camera] = {plane: Camera() for plane in get_args(Plane)}

    def of(self, plane: Plane) -> Camera:
        """Return a plane's camera."""
        return self._cameras[plane]

    def look(self, plane: Plane, camera: Camera) -> None:
        """Move the camera of one plane."""
        if camera != self._cameras[plane]:
            self._cameras[plane] = camera
            self.changed.emit(plane)

    def reset(self) -> None:
        """Fit all planes into view."""
        for plane in self._cameras:
            self.look(plane, Camera())
