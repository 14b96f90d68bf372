"""The preview: one file of the first image, made by the export's own code in an engine process that stays for the next change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from s3n_core.export.file_request import ExportedFile, FileRequest
from s3n_gui.background.inspection_client import InspectionClient
from s3n_gui.export.export_choice import ExportChoice

DEBOUNCE_MILLISECONDS = 60


class PreviewMaker(QObject):
    """Keeps a file of the first image in step with the choice.

    Signals:
        changed: ``busy``, ``file``, ``problem`` or ``state`` is another.
    """

    changed = Signal()

    def __init__(self, idle_seconds: float = 300.0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.busy = False
        self.file: ExportedFile | None = None
        self.problem = ""
        self._idle_seconds = idle_seconds
        self._client: InspectionClient | None = None
        self._opened: tuple[Path | None, str, str] | None = None
        self._choice: ExportChoice | None = None
        self._ending = ""
        self._again = False
        self._asked: FileRequest | None = None
        self._generation = 0
        self._debounce = QTimer(self, singleShot=True, interval=DEBOUNCE_MILLISECONDS)
        self._debounce.timeout.connect(self._ask)

    @property
    def state(self) -> str:
        """What the engine is doing (`InspectionClient.state`)."""
        return "off" if self._client is None else self._client.state

    def show(self, choice: ExportChoice | None) -> None:
        """Show what a choice would write; None shows nothing."""
        self._choice = choice
        if choice is None:
            self._debounce.stop()
            self._asked, self._generation = None, 0
            self._set(busy=False, file=None, problem="")
        elif not (self._asked == self._request() and self._opened == _model_of(choice) and (self.file or self.busy)):
            self._set(busy=True, file=self.file, problem="")
            self._debounce.start()

    def choose(self, ending: str) -> None:
        """Show another of the image's files."""
        self._ending = ending
        self.show(self._choice)

    def again(self) -> None:
        """Make it once more: files may have changed."""
        if self._choice is not None:
            self._again = True
            self._set(busy=True, file=self.file, problem="")
            self._debounce.start()

    def shut_down(self) -> None:
        """End the engine's process."""
        self._debounce.stop()
        self._choice = None
        if self._client is not None:
            self._client.close()

    def _request(self) -> FileRequest:
        assert self._choice is not None
        choice = self._choice
        return FileRequest(
            images=str(choice.images), part=choice.part, options=choice.preview_options(), ending=self._ending
        )

    @Slot()
    def _ask(self) -> None:
        choice = self._choice
        if choice is None or choice.model is None:
            return
        if self._client is None:
            self._client = InspectionClient(self, idle_seconds=self._idle_seconds)
            self._client.file_made.connect(self._on_made)
            self._client.failed.connect(self._on_failed)
            self._client.state_changed.connect(self.changed)
        if self._opened != _model_of(choice):
            self._opened = _model_of(choice)
            self._client.open_model(choice.model, choice.device, choice.precision)
        self._asked = request = self._request()
        if self._again:
            self._again = False
            request = replace(request, again=True)
        self._generation = self._client.request_file(request)

    @Slot(object, int)
    def _on_made(self, file: ExportedFile, generation: int) -> None:
        if generation == self._generation:
            self._set(busy=self._debounce.isActive(), file=file, problem="")

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        if self._generation and not self._debounce.isActive():
            self._opened = None if self.state == "broken" else self._opened  # asked anew next time
            self._set(busy=False, file=None, problem=sentence)

    def _set(self, *, busy: bool, file: ExportedFile | None, problem: str) -> None:
        if (busy, file, problem) != (self.busy, self.file, self.problem):
            self.busy, self.file, self.problem = busy, file, problem
            self.changed.emit()


def _model_of(choice: ExportChoice) -> tuple[Path | None, str, str]:
    return choice.model, choice.device, choice.precision
