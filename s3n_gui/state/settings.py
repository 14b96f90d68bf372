"""The user's settings for the whole program: declared once with default and bounds, saved across restarts.

They are in a small versioned JSON file. Only values that differ from the default are written, so that better defaults
reach all users. A broken file is renamed and replaced, never fatal.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from PySide6.QtCore import QObject, Signal

from s3n_core.errors import S3NError
from s3n_core.models.device_names import DEVICES, PRECISIONS, PrecisionName
from s3n_core.runs.locations import home, runs_root
from s3n_core.system.atomic_files import write_json
from s3n_gui.appearance.tokens import LARGEST_FACTOR, SMALLEST_FACTOR, Mode

VERSION = 1

Value = str | int | float
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Setting:
    """The declaration of a setting.

    Attributes:
        name: Its key in the file.
        default: Its default, which also defines its type.
        choices: The allowed values of a text; empty allows any.
        lowest: The smallest allowed number.
        highest: The largest allowed number.
    """

    name: str
    default: Value
    choices: tuple[str, ...] = ()
    lowest: float = 0
    highest: float = 0

    def accepts(self, value: object) -> bool:
        """Return whether ``value`` has the setting's type and is within its bounds."""
        if isinstance(self.default, str):
            return isinstance(value, str) and (not self.choices or value in self.choices)
        if isinstance(value, bool) or not isinstance(value, int if isinstance(self.default, int) else int | float):
            return False
        return self.lowest <= value <= self.highest


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("theme", "system", choices=get_args(Mode)),
        Setting("font_factor", 1.0, lowest=SMALLEST_FACTOR, highest=LARGEST_FACTOR),
        Setting("device", "auto", choices=DEVICES),
        Setting("precision", "auto", choices=PRECISIONS),
        Setting("thumbnail_cache_mb", 128, lowest=16, highest=2048),
        Setting("idle_minutes", 5, lowest=1, highest=240),
        Setting("runs_folder", ""),
    )
}
"""All settings by name."""


class Settings(QObject):
    """The values of all settings; setting one writes the file. Setting an equal value does nothing.

    Signals:
        changed: The name of the setting whose value changed.
        failed: A sentence: the file could not be written; the value applies until the program ends.
        saved: The file has been written.
    """

    changed = Signal(str)
    failed = Signal(str)
    saved = Signal()

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path if path is not None else settings_path()
        self.notice = ""
        """A sentence about a broken file that was replaced; empty if there was none."""
        self._values: dict[str, Value] = {}
        self._unknown: dict[str, Any] = {}
        self._read()

    @property
    def theme(self) -> Mode:
        """The theme: "light", "dark", or "system" to follow the desktop."""
        return self.value("theme")  # type: ignore[no-any-return]

    @property
    def font_factor(self) -> float:
        """The scale factor of all text, in [0.8, 1.6]."""
        return float(self.value("font_factor"))

    @property
    def device(self) -> str:
        """The device of the engine: "auto", "cpu", "cuda" or "mps"."""
        return str(self.value("device"))

    @property
    def precision(self) -> PrecisionName:
        """The precision of the network's layers, one of `PRECISIONS`."""
        return self.value("precision")  # type: ignore[no-any-return]

    @property
    def thumbnail_cache_mb(self) -> int:
        """The size of the thumbnail cache, in MB."""
        return int(self.value("thumbnail_cache_mb"))

    @property
    def idle_minutes(self) -> int:
        """Minutes without a request after which the engine unloads the model and frees the graphics memory."""
        return int(self.value("idle_minutes"))

    @property
    def runs_root(self) -> Path:
        """The runs folder, which contains all run folders; it need not exist."""
        chosen = str(self.value("runs_folder"))
        return runs_root(Path(chosen) if chosen else None)

    def value(self, name: str) -> Any:
        """Return a setting's value by its name."""
        return self._values.get(name, SETTINGS[name].default)

    def set(self, name: str, value: Value) -> None:
        """Set a value and write the file.

        Args:
            name: A key of ``SETTINGS``.
            value: A value of the setting's type, within its bounds.

        Raises:
            ValueError: The value is not allowed; that is a bug, since the controls know the bounds.
        """
        setting = SETTINGS[name]
        if not setting.accepts(value):
            raise ValueError(f"{name} cannot be {value!r}")
        if value == self.value(name):
            return
        if value == setting.default:
            self._values.pop(name, None)
        else:
            self._values[name] = value
        self._write()
        self.changed.emit(name)

    def reset(self) -> None:
        """Reset all settings to their defaults."""
        changed, self._values, self._unknown = list(self._values), {}, {}
        self._write()
        for name in changed:
            self.changed.emit(name)

    def _read(self) -> None:
        try:
            content = json.loads(self.path.read_bytes())
            version, values = content["version"], content["values"]
            if not isinstance(version, int) or not isinstance(values, dict):
                raise ValueError("it is not a settings file")
        except FileNotFoundError:
            return
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            self._put_aside(error)
            return
        for name, value in values.items():
            if name in SETTINGS and SETTINGS[name].accepts(value):
                self._values[name] = value
            elif name not in SETTINGS and version > VERSION:
                self._unknown[name] = value  # From a newer version of the program: written back unchanged.
            else:
                _log.warning("the setting %s=%r is not known and was dropped", name, value)

    def _put_aside(self, error: Exception) -> None:
        aside = self.path.with_name(f"{self.path.stem}.broken.json")
        with suppress(OSError):
            self.path.replace(aside)
        _log.warning("the settings file %s could not be read (%s)", self.path, error)
        self.notice = (
            f"The settings in {self.path} could not be read and were reset; the old file was renamed to {aside.name}."
        )

    def _write(self) -> None:
        version = VERSION if not self._unknown else VERSION + 1
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, {"version": version, "values": {**self._unknown, **self._values}})
            self.saved.emit()
        except (OSError, S3NError) as error:
            _log.warning("the settings file %s could not be written (%s)", self.path, error)
            self.failed.emit(f"The settings could not be saved: {error}")


def settings_path() -> Path:
    """Return the path of the settings file, in the program's own folder."""
    return home() / "window" / "settings.json"


def forget_all() -> None:
    """Delete the settings, the window layout and the recent items, for ``--reset-settings``; runs are not touched."""
    folder = settings_path().parent
    for name in ("settings.json", "settings.broken.json", "places.json", "recent.json"):
        with suppress(OSError):
            (folder / name).unlink()
