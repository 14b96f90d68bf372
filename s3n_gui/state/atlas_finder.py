"""Finds an atlas of the current model, so that pages can name the parts of peaks before the Parts page was shown."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from s3n_core.parts.atlas.sources import has_images_of
from s3n_gui.background.tasks import Tasks
from s3n_gui.state.opening import data_set_place
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

if TYPE_CHECKING:
    from s3n_core.datasets.records import DataSet

_log = logging.getLogger(__name__)


class AtlasFinder(QObject):
    """Keeps ``Session.model_atlas`` an atlas of ``Session.model``, whenever a model or a data set is opened.

    The open atlas comes first, then that of the data set, then the one that was open last with this model, then any that the
    window has made.

    Args:
        session: The session.
        settings: The precision of the window's own atlases.
        recent: The atlases that were open before.
        parent: Qt's owner.
    """

    def __init__(self, session: Session, settings: Settings, recent: RecentList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._recent = session, settings, recent
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_found)
        self._tasks.failed.connect(self._on_failed)
        session.model_changed.connect(self._look)
        session.data_set_changed.connect(self._look)
        session.atlas_changed.connect(self._on_atlas)

    @property
    def is_looking(self) -> bool:
        """Whether an atlas is still being looked for."""
        return self._tasks.is_open("atlas")

    def close(self) -> None:
        """Wait for the thread."""
        self._tasks.close()

    @Slot()
    def _look(self) -> None:
        session = self._session
        if session.model is None:
            self._tasks.forget("atlas")
            session.model_atlas = session.atlas
            return
        known = [folder for folder in (session.atlas, session.model_atlas) if folder is not None]
        known += [item.path for item in self._recent.items("atlas")]
        look = partial(
            _atlas_of,
            session.model,
            session.data_set,
            self._settings.precision,
            session.atlas,
            tuple(dict.fromkeys(known)),
        )
        self._tasks.run("atlas", look)

    @Slot(object)
    def _on_atlas(self, folder: Path | None) -> None:
        if folder is not None:  # one was opened meanwhile
            self._tasks.forget("atlas")

    @Slot(str, object)
    def _on_found(self, _: str, folder: Path | None) -> None:
        self._session.model_atlas = folder

    @Slot(str, object)
    def _on_failed(self, _: str, error: Exception) -> None:
        _log.info("no atlas was looked for: %s", error)  # the Parts page says what is wrong
        self._session.model_atlas = self._session.atlas


def _atlas_of(
    model: Path, data_set: DataSet | None, precision: str, opened: Path | None, known: Iterable[Path]
) -> Path | None:
    """Return the folder of the model's atlas; None if none is known.

    Args:
        model: The model file or the run's folder.
        data_set: The open data set.
        precision: Of the network's layers, for the window's own atlases.
        opened: The open atlas.
        known: Folders of atlases, of any models, the newest first.
    """
    # These load NumPy, not at the window's start.
    from s3n_gui.state.atlas_request import AtlasRequest
    from s3n_gui.state.atlas_search import atlases_of, look_for_atlas, own_atlases

    ours = dict(atlases_of(model, (*known, *own_atlases())))
    if opened in ours:
        return opened
    if data_set is not None:
        same = next((folder for folder, header in ours.items() if has_images_of(header, data_set.root)), None)
        if same is not None:
            return same
        found = look_for_atlas(
            AtlasRequest(model=model, images=data_set_place(data_set), precision=precision), data_set
        )
        if found.state == "finished":
            return found.request.folder
    return next(iter(ours), None)
