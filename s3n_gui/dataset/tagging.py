"""The tags of the open data set's images: given and taken away, saved at once, undoable. No widgets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from s3n_core.datasets.tags import ReadTags, Tags, export_tags, import_tags, read_tags, write_tags
from s3n_core.errors import S3NError
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.tasks import Tasks
from s3n_gui.dataset.changes import Replace
from s3n_gui.dataset.survey import Survey
from s3n_gui.state.session import Session

_CAUSE: Final = "data"
Mask = NDArray[np.bool_]


class Tagging(QObject):
    """The tags of the open data set.

    Signals:
        changed: Images were given tags, or lost some.
    """

    changed = Signal()

    def __init__(self, session: Session, undo_stack: QUndoStack, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._undo_stack = session, undo_stack
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_failed)
        self._survey: Survey | None = None
        self._readable = True
        self._masks: dict[str, tuple[frozenset[str], Mask]] = {}
        self.tags = Tags()

    def show_survey(self, survey: Survey | None, *, provisional: bool = False) -> None:
        """Reset for another data set, or for none; a provisional preview has no tags."""
        self._tasks.forget("import")
        self._survey = None if provisional else survey
        saved = None if self._survey is None else self._survey.tags
        self._readable = self._survey is None or saved is not None
        self.tags = saved or Tags()
        self._masks = {}

    # -- reading ---------------------------------------------------------------------------------------------------------

    @property
    def can_tag(self) -> bool:
        """Whether a data set is open."""
        return self._survey is not None

    def of(self, image: int) -> tuple[str, ...]:
        """Return the tags of an image, in alphabetical order."""
        if self._survey is None or not self.tags.images:
            return ()
        return self.tags.of(self._survey.keys[image])

    def masks(self) -> Mapping[str, Mask]:
        """Return for each tag which images have it: bool (N,); only those of changed tags are computed anew."""
        if self._survey is None:
            return {}
        survey_keys = self._survey.keys
        for tag, keys in self.tags.images.items():
            if tag not in self._masks or self._masks[tag][0] is not keys:
                self._masks[tag] = keys, np.fromiter((key in keys for key in survey_keys), bool, len(survey_keys))
        return {tag: self._masks[tag][1] for tag in self.tags.names}

    def counts(self, images: Sequence[int]) -> dict[str, int]:
        """Return how many of some images have each tag, in alphabetical order; tags that none of them has, too."""
        rows = np.array(images, np.intp)
        return {tag: int(mask[rows].sum()) for tag, mask in self.masks().items()}

    # -- changing --------------------------------------------------------------------------------------------------------

    def retag(self, images: Collection[int], *, add: Collection[str] = (), remove: Collection[str] = ()) -> None:
        """Give images tags and take others from them; saved and undoable.

        Args:
            images: The indices of the images in the data set.
            add: Tags, as `tag_name` returns them.
            remove: Tags.
        """
        if self._survey is None or not self._can_read():
            return
        changed = self.tags.changed((self._survey.keys[image] for image in images), add=add, remove=remove)
        what = count_text(len(images), "image")
        self._change(f"tagging {what}" if add else f"removing tags from {what}", changed)

    def _change(self, text: str, wanted: Tags) -> bool:
        """Replace the tags, undoably; return whether that is saved, otherwise the error has been reported."""
        before = self.tags
        if wanted == before:
            return True
        self._undo_stack.push(Replace(self._keep, text, before, wanted))
        return self.tags is not before  # they are replaced only after they are saved

    def _can_read(self) -> bool:
        """Read tags again that could not be read; those in the file must not be lost."""
        if not self._readable and self._survey is not None:
            try:
                self.tags, self._readable = read_tags(self._survey.data_set.root), True
            except S3NError as error:
                self._session.report_error(str(error), cause=_CAUSE)
        return self._readable

    def _keep(self, before: Tags, after: Tags) -> bool:
        if self._survey is None:
            return False
        root = self._survey.data_set.root
        try:
            saved = read_tags(root)  # again: another window may have changed them
            wanted = (self.tags if saved == self.tags else saved).merged(before, after)  # ours: they have masks
            write_tags(root, wanted)
        except S3NError as error:
            self._session.report_error(str(error), cause=_CAUSE)
            return False
        self.tags = wanted
        self.changed.emit()
        return True

    # -- tables ----------------------------------------------------------------------------------------------------------

    def save_table(self, file: Path, *, excel: bool = False) -> None:
        """Write all tags as a table (`export_tags`), in the background."""
        survey, tags = self._survey, self.tags
        if survey is not None:
            self._tasks.run("export", lambda: (file, export_tags(file, survey.data_set, tags, excel=excel)))

    def read_table(self, file: Path) -> None:
        """Add the tags of a table (`import_tags`) to those that are there; read in the background, undoable."""
        survey = self._survey
        if survey is not None and self._can_read():
            self._tasks.run("import", lambda: import_tags(file, survey.data_set))

    @Slot(str, object)
    def _on_done(self, name: str, result: Any) -> None:
        if name == "export":
            file, rows = result
            self._session.report_notice(f"{count_text(rows, 'tag')} of images saved in {file}.", cause=_CAUSE)
            return
        read: ReadTags = result
        text = f"importing tags of {count_text(read.images, 'image')}"
        if not self._change(text, self.tags.joined(read.tags)):
            return  # a notice would cover the error
        sentence = f"{count_text(read.images, 'image')} tagged."
        if read.unknown:
            sentence += (
                f" {count_text(len(read.unknown), 'path')} of the table not found here, such as {read.unknown[0]}."
            )
        self._session.report_notice(sentence, cause=_CAUSE)

    @Slot(str, object)
    def _on_failed(self, name: str, error: Exception) -> None:
        self._session.report_error(str(error) or type(error).__name__, cause=_CAUSE)

    def close(self) -> None:
        """Wait for a table that is being read or written."""
        self._tasks.close()
