"""What a person does with tags on the Data page: gives them in a dialog, removes one, imports and exports tables."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from s3n_gui.appearance.wording import count_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.images.grid import ThumbnailGrid
from s3n_gui.dataset.survey import file_name
from s3n_gui.dataset.tags.tag_dialog import TagDialog
from s3n_gui.state.session import Session
from s3n_gui.widgets.saving_place import EXCEL_TABLE, TABLES, ask_where_to_save


class TagActions(QWidget):
    """The actions, for the images that are selected in the grid; without a look of its own.

    Attributes:
        dialog: The newest dialog, or None.
    """

    def __init__(self, session: Session, controller: DataController, grid: ThumbnailGrid, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()
        self._session, self._controller, self._grid = session, controller, grid
        self._images: tuple[int, ...] = ()  # those of the dialog
        self.dialog: TagDialog | None = None

    def tag(self) -> None:
        """Ask for the tags of the selected images."""
        survey, tagging, images = self._controller.survey, self._controller.tagging, self._grid.chosen()
        if survey is None or not tagging.can_tag or not images:
            return
        heading = file_name(survey.record(images[0])) if len(images) == 1 else count_text(len(images), "image")
        self._images = images
        self.dialog = TagDialog(heading, len(images), tagging.counts(images), self.parentWidget())
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.accepted.connect(self._on_tags)
        self._controller.survey_changed.connect(self.dialog.reject)
        self.dialog.open()

    def _on_tags(self) -> None:
        if self.dialog is not None:
            added, removed = self.dialog.added, self.dialog.removed
            self._controller.tagging.retag(self._images, add=added, remove=removed)

    def untag(self, tag: str) -> None:
        """Take a tag away from the selected images."""
        self._controller.tagging.retag(self._grid.chosen(), remove=(tag,))

    def table(self, what: str) -> None:
        """Import or export a table: "import" or "export"."""
        {"import": self.import_table, "export": self.export_table}[what]()

    def import_table(self) -> None:
        """Ask for a table of tags and add them to those that are there."""
        if self._controller.tagging.can_tag:
            chosen, _ = QFileDialog.getOpenFileName(
                self.parentWidget(), "Import tags", "", "Tables (*.csv *.tsv *.tab *.json *.jsonl)"
            )
            if chosen:
                self._controller.tagging.read_table(Path(chosen))

    def export_table(self) -> None:
        """Ask where to save all tags as a table."""
        survey = self._controller.survey
        if survey is None or not self._controller.tagging.tags.images:
            self._session.report_notice("No image has a tag yet: select images and press T.", cause="data")
            return
        name = f"{survey.data_set.root.name}-tags.csv"
        path, kind = ask_where_to_save(self.window(), "Export tags", name, TABLES)
        if path is not None:
            self._controller.tagging.save_table(path, excel=kind == EXCEL_TABLE)
