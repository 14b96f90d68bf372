"""The chosen recipe and its changed settings. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3n_core.datasets.records import DataSet
from s3n_core.errors import RecipeError
from s3n_core.inspection.view import PlaceAccuracy, network_accuracy
from s3n_core.system.number_texts import read_fraction
from s3n_core.training.recipe import Recipe
from s3n_core.training.recipes import RECIPES, find_recipe
from s3n_gui.training.recipe.recipe_fields import RecipeField, changed_settings, recipe_fields, recipe_values


class RecipeChoice:
    """A named recipe and its changed settings, with validation.

    Attributes:
        fields: All settings.
        recipe: The unchanged recipe.
    """

    def __init__(self, name: str = "quick") -> None:
        self.fields: tuple[RecipeField, ...] = recipe_fields()
        self._by_name = {field.name: field for field in self.fields}
        self._unread: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self.recipe: Recipe = find_recipe(name)
        self.choose(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all recipes."""
        return tuple(RECIPES)

    def choose(self, name: str) -> None:
        """Choose a recipe and reset all settings.

        Raises:
            RecipeError: There is no recipe with that name.
        """
        self.recipe = find_recipe(name)
        self._values = recipe_values(self.recipe)
        self._unread = {}

    def restore(self, name: str, settings: Mapping[str, Any]) -> None:
        """Choose a recipe and change settings as they were kept; what this version does not allow is dropped.

        Raises:
            RecipeError: There is no recipe with that name.
        """
        self.choose(name)
        known = [setting for setting in settings if setting in self._by_name]
        for setting in known:
            value = settings[setting]
            self.put(setting, str(value) if self._by_name[setting].kind == "choice" else value)
        while self.problem and known:  # the last ones first: settings may be allowed only together
            self.reset(known.pop())

    def value(self, name: str) -> Any:
        """Return a setting's value."""
        return self._values[name]

    def text(self, name: str) -> str:
        """Return a setting's value as the user writes it."""
        return self._by_name[name].text_of(self._values[name])

    def put(self, name: str, value: Any) -> None:
        """Change a setting; parses texts of numbers and lists."""
        field = self._by_name[name]
        self._unread.pop(name, None)
        try:
            if field.kind == "number" and isinstance(value, str):
                value = _number(field, value)
            elif field.kind in ("text", "file") and isinstance(value, str):
                value = field.value_of(value)
            elif field.kind == "choice" and value not in field.choices:
                raise RecipeError(f"{field.title}: there is no choice {value!r}.")
            elif field.kind == "choice" and isinstance(recipe_values(self.recipe)[name], int):
                value = int(value)
        except RecipeError as error:
            self._unread[name] = str(error)
            return
        self._values[name] = value

    def refuse(self, name: str, sentence: str) -> None:
        """Note why what is typed for a setting is no value of it; an empty sentence forgets that."""
        self._unread.pop(name, None)
        if sentence:
            self._unread[name] = f"{self._by_name[name].title}: {sentence}"

    def reset(self, name: str) -> None:
        """Restore the recipe's own value."""
        self._unread.pop(name, None)
        self._values[name] = recipe_values(self.recipe)[name]

    def is_changed(self, name: str) -> bool:
        """Return whether a setting differs from the recipe."""
        return name in self._unread or bool(changed_settings(self.recipe, {name: self._values[name]}))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that differ from the recipe, in the form of ``TrainingRequest.settings``."""
        return changed_settings(self.recipe, self._values)

    @property
    def problem(self) -> str:
        """What is wrong with the settings, as a sentence; empty if they are valid."""
        if self._unread:
            return next(iter(self._unread.values()))
        try:
            self.recipe.changed(self.settings)
        except RecipeError as error:
            return str(error)
        return ""

    @property
    def place_accuracy(self) -> PlaceAccuracy | None:
        """How fine the places of the network will be; None if the settings are not valid."""
        if self._unread:
            return None
        try:
            recipe = self.recipe.changed(self.settings)
        except RecipeError:
            return None
        return network_accuracy(recipe.network, cropped=recipe.resize != "squash")

    def source(self, name: str) -> str:
        """Return the source of a value that is not from the paper; otherwise empty."""
        return self.recipe.sources.get(name, "")


def data_problem(data_set: DataSet | None) -> str:
    """Return why a data set cannot be used for training, as a sentence; empty if it can."""
    if data_set is None:
        return "Open a data set first: a folder with one subfolder per class."
    if len(data_set.classes) < 2:
        return "This data set has no classes. Open a folder with one subfolder per class."
    return ""


def _number(field: RecipeField, text: str) -> float:
    try:
        return read_fraction(text)
    except ValueError as error:
        raise RecipeError(f"{field.title}: {error}") from None
