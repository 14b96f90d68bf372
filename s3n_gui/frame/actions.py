"""All that can be done by menu or key: one table, which menus, shortcuts and the list of shortcuts are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from s3n_gui.appearance.theme import set_icon

Menu = Literal["", "File", "Edit", "View", "Run", "Help"]
MENUS: tuple[Menu, ...] = ("File", "Edit", "View", "Run", "Help")


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the table.

    Attributes:
        id: Its name in the code: "open-data".
        menu: The menu that it stands in; "" for a key that a page's widget handles itself (it is only listed).
        text: What the menu says: a verb and its object.
        shortcut: Keys as Qt writes them ("Ctrl+O"); several are separated by "; "; may be empty. Of a row without a menu: words
            for the list ("Arrow keys").
        icon: Name of an icon, or "".
        tip: A few words for the status tip, the tool tip and the list of shortcuts.
        page: The page that it belongs to; "" for the whole window.
        separated: Whether a line stands above it in the menu.
        checkable: Whether it shows a tick.
    """

    id: str
    menu: Menu
    text: str
    shortcut: str = ""
    icon: str = ""
    tip: str = ""
    page: str = ""
    separated: bool = False
    checkable: bool = False


_DATA: tuple[Action, ...] = (
    Action("data-find", "Edit", "Find images", "Ctrl+F", "search", "Images whose name or class holds some words", "data", True),
    Action("data-left-out", "", "Leave out or take back", "Delete", "", "The selected images, of training only", "data"),
    Action("data-check", "Run", "Check images", "Ctrl+K", "check", "Find what is broken, double or too little", "data"),
    Action("data-inspect", "", "Inspect the image", "Enter", "", "Look inside it with the current model", "data"),
    Action("data-all", "", "Show all images", "Esc", "", "Drop all filters", "data"),
)  # fmt: skip


def _of_inspect(
    id: str, menu: Menu, text: str, shortcut: str, icon: str, tip: str, *, separated: bool = False
) -> Action:
    return Action(f"inspect-{id}", menu, text, shortcut, icon, tip, page="inspect", separated=separated)


_INSPECT: tuple[Action, ...] = (
    _of_inspect("previous", "View", "Previous image", "PgUp", "chevron-left", "The image before in the list", separated=True),
    _of_inspect("next", "View", "Next image", "PgDown", "chevron-right", "The image after this one in the list"),
    _of_inspect("mistake", "View", "Next mistake", "M", "", "The next image whose answer is not its label"),
    _of_inspect("disagreement", "View", "Next disagreement", "D", "", "The next image on which O, D and C disagree"),
    _of_inspect("peaks", "View", "Peaks in all panes", "P", "target", "Mark the peaks in all panes, or in none", separated=True),
    _of_inspect("grid", "View", "Grid lines in all panes", "G", "grid", "Draw the sampling grids in all panes, or in none"),
    _of_inspect("alone", "View", "One pane alone", "F", "maximise", "Show the pane with the focus alone, or all again"),
    _of_inspect("compare", "View", "Two models on this image", "C", "compare", "Compare with another model"),
    _of_inspect("whole", "View", "Whole images", "0", "restore", "Zoom all panes out"),
    _of_inspect("switch", "Edit", "Switch peak off or on", "X", "", "Leave the chosen peak out, or take it in", separated=True),
    _of_inspect("flip", "Edit", "Move peak to the other set", "S", "", "The chosen peak goes from T_d to T_c, or back"),
    _of_inspect("reset", "Edit", "Put everything back", "R", "reset", "Numbers and peaks as the model has them"),
    _of_inspect("original", "", "Show the plain original", "Space", "", "While the key is held, in every pane"),
    _of_inspect("nudge", "", "Nudge the chosen peak", "Arrow keys", "", "By one cell of R; with Shift by three"),
    _of_inspect("escape", "", "Choose no peak, stop looking", "Esc", "", "Also shows all panes again"),
    _of_inspect("zoom", "", "Zoom", "+ and -", "", "Or turn the wheel; drag to pan; double-click for one pane alone"),
)  # fmt: skip


def _of_train(id: str, menu: Menu, text: str, shortcut: str, icon: str, tip: str, *, separated: bool = False) -> Action:
    return Action(f"train-{id}", menu, text, shortcut, icon, tip, page="train", separated=separated)


_TRAIN: tuple[Action, ...] = (
    _of_train("picture", "File", "Save curves as picture…", "Ctrl+Shift+S", "image", "The charts, as PNG", separated=True),
    _of_train("table", "File", "Save curves as table…", "Ctrl+S", "save", "All that was measured, as CSV"),
    _of_train("rename", "Edit", "Rename run…", "F2", "", "The chosen run of the list, or the shown one", separated=True),
    _of_train("trash", "Edit", "Move run to trash", "", "trash", "The chosen run of the list, or the shown one"),
    _of_train("alone", "View", "One chart alone", "F", "maximise", "The one with the focus, or all", separated=True),
    _of_train("whole", "View", "All epochs", "0", "restore", "Zoom all charts out"),
    _of_train("log", "View", "Log axis", "L", "", "Equal ratios take equal room, or equal differences"),
    _of_train("side", "View", "New training and runs", "Ctrl+[", "panel-left", "Show or hide the left part", separated=True),
    _of_train("strip", "View", "What it looks at", "Ctrl+]", "panel-right", "Show or hide the pictures at the right"),
    _of_train("runs", "View", "List of runs", "Ctrl+L", "run", "All runs: show, compare, rename"),
    _of_train("start", "Run", "Start training", "Ctrl+Return", "play", "Train a new model as the form says"),
    _of_train("pause", "Run", "Pause or go on", "Ctrl+P", "pause", "Wait after this batch; the model stays in memory"),
    _of_train("stop", "Run", "Stop and keep", "Ctrl+.", "stop", "End after this batch; everything is kept and can be resumed"),
    _of_train("stop-now", "Run", "Stop now", "", "", "Do not wait for the batch; what the last checkpoint holds is kept"),
    _of_train("discard", "Run", "Discard", "", "discard", "Stop and move the run to the trash"),
    _of_train("resume", "Run", "Resume training", "Ctrl+R", "play", "Go on with the shown run from its last checkpoint"),
    _of_train("inspect", "Run", "Inspect the model", "Ctrl+I", "inspect", "With the best model of the shown run", separated=True),
    _of_train("zoom", "", "Zoom the curves", "+ and -", "", "Or Ctrl and wheel; arrows and dragging move, Home shows all epochs"),
    _of_train("escape", "", "All charts again", "Esc", "", "After one was shown alone, by F or by a double click"),
    _of_train("list", "", "Show, compare, trash a run", "Enter, Space, Delete", "", "In the list of runs"),
)  # fmt: skip


def _of_predict(
    id: str, menu: Menu, text: str, shortcut: str, icon: str, tip: str, *, separated: bool = False
) -> Action:
    return Action(f"predict-{id}", menu, text, shortcut, icon, tip, page="predict", separated=separated)


_PREDICT: tuple[Action, ...] = (
    _of_predict("save", "File", "Save predictions as…", "Ctrl+S", "save", "What the table shows, as CSV or JSON", separated=True),
    _of_predict("find", "Edit", "Find in the table", "Ctrl+F", "search", "Rows by file, class or label", separated=True),
    _of_predict("start", "Run", "Predict", "Ctrl+Return", "play", "Predict the chosen images, or go on where it stopped"),
    _of_predict("stop", "Run", "Stop predicting", "Ctrl+.", "stop", "The rows that are there are kept"),
    _of_predict("matrix", "View", "Large confusion matrix", "Ctrl+M", "maximise", "Esc makes it small", separated=True),
    _of_predict("preview", "", "Look at a row's image and its peaks", "Space", "", "Space or Esc puts it away; arrows go on"),
    _of_predict("open", "", "Look inside a row's image", "Enter", "", "Opens the page Inspect"),
)  # fmt: skip


def _of_export(
    id: str, menu: Menu, text: str, shortcut: str, icon: str, tip: str, *, separated: bool = False
) -> Action:
    return Action(f"export-{id}", menu, text, shortcut, icon, tip, page="export", separated=separated)


_EXPORT: tuple[Action, ...] = (
    _of_export("copy", "Edit", "Copy the s3n command", "Ctrl+Shift+C", "copy", "Exactly what Export runs", separated=True),
    _of_export("whole", "View", "Whole picture", "Ctrl+9", "restore", "Zoom the preview out", separated=True),
    _of_export("start", "Run", "Export", "Ctrl+Return", "export", "Write all files, or go on where it stopped"),
    _of_export("stop", "Run", "Stop exporting", "Ctrl+.", "stop", "Each file that is there is whole"),
    _of_export("zoom", "", "Zoom the preview", "+ and -", "", "Or turn the wheel; 0 shows it whole, 1 at its own size"),
)  # fmt: skip


ACTIONS: tuple[Action, ...] = (
    Action("open-data", "File", "Open data set…", "Ctrl+O", "open", "Choose a folder of images sorted by class"),
    Action("open-model", "File", "Open model…", "Ctrl+Shift+O", "model", "Choose a model file of this program"),
    Action("open-run", "File", "Open run…", "", "run", "Choose the folder of a training run"),
    Action("open-demo", "File", "Try the demo", "", "play", "Look inside drawn birds with a model that comes along"),
    Action("settings", "File", "Settings…", "Ctrl+,", "settings", "Theme, text size, device, folders", separated=True),
    Action("quit", "File", "Quit", "Ctrl+Q", "", "Close the window; a training may go on", separated=True),
    Action("undo", "Edit", "Undo", "Ctrl+Z", "undo", "Take back the last change on this page"),
    Action("redo", "Edit", "Redo", "Ctrl+Shift+Z; Ctrl+Y", "redo", "Make the change again"),
    Action("theme-system", "View", "Desktop's theme", "", "", "As the desktop is", separated=True, checkable=True),
    Action("theme-light", "View", "Light theme", "", "", "Dark text on a light ground", checkable=True),
    Action("theme-dark", "View", "Dark theme", "", "", "Light text on a dark ground", checkable=True),
    Action("text-larger", "View", "Larger text", "Ctrl++; Ctrl+=", "plus", "All text a step larger", separated=True),
    Action("text-smaller", "View", "Smaller text", "Ctrl+-", "minus", "All text a step smaller"),
    Action("text-normal", "View", "Normal text", "Ctrl+0", "", "All text at its normal size"),
    Action("full-screen", "View", "Full screen", "F11", "", "The window alone on the screen", separated=True, checkable=True),
    *_DATA,
    *_TRAIN,
    *_INSPECT,
    *_PREDICT,
    *_EXPORT,
    Action("jobs", "Run", "Show jobs", "Ctrl+J", "layers", "All that runs and what has ended"),
    Action("page-help", "Help", "Help for this page", "F1", "help", "What this page shows and how to use it"),
    Action("glossary", "Help", "Symbols of the method", "Shift+F1", "book", "R, H, δ, ζ, Q and the equations they come from"),
    Action("shortcuts", "Help", "Keyboard shortcuts", "Ctrl+/", "keyboard", "All keys of this program"),
    Action("copy-diagnostics", "Help", "Copy diagnostics", "", "copy", "Versions and machine, for a report", separated=True),
    Action("open-logs", "Help", "Open log folder", "", "folder", "Where the program writes what it did"),
    Action("about", "Help", "About S3N Studio", "", "info", "Version, citation, licences", separated=True),
)  # fmt: skip
"""Every action of the window and of its pages, in the order of the menus."""


def make_actions(owner: QWidget) -> dict[str, QAction]:
    """Make a ``QAction`` for every row that stands in a menu.

    Args:
        owner: The window; it owns the actions, and their shortcuts work in it.

    Returns:
        The actions by id, all switched off: `CommandTable` switches on what can be done.
    """
    made: dict[str, QAction] = {}
    for row in ACTIONS:
        if not row.menu:
            continue
        action = QAction(row.text, owner)
        action.setObjectName(row.id)
        action.setShortcuts([QKeySequence(keys) for keys in row.shortcut.split("; ") if keys])
        action.setStatusTip(row.tip)
        action.setToolTip(f"{row.tip} ({row.shortcut.split('; ')[0]})" if row.shortcut else row.tip)
        action.setCheckable(row.checkable)
        action.setEnabled(False)
        if row.icon:
            set_icon(action, row.icon)
        owner.addAction(action)
        made[row.id] = action
    return made


class CommandTable:
    """Who does what an action asks for: the page that is shown, else the window."""

    def __init__(self, actions: Mapping[str, QAction], window_commands: Mapping[str, Callable[[], object]]) -> None:
        self._actions = actions
        self._commands: dict[str, Callable[[], object]] = dict(window_commands)
        self._of_page: dict[str, Callable[[], object]] = {}
        for name in window_commands:
            actions[name].setEnabled(True)

    def show_page(self, commands: Mapping[str, Callable[[], object]]) -> None:
        """Let the actions of a page do what ``commands`` says, and switch off those of the page before."""
        for name in self._of_page.keys() - self._commands.keys():
            self._actions[name].setEnabled(False)
        self._of_page = {name: command for name, command in commands.items() if name in self._actions}
        for name in self._of_page:
            self._actions[name].setEnabled(True)

    def trigger(self, name: str) -> None:
        """Do what the action ``name`` asks for; nothing where nobody does it now."""
        command = self._of_page.get(name) or self._commands.get(name)
        if command is not None:
            command()


def shortcut_text(row: Action) -> str:
    """Return an action's keys as this desktop writes them ("⌘O" on a Mac)."""
    form = QKeySequence.SequenceFormat.NativeText
    if not row.menu:
        return row.shortcut
    return ", ".join(QKeySequence(keys).toString(form) for keys in row.shortcut.split("; ") if keys)
