"""Where the user left off: page, data set, image and model, kept across restarts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_gui.state.session import Session
from s3n_gui.state.window_layout import WindowLayout

_KEY = "last-place"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPlace:
    """A state of the session.

    Attributes:
        page: The name of the page.
        moment: When it was left, in Unix seconds.
        data: The data set's folder, or None.
        format: The format that it was read as; "auto" if unknown.
        image: The image, or None.
        model: The model, or None.
        run: The run, or None.
    """

    page: str
    moment: float
    data: Path | None = None
    format: str = "auto"
    image: Path | None = None
    model: Path | None = None
    run: Path | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to continue with."""
        return self.data is None and self.image is None and self.model is None and self.run is None


class LastPlaces:
    """Knows where the last session ended, and keeps where this one is."""

    def __init__(self, session: Session, layout: WindowLayout) -> None:
        self._session, self._layout = session, layout
        self._page = ""
        self.before = _read(layout.get(_KEY))
        """Where the last session ended; None if nothing was open."""

    def show_page(self, page: str) -> None:
        """Remember the page; the Start page is not a place to continue from."""
        if page != "start":
            self._page = page

    def keep(self) -> None:
        """Put the present place into the layout, unless nothing is open."""
        session = self._session
        data_set = session.data_set
        paths = {
            "data": None if data_set is None else data_set.root,
            "image": session.image,
            "model": session.model,
            "run": session.run,
        }
        if any(path is not None for path in paths.values()):
            place = {name: str(path) for name, path in paths.items() if path is not None}
            place |= {"format": "auto" if data_set is None else data_set.format, "page": self._page or "data"}
            self._layout.keep(_KEY, {**place, "moment": time.time()})


def _read(kept: object) -> LastPlace | None:
    """Read a kept place; what is missing on the disk or has another type is left out."""
    if not isinstance(kept, Mapping):
        return None
    moment, page, format = kept.get("moment"), kept.get("page"), kept.get("format")
    place = LastPlace(
        page=page if isinstance(page, str) else "data",
        moment=float(moment) if isinstance(moment, int | float) else 0.0,
        format=format if isinstance(format, str) else "auto",
        data=_path(kept, "data"),
        image=_path(kept, "image"),
        model=_path(kept, "model"),
        run=_path(kept, "run"),
    )
    return None if place.is_empty else place


def _path(kept: Mapping[str, Any], name: str) -> Path | None:
    value = kept.get(name)
    try:
        return Path(value) if isinstance(value, str) and value and Path(value).exists() else None
    except (OSError, ValueError):
        return None
