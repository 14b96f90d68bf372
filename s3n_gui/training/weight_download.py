"""A training whose pretrained weights are not on this machine: asking, downloading them, and then training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from s3n_core.errors import WeightsMissing
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.state.session import Session
from s3n_gui.training.controller import TrainingController
from s3n_gui.widgets.download_question import DOWNLOAD, DownloadQuestion, WeightFile
from s3n_gui.widgets.question import Answer

_OTHERS = "others"


class WeightDownload(QObject):
    """Asks before weights are downloaded, and begins the training when they are here; one at a time.

    Signals:
        changed: A download has begun or ended (``backbone``).

    Attributes:
        backbone: The backbone whose weights a training waits for; "" if none does.
    """

    changed = Signal()

    def __init__(
        self, controller: TrainingController, session: Session, catalogue: WeightCatalogue, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._catalogue, self._window = session, catalogue, window
        self._then: Callable[[], None] | None = None
        self.backbone = ""
        # Queued, so that the emitter returns before the dialog starts its own event loop.
        controller.weights_missing.connect(self._on_missing, Qt.ConnectionType.QueuedConnection)
        catalogue.arrived.connect(self._on_arrived)
        catalogue.not_arrived.connect(self._on_not_arrived)

    def before(self, backbone: str, weights: str, begin: Callable[[], None]) -> None:
        """Begin a training, or ask first where it is known by now that its weights are missing; else its process tells.

        Args:
            backbone: Its backbone.
            weights: "imagenet", "none" or a file, as in a recipe.
            begin: Begins it.
        """
        facts = self._catalogue.facts(backbone) if weights == "imagenet" else None
        if facts is None or not facts.place or facts.size is not None or Path(facts.file).is_file():
            begin()
            return
        missing = WeightFile(
            backbone=backbone,
            place=facts.place,
            file=facts.file,
            size=facts.download_size,
            licence=facts.licence,
            sentence=facts.sentence,
        )
        self.ask(missing, begin)

    @Slot(object, object)
    def _on_missing(self, error: WeightsMissing, then: Callable[[], None]) -> None:
        missing = WeightFile(
            backbone=error.backbone,
            place=error.url,
            file=str(error.path),
            size=error.size,
            licence=error.licence,
            sentence=error.sentence,
        )
        self.ask(missing, then)

    def ask(self, missing: WeightFile, then: Callable[[], None]) -> None:
        """Ask whether to download weights.

        Args:
            missing: What is missing.
            then: Begins the training.
        """
        if self._catalogue.fetched:
            self._session.report_notice(
                f"The weights of {self._catalogue.fetched} are being downloaded; start the training when they are here."
            )
            return
        answers = (Answer(_OTHERS, "Other weights…"), Answer(DOWNLOAD, "Download and train"))
        question = DownloadQuestion(missing, "Training begins when they are here.", answers, self._window.window())
        answer = question.ask()
        question.deleteLater()
        if answer == DOWNLOAD:
            self.backbone, self._then = missing.backbone, then
            self._session.end_cause("training")
            self._catalogue.fetch(missing.backbone)
            self.changed.emit()
        elif answer == _OTHERS:
            self._session.ask_for_backbone(missing.backbone, self._catalogue.input_size)

    @Slot(str)
    def _on_arrived(self, backbone: str) -> None:
        then = self._ended(backbone)
        if then is not None:
            then()

    @Slot(str, str)
    def _on_not_arrived(self, backbone: str, why: str) -> None:
        if self._ended(backbone) is None:
            return
        if why:
            self._session.report_error(f"The training was not begun. {why}", cause="training")
        else:
            self._session.report_notice(
                "The download was stopped, and the training was not begun. What is there is kept."
            )

    def _ended(self, backbone: str) -> Callable[[], None] | None:
        """Forget what waits for a backbone's weights, and return what it was."""
        if not self.backbone or backbone != self.backbone:
            return None
        then, self._then, self.backbone = self._then, None, ""
        self.changed.emit()
        return then
