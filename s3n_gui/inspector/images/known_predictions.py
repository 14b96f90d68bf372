"""The predictions that the page knows from a table: the Predict page's own, or one that the user opens."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from s3n_core.runs.model_paths import after_rename
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.images.image_list import ImageList
from s3n_gui.inspector.images.table_reader import KnownTable, TableReader
from s3n_gui.inspector.images.verdicts import Verdicts
from s3n_gui.state.opening import data_set_place
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


class KnownPredictions(QObject):
    """Keeps the verdicts in sync with the newest prediction table of the current model and data set.

    Signals:
        changed: ``of_all`` may have changed.
        notice: A message on what a chosen table contained.
        failed: A message: a chosen table cannot be read, or turns out to be of another model.
    """

    changed = Signal()
    notice = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        client: EngineClient,
        images: ImageList,
        verdicts: Verdicts,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._session, self._client, self._images, self._verdicts = session, client, images, verdicts
        self._model = session.model
        self._table: KnownTable | None = None
        self._chosen: Path | None = None
        self._taken: KnownTable | None = None
        self.of_all = False
        """Whether the table has a row of every image: those without a prediction could not be read."""
        self._reader = TableReader(self)
        self._reader.read.connect(self._on_read)
        self._reader.failed.connect(self._on_failed)
        session.predictions_changed.connect(self._on_predictions)
        session.run_renamed.connect(self._on_renamed)
        session.model_changed.connect(self._on_model)
        session.data_set_changed.connect(self._take_again)
        session.selection_changed.connect(self._on_selection)
        client.opened.connect(self._on_opened)
        if session.predictions is not None:
            self._on_predictions(session.predictions)

    def read(self, path: Path) -> None:
        """Use a table that the user has chosen."""
        self._chosen = path
        self._session.end_cause("table")
        self._reader.start(path)

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()

    def _on_predictions(self, path: Path | None) -> None:
        if path is not None:
            self._session.end_cause("table")
            self._reader.start(path)
        elif self._chosen is None:  # the user's own table is still being read
            self._take_again()

    def _on_opened(self) -> None:
        self._take()
        if self._taken is None and self._session.predictions is None:
            self._look_for_kept()

    def _look_for_kept(self) -> None:
        """Read the table that the Predict page saved earlier, even if that page has not been shown yet."""
        model, data_set = self._session.model, self._session.data_set
        if model is not None and data_set is not None:
            images, precision = data_set_place(data_set), self._settings.precision
            kept = PredictionRequest(model=model, images=images, precision=precision).table
            if kept.exists():
                self._reader.start(kept)

    def _on_read(self, table: KnownTable) -> None:
        self._table = table
        chosen, self._chosen = table.path == self._chosen, None
        said = self._take(certain=chosen)
        if chosen:
            (self.failed if self._taken is None else self.notice).emit(said)

    def _on_renamed(self, before: Path, after: Path) -> None:
        """Keep the table of a run that has another name now."""
        if self._model is not None:
            self._model = after_rename(self._model, before, after)

    def _on_model(self, model: Path | None) -> None:
        if model != self._model:
            self._model = model
            self._take_again()

    def _on_selection(self) -> None:
        self._take()  # the images may be of another folder

    def _on_failed(self, sentence: str) -> None:
        if self._chosen is not None:  # otherwise the user did not ask for it
            self._chosen = None
            self.failed.emit(sentence)

    def _take_again(self) -> None:
        """Look for a table again: what was read so far may be of another model or of other images."""
        self._table = self._chosen = None
        self._reader.forget()
        self._know(None)
        if self._session.predictions is not None:
            self._on_predictions(self._session.predictions)
        elif self._client.model is not None:
            self._look_for_kept()

    def _take(self, *, certain: bool = False) -> str:
        """Take the table's verdicts if the opened model matches, or before that if the user chose it (``certain``)."""
        table, opened = self._table, self._client.model
        if table is None or (opened is None and not certain):
            return ""
        if opened is not None and table.model != opened.digest:
            said = "This table was made with another model; run Predict with the current one."
            was_taken = table is self._taken
            self._know(None)
            if was_taken:  # while no model was open, such as after it was unloaded
                self._verdicts.clear()
                self.failed.emit(said)
            return said
        paths = self._images.paths()
        fitting = paths.keys() & table.verdicts.keys()
        if not fitting:
            self._know(None)
            return "This table is of other images; none of its names is in the current data set."
        # A model that is only opened again need not reset the list, unless the verdicts were cleared before.
        if table is not self._taken or any(self._verdicts.get(paths[name]) is None for name in fitting):
            self._verdicts.take({paths[name]: table.verdicts[name] for name in fitting})
        self._know(table)
        return f"Predictions for {len(fitting):,} of {len(paths):,} images are known now."

    def _know(self, taken: KnownTable | None) -> None:
        self._taken = taken
        self.of_all = taken is not None and self._images.are_all_among(taken.files)
        self.changed.emit()
