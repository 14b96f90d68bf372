"""What the form of a new training remembers between starts of the program, for each data set its own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from PySide6.QtCore import QObject

from s3n_core.datasets.records import DataSet
from s3n_gui.state.session import Session, ValidationShare
from s3n_gui.training.recipe.recipe_form import RecipeForm

_MOST_DATA_SETS = 30


@dataclass(frozen=True, slots=True)
class FormValues:
    """The values of the form.

    Attributes:
        recipe: The name of the recipe.
        settings: The settings that differ from it, as JSON values.
        name: The name of the run, if a person entered it; else empty.
    """

    recipe: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


class FormMemory(QObject):
    """Keeps the values of the form: those of each data set, and the last ones for a data set that is new.

    The name of a run belongs to its data set; a new one gets a proposed name.
    """

    def __init__(self, form: RecipeForm, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._form, self._session = form, session
        self._by_data: dict[str, FormValues] = {}
        self._root = _root_of(session.data_set)
        session.data_set_changed.connect(self._on_data_set)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        self._keep()
        listed = list(self._by_data.items())[-_MOST_DATA_SETS:]
        return {"last": asdict(self._values()), "data_sets": {root: asdict(values) for root, values in listed}}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Restore what ``to_dict`` returned; what is not valid is dropped."""
        by_data = kept.get("data_sets")
        if isinstance(by_data, Mapping):
            found = {str(root): _values_of(values) for root, values in by_data.items()}
            self._by_data = {root: values for root, values in found.items() if values is not None}
        values = self._by_data.get(self._root) or _values_of(kept.get("last"))
        if values is not None:
            self._show(values)

    def _on_data_set(self, data_set: DataSet | None) -> None:
        root = _root_of(data_set)
        if root == self._root:
            return
        self._keep()
        self._root = root
        values = self._by_data.get(root)
        if values is not None:
            self._show(values)
        else:
            self._form.name.setModified(False)

    def _keep(self) -> None:
        if self._root:
            self._by_data.pop(self._root, None)  # moves it to the end: the last used data sets stay
            self._by_data[self._root] = self._values()

    def _values(self) -> FormValues:
        form, choice = self._form, self._form.choice
        name = form.name.text().strip() if form.name.isModified() else ""
        return FormValues(choice.recipe.name, choice.settings, name)

    def _show(self, values: FormValues) -> None:
        form, session = self._form, self._session
        form.restore(values.recipe, values.settings)
        share = ValidationShare(float(form.choice.value("validation")), int(form.choice.value("split_seed")))
        changed = form.choice.is_changed("validation") or form.choice.is_changed("split_seed")
        if changed or session.validation != ValidationShare():  # else the recipe's own share stays in force
            session.validation = share
        self._form.name.setModified(False)
        if values.name and self._root in self._by_data:
            self._form.name.setText(values.name)
            self._form.name.setModified(True)


def _root_of(data_set: DataSet | None) -> str:
    return "" if data_set is None else str(data_set.root)


def _values_of(kept: object) -> FormValues | None:
    if not isinstance(kept, Mapping) or not isinstance(kept.get("recipe"), str):
        return None
    settings, name = kept.get("settings"), kept.get("name")
    return FormValues(
        kept["recipe"],
        dict(settings) if isinstance(settings, Mapping) else {},
        name if isinstance(name, str) else "",
    )
