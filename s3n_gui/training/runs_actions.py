"""The actions on runs: show, compare, rename, move to the trash, and undo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QInputDialog, QWidget

from s3n_gui.state.kept_results import follow_run
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.runs_watch import RunsSeen
from s3n_gui.state.session import Session
from s3n_gui.training.controller import MOST_OTHERS, TrainingController
from s3n_gui.training.runs.run_changes import RenameRun, TrashRun
from s3n_gui.training.runs.run_colours import run_colours
from s3n_gui.training.runs.runs_list import RunsList
from s3n_gui.training.runs.runs_model import RunsModel
from s3n_gui.training.runs.train_longer import TrainLongerDialog


class RunsActions(QObject):
    """Connects the runs list, the controller and the runs folder.

    Signals:
        counted: The number of runs.
        chosen_changed: Another run is selected, or its available actions have changed.
        longer_asked: A run's folder, and for how many epochs in all it is to be trained.

    Attributes:
        list: The list.
        undo: The undo stack of renaming and trashing.
    """

    counted = Signal(int)
    chosen_changed = Signal()
    longer_asked = Signal(object, int)

    def __init__(self, controller: TrainingController, session: Session, trainings: LiveRuns, parent: QWidget) -> None:
        super().__init__(parent)
        self._controller, self._session, self._trainings, self._window = controller, session, trainings, parent
        self.model = RunsModel(self)
        self.list = RunsList(self.model, parent)
        self.undo = QUndoStack(self)
        self._looked = False
        self._model_in_trash: Path | None = None  # what was the current model when its run was moved there
        self._validation: dict[Path, str | None] = {}
        trainings.watch.changed.connect(self.show_seen)
        controller.run_shown.connect(self._on_run_shown)
        controller.others_changed.connect(self._show_over)
        self.model.ticked.connect(self._on_ticked)
        self.list.shown.connect(controller.show_run)
        self.list.rename_asked.connect(self.rename)
        self.list.trash_asked.connect(self.trash)
        self.list.longer_asked.connect(self.longer)
        self.list.chosen_changed.connect(self.chosen_changed)

    def show_seen(self, seen: RunsSeen) -> None:
        """Show the runs of the runs folder."""
        chosen, self._validation = self.list.chosen(), dict(seen.validation)
        self.model.show_images(dict(seen.counts))
        self.model.show_runs(seen.runs)
        self.counted.emit(len(seen.runs))
        if self._controller.path is None and seen.runs and not self._looked:
            # Once, so that the page does not start empty: show the run that is training, else the newest.
            self._controller.show_run((seen.live() or seen.runs)[0].path)
        self._looked = self._looked or bool(seen.runs)
        self.list.choose(chosen or self._controller.path)
        self._show_over()

    def rename(self, path: Path) -> None:
        """Ask for a new name and rename a run."""
        name, good = QInputDialog.getText(self._window, "Rename run", f"New name of {path.name}:", text=path.name)
        if good and name.strip() and name.strip() != path.name:
            self.undo.push(RenameRun(path, name.strip(), self._session.report_error, self._on_renamed))

    def longer(self, path: Path) -> None:
        """Ask for how many epochs a finished run is to be trained in all."""
        shown, run = self._controller, self.model.run(self.model.row_of(path))  # not every run is in the runs folder
        state = shown.state if path == shown.path else None if run is None else run.state
        dialog = TrainLongerDialog(path, 1 if state is None else max(1, state.epoch), self._window.window())
        epochs = dialog.ask()
        dialog.deleteLater()
        if epochs is not None:
            self.longer_asked.emit(path, epochs)

    def trash(self, path: Path) -> None:
        """Move a run to the trash."""
        self.undo.push(TrashRun(path, self._session.report_error, self._on_moved))

    def _on_run_shown(self, path: Path | None) -> None:
        self._show_over()
        self.list.choose(path)

    def _show_over(self) -> None:
        self.model.show_over(run_colours([path for path, _ in self._controller.others()]), self._controller.path)

        other = self._controller.has_other_validation
        self.model.show_other_validation(frozenset(path for path, hashed in self._validation.items() if other(hashed)))

    def _on_ticked(self, path: Path, on: bool) -> None:
        if on and len(self._controller.others()) >= MOST_OTHERS:
            self._session.report_notice(f"{MOST_OTHERS} runs can be compared at once; remove one first.")
        self._controller.lay_over(path, on=on)

    def _on_renamed(self, before: Path, after: Path) -> None:
        if before == self._controller.path:
            self._controller.show_run(after)
        if before in [path for path, _ in self._controller.others()]:
            self._controller.lay_over(before, on=False)
            self._controller.lay_over(after)
        follow_run(before, after)
        self._session.follow_rename(before, after)
        self._trainings.watch.look()

    def _on_moved(self, before: Path, after: Path | None) -> None:
        if after is None:
            if before == self._controller.path:
                self._controller.show_run(None)
            self._controller.lay_over(before, on=False)
            model = self._session.model
            if model is not None and model.is_relative_to(before):  # its files are no longer there
                self._session.model, self._model_in_trash = None, model
            self._session.report_notice(f"{before.name} is in the trash; Ctrl+Z restores it.")
        else:
            self._controller.show_run(after)
            model = self._model_in_trash
            if model is not None and model.is_relative_to(before) and self._session.model is None:
                self._session.model = after / model.relative_to(before)
        self._trainings.watch.look()
