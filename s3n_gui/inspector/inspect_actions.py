"""The page's commands for keys, menus and buttons; those of the mouse in an image are in the panes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu

from s3n_core.errors import S3NError
from s3n_core.inspection.hidden_place import write_hidden_place
from s3n_core.parts.atlas.part_place import SAME_PLACE
from s3n_gui.inspector.body import Body
from s3n_gui.inspector.controller import InspectionController
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.inspector.images.known_predictions import KnownPredictions
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panes.pane_model import Cameras, PaneModel
from s3n_gui.inspector.peaks.peak_editor import Editor
from s3n_gui.inspector.peaks.peak_menu import PeakMenu
from s3n_gui.state.session import Session
from s3n_gui.widgets.saving_place import ask_where_to_save


class InspectActions(QObject):
    """The page's commands; they need its widgets to exist.

    Signals:
        notice: A message that is not an error.
        failed: Why something could not be done.
    """

    notice = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        session: Session,
        state: InspectionState,
        controller: InspectionController,
        editor: Editor,
        hiding: HidingState,
        cameras: Cameras,
        known: KnownPredictions,
        body: Body,
    ) -> None:
        super().__init__(body)
        self._session = session
        self._state, self._controller, self._editor = state, controller, editor
        self._cameras, self._known, self._body = cameras, known, body
        self._hiding = hiding

    def table(self) -> Mapping[str, Callable[[], object]]:
        """Return the callables behind the actions of ``actions.py``, by action name."""
        toolbar = self._body.toolbar
        return {
            "inspect-next": self.next_image,
            "inspect-previous": self.previous_image,
            "inspect-mistake": self.next_mistake,
            "inspect-disagreement": self.next_disagreement,
            "inspect-row": self.show_row,
            "inspect-switch": self.switch_peak,
            "inspect-flip": self.flip_peak,
            "inspect-hide": self.hide_place,
            "inspect-why": self.toggle_why,
            "inspect-reset": self._editor.reset,
            "inspect-peaks": toolbar.peaks.toggle,
            "inspect-grid": toolbar.grid.toggle,
            "inspect-annotations": toolbar.annotations.toggle,
            "inspect-symbols": toolbar.symbols.toggle,
            "inspect-compare": toolbar.compare.toggle,
            "inspect-alone": self._body.stage.toggle_alone,
            "inspect-whole": self._cameras.reset,
        }

    # Navigation

    def next_image(self) -> None:
        """Go to the next image of the list."""
        self._controller.step(1)

    def previous_image(self) -> None:
        """Go to the previous image of the list."""
        self._controller.step(-1)

    def next_mistake(self) -> None:
        """Go to the next image that is predicted wrongly."""
        self._controller.step(1, "mistake", all_known=self._known.of_all)

    def next_disagreement(self) -> None:
        """Go to the next image on which the branches disagree."""
        self._controller.step(1, "disagreement", all_known=self._known.of_all)

    def show_row(self) -> None:
        """Show the image's row on the Predict page."""
        if self._state.image is not None:
            self._session.seek_row(self._state.image)

    def choose_table(self) -> None:
        """Let the user choose a prediction table, and use it."""
        chosen, _ = QFileDialog.getOpenFileName(self._body, "Open a prediction table", "", "Predictions (*.json)")
        if chosen:
            self._known.read(Path(chosen))

    # Peaks

    def switch_peak(self) -> None:
        """Switch the selected peak off or on."""
        if self._state.selected is not None:
            self._editor.switch_peak(self._state.selected)

    def flip_peak(self) -> None:
        """Move the selected peak to the other set."""
        if self._state.selected is not None:
            self._editor.flip_peak(self._state.selected)

    def show_peak_menu(self, key: tuple[int, int], place: QPoint) -> None:
        """Select a peak and show its menu."""
        evidence = self._state.evidence
        peak = next((p for p in evidence.warps.peaks if p.found_at == key), None) if evidence is not None else None
        if peak is not None:
            self._state.select(key)
            menu = PeakMenu(peak, self._state.edits, self._editor, self._body)
            menu.hide_requested.connect(self.hide_selected)
            menu.like_requested.connect(self.show_like)
            menu.popup(place)

    def show_like(self) -> None:
        """Show the peaks of the atlas that look most like the selected one, on the Parts page."""
        peak, image, found = self._state.selected_peak, self._state.image, self._state.descriptors
        if peak is not None and image is not None and self._shows_this_image():
            known = found is not None and found.nearest(peak.x, peak.y, SAME_PLACE) is not None
            self._session.ask_like(image, (peak.x, peak.y), found if known else None)

    def _shows_this_image(self) -> bool:
        """Return whether what the panes show is of the chosen image; if it is still of the last one, say so."""
        current = self._state.is_current
        if not current:
            self.notice.emit("The last image is still shown; wait until this one appears.")
        return current

    # Hiding a place

    def hide_place(self) -> None:
        """Hide the selected peak, or else the place under the mouse."""
        if self._state.selected_peak is not None:
            self.hide_selected()
        elif self._state.cursor is not None:
            self._hide(self._state.cursor)
        else:
            self.notice.emit("Select a peak, or point at a place in an image, then press H to hide it.")

    def hide_selected(self) -> None:
        """Hide the selected peak's place."""
        peak = self._state.selected_peak
        if peak is not None:
            self._hide((peak.x, peak.y))

    def show_place_menu(self, place: tuple[float, float], screen: QPoint) -> None:
        """Show the menu of a place in an image, (x, y) in pixels of the original."""
        menu = QMenu(self._body)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        hide = menu.addAction("Hide this place")
        hide.setToolTip("Hide it in the original and ask all branches again, beside random places (H)")
        hide.setData(place)
        menu.triggered.connect(self._on_place_menu)
        menu.popup(screen)

    def save_hidden_place(self) -> None:
        """Save the result for the hidden place where the user chooses."""
        result = self._hiding.result
        if result is None:
            return
        name = f"{Path(result.name).stem} hidden place.json"
        file, _ = ask_where_to_save(self._body, "Save numbers", name, {"JSON (*.json)": ".json"})
        if file is not None:
            try:
                write_hidden_place(file, result, self._hiding.class_index)
            except S3NError as error:
                self.failed.emit(str(error))

    def _hide(self, place: tuple[float, float]) -> None:
        if self._shows_this_image():
            self._body.side.show_hiding()
            self._hiding.hide(place)

    def _on_place_menu(self, action: QAction) -> None:
        self._hide(action.data())

    # Why: contributions

    def toggle_why(self) -> None:
        """Show the ledger, and the contributions in a pane; if both show, the peaks and the response map again."""
        if self._body.stage.is_empty:
            return  # it says why there is nothing to explain
        panes = [model for model in self._shown_models() if model.kind == "contributions"]
        if panes and self._body.side.shows_why:
            for model in panes:
                model.update(kind="response")
            self._body.side.show_peaks()
            return
        self._body.side.show_why()
        self.show_contributions()

    def show_contributions(self) -> None:
        """Show the contributions in a pane: in place of a map, if no visible pane shows them yet."""
        models = self._shown_models()
        kinds = [model.kind for model in models]
        if models and "contributions" not in kinds:
            of_maps = (kinds.index(kind) for kind in ("response", "class_map", "map_d") if kind in kinds)
            models[next(of_maps, 0)].update(kind="contributions")

    def show_class_menu(self, index: int, screen: QPoint) -> None:
        """Show the menu of a class in the scores."""
        answer = self._state.answer
        if answer is None:
            return
        name, why = answer.response.classes[index], self._state.why
        menu = QMenu(self._body)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for text, tip, action in (
            ("Show its class map", "How much each place supports this class", partial(self._show_class_map, index)),
            ("Why this class?", "What contributes to it over its rival", partial(self._ask_why, target=name)),
            (
                "Why not this class?",
                "What contributes to the shown class over this one",
                partial(self._ask_why, versus=name),
            ),
        ):
            entry = menu.addAction(text, action)
            entry.setToolTip(tip)
        resolved = why.resolved(answer)
        menu.actions()[2].setEnabled(isinstance(resolved, str) or resolved[0] != index)
        menu.popup(screen)

    def _ask_why(self, **names: str) -> None:
        why = self._state.why
        question = replace(why.question, alone=False, **names)
        if question.target is not None and question.target == question.versus:
            question = replace(question, versus=None)
        why.ask(question)
        self._body.side.show_why()
        self.show_contributions()

    def _shown_models(self) -> list[PaneModel]:
        return [pane.model for pane in self._body.stage.shown_panes() if pane.isVisible()]

    # Display

    def show_peaks(self, shown: bool) -> None:
        """Show or hide the peaks in all panes."""
        self._body.stage.set_all(peaks=shown)

    def show_grid(self, shown: bool) -> None:
        """Show or hide the grid lines in all panes."""
        self._body.stage.set_all(grid=shown)

    def show_annotations(self, shown: bool) -> None:
        """Show or hide the data set's boxes and key points in all panes."""
        self._body.stage.set_all(annotations=shown)

    def compare(self, comparing: bool) -> None:
        """Show two models or one."""
        stage = self._body.stage
        stage.set_comparing(comparing)
        self._body.toolbar.show_comparing(stage.is_comparing)

    def show_class(self, index: int) -> None:
        """Show a class's map in the class map panes, else in place of R; a second call restores R.

        Where contributions are shown and no class map, they become those to the class, or to the predicted one again.
        """
        kinds = [model.kind for model in self._shown_models()]
        if "contributions" in kinds and "class_map" not in kinds:
            self._show_class(None if self._is_asked(index) else index)
        else:
            self._show_class_map(index, toggles=True)

    def _show_class_map(self, index: int, *, toggles: bool = False) -> None:
        answer, models = self._state.answer, self._shown_models()
        if answer is None or not models:
            return
        name = answer.response.classes[index]
        target = next((model for model in models if model.kind == "class_map"), None)
        target = target or next((model for model in models if model.kind == "response"), models[0])
        if toggles and (target.kind, target.class_name) == ("class_map", name):
            target.update(kind="response", class_name=None)
            self._show_class(None)
        else:
            target.update(kind="class_map", class_name=name)
            self._show_class(index)

    def _is_asked(self, index: int) -> bool:
        answer = self._state.answer
        return answer is not None and self._state.why.question.target == answer.response.classes[index]

    def _show_class(self, index: int | None) -> None:
        """Mark the class that is shown, and let the panels Hide and Why be about it; None: the predicted class."""
        self._hiding.set_class(index)
        self._body.side.scores.mark_class(index)
        answer, why = self._state.answer, self._state.why
        if answer is not None:
            why.ask(replace(why.question, target=None if index is None else answer.response.classes[index]))
