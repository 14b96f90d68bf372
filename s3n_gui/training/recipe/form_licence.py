"""What the form says of the licence of the chosen initial weights."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from s3n_core.errors import S3NError
from s3n_core.method.configuration import TIMM
from s3n_core.method.weight_licences import (
    UNKNOWN,
    WeightLicence,
    licence_of,
    torchvision_licence,
    torchvision_sentence,
)
from s3n_core.models.model_headers import read_header
from s3n_core.system.typed_paths import typed_path
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.training.recipe.recipe_form import RecipeForm


class FormLicence(QObject):
    """Keeps the form's line on the licence up to date; the engine is asked about a backbone of timm once the form is shown."""

    def __init__(self, form: RecipeForm, catalogue: WeightCatalogue, parent: QObject) -> None:
        super().__init__(parent)
        self._form, self._catalogue = form, catalogue
        self._read: tuple[object, WeightLicence | None] | None = None
        form.changed.connect(self.show)
        form.shown.connect(self.show)
        catalogue.looked.connect(self.show)
        catalogue.listed.connect(self.show)
        catalogue.arrived.connect(self.show)
        self.show()

    @Slot()
    def show(self, *_: object) -> None:
        """Say what the licence of the chosen weights is."""
        choice = self._form.choice
        backbone, weights = str(choice.value("network.backbone")), str(choice.value("weights"))
        if weights == "none":
            self._form.show_licence(None, "")
        elif weights != "imagenet":
            found = self._of_file(typed_path(weights))
            self._form.show_licence(found, "" if found is None else found.sentence)
        elif not backbone.startswith(TIMM):
            self._form.show_licence(torchvision_licence(backbone), torchvision_sentence(backbone))
        else:
            self._show_timm(backbone)

    def _show_timm(self, backbone: str) -> None:
        facts = self._catalogue.facts(backbone)
        if facts is None:
            self._form.show_licence(None, "")
            if self._form.isVisible() and not self._form.choice.problem:
                self._catalogue.look(backbone)
        elif facts.place:
            licence = WeightLicence(facts.name.removeprefix(TIMM), facts.licence)
            self._form.show_licence(licence, facts.sentence, is_here=facts.size is not None)
        else:
            self._form.show_licence(None, "")

    def _of_file(self, file: Path) -> WeightLicence | None:
        """Return the licence of a weight file: unknown unless it is a model of this program that says it.

        None if that model began with random weights.
        """
        try:
            state = file, file.stat().st_mtime_ns
        except OSError:
            return WeightLicence(file.name, UNKNOWN)
        if self._read is None or self._read[0] != state:
            origin: Mapping[str, str] = {}
            with contextlib.suppress(S3NError):  # weights of another program
                origin = read_header(file).network.origin
            self._read = state, licence_of(origin) if origin else WeightLicence(file.name, UNKNOWN)
        return self._read[1]
