"""What the model predicts when the place of a crop is hidden: computed by the engine, once a crop."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, Signal

from s3n_core.errors import S3NError
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method.configuration import Sampling
from s3n_core.server.codec import OpenedModel
from s3n_core.server.requests import Subject
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.crop import Crop
from s3n_gui.state.settings import Settings

_KEPT = 48
_OTHER_MODEL = "This needs the atlas's model; the file in its place is another one."

_Key = tuple[str, float, float]


@dataclass(frozen=True)
class HiddenCrop:
    """What is known of a crop whose place is hidden.

    Attributes:
        result: The result; None while there is none.
        steps: Numbers of images done and in total while it is computed; (0, 0) at the start, None if it is not.
        message: Why there is none; otherwise empty.
    """

    result: HiddenPlace | None = None
    steps: tuple[int, int] | None = None
    message: str = ""


class HiddenPlaces(QObject):
    """Hides the places of crops, one at a time, as a comparison of two classes hides parts.

    The engine starts with the first question, and unloads the model after the time without a question that the settings name.

    Signals:
        changed: There is more to say of the crop that was asked for last.

    Args:
        settings: The user's settings.
        make_client: Makes an engine client.
        atlas_model: Returns the model file or run of the open atlas.
    """

    changed = Signal()

    def __init__(
        self,
        settings: Settings,
        make_client: Callable[[], EngineClient],
        atlas_model: Callable[[], Path],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings, self._make_client, self._atlas_model = settings, make_client, atlas_model
        self._client: EngineClient | None = None
        self._content: AtlasContent | None = None
        self._kept: OrderedDict[_Key, HiddenPlace] = OrderedDict()
        self._opened: tuple[Path, str, str] | None = None
        self._asked: _Key | None = None
        self._subject: Subject | None = None
        self._steps: tuple[int, int] | None = None
        self._message = ""
        settings.changed.connect(self._on_setting)

    def show_content(self, content: AtlasContent | None) -> None:
        """Hide places of another atlas, or of the same after an edit, which changes no result."""
        same = content is not None and self._content is not None and content.atlas.path == self._content.atlas.path
        self._content = content
        if not same:
            self._opened = None
            self.stop()
            self._kept.clear()

    def ask(self, crop: Crop) -> HiddenCrop:
        """Return what is known of a crop; what is not is computed, and an earlier question that is still open is dropped.

        What could not be computed before is tried again.
        """
        key = _key(crop)
        if key not in self._kept and (key != self._asked or self._message):
            self.stop()
            self._start(crop, key)
        return self.known(crop)

    def known(self, crop: Crop) -> HiddenCrop:
        """Return what is known of a crop, and compute nothing."""
        key = _key(crop)
        if key in self._kept:
            self._kept.move_to_end(key)
            return HiddenCrop(result=self._kept[key])
        return HiddenCrop(steps=self._steps, message=self._message) if key == self._asked else HiddenCrop()

    def stop(self) -> None:
        """Drop the question that is still open."""
        running, self._asked, self._steps, self._message = self._steps is not None, None, None, ""
        self._subject = None
        if running and self._client is not None:
            self._client.stop_hiding()

    def close(self) -> None:
        """End the engine."""
        if self._client is not None:
            self._client.close()

    def _start(self, crop: Crop, key: _Key) -> None:
        content = self._content
        if content is None:
            return
        self._asked = key
        model = self._atlas_model()
        if not model.exists():
            self._message = f"This needs the atlas's model, which is no longer at {model}."
            return
        if not content.path_of(crop.file).exists():
            self._message = f"The image is no longer at {content.path_of(crop.file)}."
            return
        client = self._engine()
        wanted = model, self._settings.device, self._settings.precision
        if self._opened != wanted:
            self._opened = wanted
            client.open_model(*wanted)
        record = content.records.get(crop.file)
        as_built = InspectionSettings(sampling=cast("Sampling", content.atlas.collection.mode))
        self._subject = Subject(image=content.path_of(crop.file), name=crop.file, settings=as_built)
        self._steps = 0, 0
        box = None if record is None else record.box
        client.hide_places(self._subject, [(crop.x, crop.y)], HidingSettings(), box=box)

    def _engine(self) -> EngineClient:
        if self._client is None:
            self._client = client = self._make_client()
            client.setParent(self)
            client.opened.connect(self._on_opened)
            client.hiding_progressed.connect(self._on_progressed)
            client.places_hidden.connect(self._on_hidden)
            client.hiding_ended.connect(self._on_ended)
            client.failed.connect(self._on_failed)
        return self._client

    def _on_setting(self, name: str) -> None:
        if name == "idle_minutes" and self._client is not None:
            self._client.set_idle_seconds(60 * self._settings.idle_minutes)

    def _on_opened(self, model: OpenedModel) -> None:
        if self._steps is not None and not self._is_atlas_model(model.digest):
            self._opened = None  # the right one may be there with the next question
            self._end(_OTHER_MODEL)
            if self._client is not None:
                self._client.stop_hiding()

    def _on_progressed(self, done: int, total: int) -> None:
        if self._steps is not None:
            self._steps = done, total
            self.changed.emit()

    def _on_hidden(self, hidden: tuple[HiddenPlace, ...], subject: Subject) -> None:
        if self._asked is None or subject != self._subject:
            return
        if not self._is_atlas_model(hidden[0].model_digest):
            self._opened = None
            self._end(_OTHER_MODEL)
            return
        self._kept[self._asked] = hidden[0]
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self._end("")

    def _on_ended(self, error: S3NError | None) -> None:
        if self._steps is not None and error is not None:
            self._end(str(error))

    def _on_failed(self, error: S3NError, subject: Subject | None) -> None:
        self._opened = None  # the model is opened again with the next question
        if self._steps is not None:
            self._end(str(error))

    def _is_atlas_model(self, digest: str) -> bool:
        return self._content is not None and digest == self._content.atlas.collection.model

    def _end(self, message: str) -> None:
        self._steps, self._message, self._subject = None, message, None
        self.changed.emit()


def _key(crop: Crop) -> _Key:
    return crop.file, crop.x, crop.y
