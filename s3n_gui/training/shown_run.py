"""The middle of the page: the shown run's head, the curves and their toolbar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from s3n_core.datasets.validation_images import OTHER_MARK
from s3n_core.errors import DataChanged, S3NError
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.appearance.wording import change_text
from s3n_gui.state.demo import is_demo_run
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.training.controller import TrainingController
from s3n_gui.training.curves.chart_grid import ChartGrid
from s3n_gui.training.curves.chart_marks import Band
from s3n_gui.training.curves.chart_toolbar import ChartToolbar
from s3n_gui.training.curves.curve_files import save_picture, save_table
from s3n_gui.training.next_steps import NextSteps
from s3n_gui.training.runs.run_bar import RunBar
from s3n_gui.training.runs.run_colours import run_colours
from s3n_gui.training.sentences import result_sentence
from s3n_gui.widgets.question import Answer, Question
from s3n_gui.widgets.saving_place import ask_where_to_save


class ShownRun(QWidget):
    """Shows the controller's run and passes commands to it.

    Signals:
        next_changed: Other commands are available for its model.
    """

    next_changed = Signal()

    def __init__(
        self, controller: TrainingController, session: Session, settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._controller, self._session, self._settings = controller, session, settings
        self._bands: tuple[Band, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(INSIDE_GROUP)
        self.bar = RunBar(self)
        self.toolbar = ChartToolbar(self)
        self.charts = ChartGrid(self)
        column.addWidget(self.bar)
        column.addWidget(self.toolbar)
        column.addWidget(self.charts, 1)
        controller.run_shown.connect(self._on_run_shown)
        controller.measured.connect(self._on_measured)
        controller.status_changed.connect(self.show_status)
        controller.others_changed.connect(self._on_others)
        # Queued, so that the emitter returns before the dialog starts its own event loop.
        controller.data_changed.connect(self._on_data_changed, Qt.ConnectionType.QueuedConnection)
        self.bar.ordered.connect(self.order)
        self.next = NextSteps(controller, session, self)
        self.bar.use_asked.connect(self.next.use)
        self.bar.inspect_asked.connect(self.next.inspect_mistakes)
        self.bar.predict_asked.connect(self.next.predict_folder)
        self.bar.evaluate_asked.connect(self.next.evaluate)
        session.model_changed.connect(self._show_next)
        session.data_set_changed.connect(self._show_next)
        self.toolbar.details_changed.connect(self.charts.show_details)
        self.toolbar.smoothing_changed.connect(self.charts.set_smoothing)
        self.toolbar.logarithmic_changed.connect(self.charts.set_logarithmic)
        self.toolbar.reset_asked.connect(self.charts.reset_zoom)
        self.toolbar.other_removed.connect(self._on_other_removed)
        self.toolbar.export_asked.connect(self.save)
        self.show_status()

    def minimumSizeHint(self) -> QSize:
        """Return a size at which the sentence and the buttons of the run are whole: a splitter asks for nothing else."""
        size, layout = super().minimumSizeHint(), self.layout()
        if layout is not None:
            size.setHeight(max(size.height(), layout.totalMinimumHeightForWidth(max(self.width(), size.width()))))
        return size

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for another height at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def commands(self) -> dict[str, Callable[[], object]]:
        """Return the commands available for the shown run, by action id."""
        machine, table = self._controller.machine, dict[str, Callable[[], object]]()
        if machine.can("pause") or machine.can("go-on"):
            table["train-pause"] = partial(self.order, "go-on" if machine.can("go-on") else "pause")
        for order in ("stop", "stop-now", "discard"):
            if machine.can(order):
                table[f"train-{order}"] = partial(self.order, order)
        if self.bar.can_resume:
            table["train-resume"] = partial(self.order, "resume")
        if self.bar.can_train_longer:
            table["train-longer"] = self.bar.longer_asked.emit
        if self.bar.can_inspect:
            table |= {"train-predict": self.next.predict_folder}
            if not self.next.in_use:
                table["train-use"] = self.next.use
            if not self.next.problem:
                table |= {"train-inspect": self.next.inspect_mistakes, "train-evaluate": self.next.evaluate}
        if self._controller.path is not None:
            table |= {
                "train-alone": self.charts.toggle_alone,
                "train-whole": self.charts.reset_zoom,
                "train-log": self.toolbar.logarithmic.toggle,
                "train-details": self.toolbar.details.toggle,
                "train-picture": partial(self.save, "png"),
                "train-table": partial(self.save, "csv"),
            }
        return table

    def order(self, order: str) -> None:
        """Give the shown run a command: "pause", "go-on", "stop", "stop-now", "discard" or "resume"."""
        if order == "resume":
            self._controller.resume(self._settings.device)
        else:
            self._controller.order(order)  # type: ignore[arg-type]  # one of the orders above

    def train_longer(self, epochs: int) -> None:
        """Train the shown run for ``epochs`` epochs in all."""
        self._controller.resume(self._settings.device, epochs=epochs)

    def save(self, kind: str) -> None:
        """Let the user choose a file, and save the curves.

        Args:
            kind: "png" for an image of the charts, "csv" for all metrics.
        """
        path = self._controller.path
        if path is None:
            return
        word, pattern = ("image", "PNG (*.png)") if kind == "png" else ("table", "CSV (*.csv)")
        proposed = str(Path.home() / f"{path.name}-curves.{kind}")
        file, _ = ask_where_to_save(self, f"Save curves as {word}", proposed, {pattern: f".{kind}"})
        if file is None:
            return
        self._session.end_cause("saving")
        try:
            if kind == "png":
                save_picture(file, self.charts.picture())
            else:
                save_table(file, self._controller.series)
        except S3NError as error:
            self._session.report_error(str(error), cause="saving")

    def show_status(self) -> None:
        """Update state, status and phase of the run."""
        controller = self._controller
        name = controller.path.name if controller.path is not None else ""
        self.bar.show_run(
            name,
            controller.machine,
            controller.state,
            controller.status,
            controller.batch_seconds,
            controller.series.validation_images,
            controller.preparation,
            owned=not is_demo_run(controller.path),
        )
        if self.bar.can_inspect:
            self.bar.show_result(result_sentence(controller.series, controller.state))
        self._show_next()
        self.charts.set_epochs(self._epochs())
        bands = recipe_bands(controller.run)
        if bands != self._bands:
            self._bands = bands
            self.charts.show_bands(bands)

    def _show_next(self, *_: object) -> None:
        in_use = self.next.in_use
        self.bar.show_next(in_use=in_use, problem=self.next.problem, newer=self.next.is_chosen and not in_use)
        self.next_changed.emit()

    def _on_run_shown(self) -> None:
        self._bands = ()
        self.charts.show_bands(())
        self.charts.show_best(None)
        self.charts.show_series(self._controller.series, self._epochs())

    def _on_data_changed(self, changed: DataChanged) -> None:
        run, dialog = self._controller.path, ChangedDataDialog(changed, self.window())
        choice = dialog.ask()
        dialog.deleteLater()
        if choice == "resume" and self._controller.path == run:
            self._controller.resume(self._settings.device, changed_data=True)

    def _on_measured(self) -> None:
        self.charts.set_epochs(self._epochs())
        self.charts.refresh()
        lines = self._controller.series.epoch_lines
        best = [float(line["epoch"]) + 1 for line in lines if line.get("best") and "epoch" in line]
        self.charts.show_best(best[-1] if best else None)

    def _on_others(self) -> None:
        others = self._controller.others()
        colours = run_colours([path for path, _ in others])
        marked = self._controller.others_on_other_images()
        self.toolbar.show_others(list(colours.items()), marked)
        names = {path: f"{path.name} {OTHER_MARK}" if path in marked else path.name for path, _ in others}
        self.charts.show_others([(names[path], colours[path], series) for path, series in others])

    def _on_other_removed(self, path: Path) -> None:
        self._controller.lay_over(path, on=False)

    def _epochs(self) -> int:
        controller = self._controller
        state, recipe = controller.state, controller.run.get("recipe")
        if state is not None and state.epochs:
            return state.epochs
        epochs = recipe.get("epochs") if isinstance(recipe, Mapping) else None
        return epochs if isinstance(epochs, int) else max(1, len(controller.series.epoch_lines))


class ChangedDataDialog(Question):
    """Asks whether to resume although the data has changed: "resume" or "cancel"."""

    def __init__(self, changed: DataChanged, parent: QWidget | None = None) -> None:
        """Create the dialog.

        Args:
            changed: What has changed.
            parent: The window.
        """
        super().__init__(
            "The data set has changed",
            change_text(changed),
            "Training can continue with the run's own list of images: added images are not used, missing ones are "
            "skipped, and the classes stay the same. Or cancel, and restore the data set or start a new run.",
            (Answer("resume", "Resume anyway", "play"),),
            parent,
        )


def recipe_bands(run: Mapping[str, Any]) -> tuple[Band, ...]:
    """Return a run's warm-up phases as bands: start and end in epochs, and how the peaks are assigned."""
    recipe = run.get("recipe")
    phases = recipe.get("phases") if isinstance(recipe, Mapping) else None
    bands, start = [], 0.0
    for phase in phases if isinstance(phases, list) else []:
        if isinstance(phase, Mapping) and isinstance(phase.get("epochs"), int):
            bands.append((start, start + phase["epochs"], str(phase.get("sampling", ""))))
            start += phase["epochs"]
    return tuple(bands)
