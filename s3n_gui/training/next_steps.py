"""What to do with the model of a run that has ended: use it, inspect its mistakes, predict, evaluate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject

from s3n_core.datasets.records import DataSet
from s3n_core.errors import S3NError
from s3n_core.runs.run_directory import RunDirectory
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.opening import data_set_title
from s3n_gui.state.session import Session
from s3n_gui.training.controller import TrainingController


class NextSteps(QObject):
    """Does what the buttons of a run that has ended say, with the best epoch of the shown run.

    What needs images takes those of the run: its data set is opened if it is there and is not open already. If it is not there,
    the open data set is used.
    """

    def __init__(self, controller: TrainingController, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller, self._session = controller, session
        self._models = ModelChoices(session, parent=self)
        self._used = ""  # the checkpoint of the current model, as it was when it became that
        self._waiting: tuple[Path, Callable[[], None]] | None = None  # until this data set has been opened
        session.data_set_changed.connect(self._on_data_set)
        session.data_set_failed.connect(self._on_data_set_failed)
        session.model_changed.connect(self._on_model)
        self._on_model(session.model)

    @property
    def is_chosen(self) -> bool:
        """Whether the shown run is the current model, if perhaps with an earlier checkpoint than it has now."""
        return self._session.model is not None and self._session.model == self._controller.path

    @property
    def in_use(self) -> bool:
        """Whether the model of the shown run is the current model, with the checkpoint that it has now."""
        return self.is_chosen and _checkpoint(self._session.model) == self._used

    @property
    def problem(self) -> str:
        """Why there are no images to inspect or evaluate, as a sentence; empty if there are some."""
        if self._data() is not None or self._session.data_set is not None:
            return ""
        return "The images of this run are not where they were; open its data set first"

    def use(self) -> None:
        """Make the model current."""
        if self._controller.path is not None and not self.in_use:
            self._models.use(self._controller.path)

    def inspect_mistakes(self) -> None:
        """Show the images that the model predicts wrongly, on the Inspect page."""
        self._with_images(self._session.inspect_mistakes)

    def predict_folder(self) -> None:
        """Let the user choose a folder on the Predict page, and predict it."""
        self.use()
        self._session.ask_for_folder()

    def evaluate(self) -> None:
        """Measure the accuracy on the test images, on the Predict page."""
        self._with_images(self._evaluate)

    def _evaluate(self) -> None:
        data_set = self._session.data_set
        if data_set is None:
            return
        if any(record.split == "test" and record.label is not None for record in data_set.records):
            self._session.ask_for_predictions("test")
        else:
            self._session.report_notice(
                f"{data_set_title(data_set.root)} has no labelled test images. Choose some on the Data page before the next "
                "training, or predict a folder of other labelled images.",
                cause="data",
            )

    def _with_images(self, act: Callable[[], None]) -> None:
        self.use()
        place, data_set = self._data(), self._session.data_set
        if place is None or (data_set is not None and data_set.root == place):
            self._waiting = None
            act()
        elif self._controller.path is not None:
            self._waiting = (place, act)
            self._session.open_data_of(self._controller.path)

    def _on_model(self, model: Path | None) -> None:
        self._used = _checkpoint(model)

    def _on_data_set_failed(self) -> None:
        self._waiting = None

    def _on_data_set(self, data_set: DataSet | None) -> None:
        if data_set is not None and self._waiting is not None:
            (place, act), self._waiting = self._waiting, None
            if data_set.root == place:
                act()

    def _data(self) -> Path | None:
        """Return the folder of the run's data set; None if it is not there."""
        data = self._controller.run.get("data")
        root = data.get("root") if isinstance(data, Mapping) else None
        try:
            return Path(root) if isinstance(root, str) and Path(root).is_absolute() and Path(root).is_dir() else None
        except OSError:
            return None


def _checkpoint(model: Path | None) -> str:
    """Return the name of the checkpoint that a run stands for now; empty for a model file."""
    try:
        run = None if model is None else RunDirectory(model)
        return "" if run is None else run.read_pointer("best") or run.read_pointer("last") or ""
    except S3NError:
        return ""
