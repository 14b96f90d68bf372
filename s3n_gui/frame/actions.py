"""The table of all actions, from which menus, shortcuts and the list of shortcuts are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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
        menu: Its menu; "" for a key that a page's widget handles itself and that is only listed.
        text: The menu text: a verb and its object.
        shortcut: Keys in Qt's notation ("Ctrl+O"), several separated by "; "; may be empty. Without a menu: the text of
            the list of shortcuts ("Arrow keys").
        icon: Name of an icon, or "".
        tip: A few words for the status tip, the tooltip and the list of shortcuts.
        page: The page that it belongs to; "" for the whole window.
        separated: Whether the menu has a separator above it.
        checkable: Whether it can be checked.
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


def _of(
    page: str, id: str, menu: Menu, text: str, shortcut: str, icon: str, tip: str, *, separated: bool = False
) -> Action:
    """Return an action of a page, whose name begins with the page's."""
    return Action(f"{page}-{id}", menu, text, shortcut, icon, tip, page=page, separated=separated)


_DATA: tuple[Action, ...] = (
    Action("data-find", "Edit", "Find images", "Ctrl+F", "search", "Find images by name, class or tag", "data", True),
    Action("data-left", "View", "Classes and split", "Ctrl+[", "panel-left", "Show or hide the left side", "data", True),
    Action("data-right", "View", "Selected image and findings", "Ctrl+]", "panel-right", "Show or hide the right side", "data"),
    Action("data-left-out", "", "Leave out or include again", "Delete", "", "Selected images, in training only", "data"),
    Action("data-tag", "Edit", "Tag images…", "T", "tag", "Give the selected images tags of your own, or take some away", "data"),
    Action("data-import-tags", "File", "Import tags…", "", "", "Add the tags of a table (path, tag)", "data", True),
    Action("data-export-tags", "File", "Export tags…", "", "", "Save all tags as a table (path, tag)", "data"),
    Action("data-check", "Run", "Check images", "Ctrl+K", "check", "Find broken files, duplicates, small classes", "data"),
    Action("data-inspect", "", "Inspect the image", "Enter", "", "Inspect it with the current model", "data"),
    Action("data-all", "", "Show all images", "Esc", "", "Clear all filters", "data"),
)  # fmt: skip


_of_inspect = partial(_of, "inspect")
_INSPECT: tuple[Action, ...] = (
    _of_inspect("previous", "View", "Previous image", "PgUp", "chevron-left", "The previous image in the list", separated=True),
    _of_inspect("next", "View", "Next image", "PgDown", "chevron-right", "The next image in the list"),
    _of_inspect("mistake", "View", "Next mistake", "M", "", "The next image that is predicted wrongly"),
    _of_inspect("disagreement", "View", "Next disagreement", "D", "", "The next image on which O, D and C disagree"),
    _of_inspect("row", "View", "Show in the predictions", "T", "predict", "The row of this image on the Predict page"),
    _of_inspect("peaks", "View", "Peaks in all panes", "P", "target", "Show or hide the peaks in all panes", separated=True),
    _of_inspect("grid", "View", "Grid lines in all panes", "G", "grid", "Show or hide the sampling grids in all panes"),
    _of_inspect("annotations", "View", "Boxes and key points", "B", "annotation", "Show or hide those of the data set"),
    _of_inspect("symbols", "View", "Symbols", "Y", "symbols", "Show or hide the paper's symbols beside the plain words"),
    _of_inspect("why", "View", "Why this class", "W", "", "Contributions to the class over its rival, and their ledger"),
    _of_inspect("alone", "View", "Maximise pane", "F", "maximise", "The focused pane alone, or all panes"),
    _of_inspect("compare", "View", "Compare two models", "C", "compare", "Compare with another model on this image"),
    _of_inspect("whole", "View", "Fit images", "0", "restore", "Fit all images to their panes"),
    _of_inspect("switch", "Edit", "Switch peak off or on", "X", "", "Exclude or include the selected peak", separated=True),
    _of_inspect("flip", "Edit", "Move peak to C or D", "S", "", "Move the selected peak from T_d to T_c, or back"),
    _of_inspect("hide", "Edit", "Hide this place", "H", "", "In the original: the selected peak, or the place under the mouse"),
    _of_inspect("reset", "Edit", "Reset all", "R", "reset", "Restore the model's own numbers and peaks"),
    _of_inspect("original", "", "Show the original", "Space", "", "In every pane, while you hold the key"),
    _of_inspect("nudge", "", "Move the selected peak", "Arrow keys", "", "By one cell of R; by three with Shift"),
    _of_inspect("escape", "", "Deselect the peak", "Esc", "", "Also shows all panes again"),
    _of_inspect("zoom", "", "Zoom", "+ and -", "", "Or use the wheel; drag to pan; double-click to maximise a pane"),
)  # fmt: skip


_of_train = partial(_of, "train")
_TRAIN: tuple[Action, ...] = (
    _of_train("picture", "File", "Save curves as image…", "Ctrl+Shift+S", "image", "Save the charts as PNG", separated=True),
    _of_train("table", "File", "Save curves as table…", "Ctrl+S", "save", "Save all values as CSV"),
    _of_train("rename", "Edit", "Rename run…", "F2", "", "The run selected in the list, or the one shown", separated=True),
    _of_train("trash", "Edit", "Move run to trash", "", "trash", "The run selected in the list, or the one shown"),
    _of_train("alone", "View", "Maximise chart", "F", "maximise", "The focused chart alone, or all charts", separated=True),
    _of_train("whole", "View", "All epochs", "0", "restore", "Show all epochs in all charts"),
    _of_train("log", "View", "Log axis", "L", "", "Switch between a logarithmic and a linear axis"),
    _of_train("details", "View", "Details", "D", "", "Show all charts, or only loss and accuracy"),
    _of_train("side", "View", "New training and runs", "Ctrl+[", "panel-left", "Show or hide the left side", separated=True),
    _of_train("strip", "View", "What it looks at", "Ctrl+]", "panel-right", "Show or hide the images on the right"),
    _of_train("runs", "View", "List of runs", "Ctrl+L", "run", "Show, compare and rename runs"),
    _of_train("start", "Run", "Start training", "Ctrl+Return", "play", "Train a new model with the settings of the form"),
    _of_train("pause", "Run", "Pause or resume", "Ctrl+Shift+R", "pause", "Pause after this batch; the model stays in memory"),
    _of_train("stop", "Run", "Stop and keep", "Ctrl+.", "stop", "Stop after this batch; everything is kept and you can resume"),
    _of_train("stop-now", "Run", "Stop now", "", "", "Stop without waiting for the batch; the last checkpoint is kept"),
    _of_train("discard", "Run", "Discard", "", "discard", "Stop and move the run to the trash"),
    _of_train("resume", "Run", "Resume training", "Ctrl+R", "play", "Resume this run from its last checkpoint"),
    _of_train("longer", "Run", "Train longer…", "", "", "Train this finished run for more epochs"),
    _of_train("pack", "Run", "Pack for another machine…", "", "", "Write this run into one file, to train it elsewhere"),
    _of_train("unpack", "Run", "Take a packed run back…", "", "", "Unpack a run that another machine has packed"),
    _of_train("use", "Run", "Use this model", "Ctrl+U", "model", "Make the best epoch of this run current", separated=True),
    _of_train("inspect", "Run", "Inspect its mistakes", "Ctrl+I", "inspect", "Images that this run's model predicts wrongly"),
    _of_train("predict", "Run", "Predict a folder…", "", "predict", "Choose images and predict them with the model of this run"),
    _of_train("evaluate", "Run", "Evaluate on test images", "", "target", "Accuracy of this run's model on the test images"),
    _of_train("zoom", "", "Zoom the curves", "+ and -", "", "Or Ctrl and wheel; arrow keys move, Home shows all"),
    _of_train("escape", "", "Show all charts", "Esc", "", "After one was maximised with F or a double-click"),
    _of_train("list", "", "Show, compare, delete a run", "Enter, Space, Delete", "", "In the list of runs"),
)  # fmt: skip


_of_predict = partial(_of, "predict")
_PREDICT: tuple[Action, ...] = (
    _of_predict("save", "File", "Save predictions as…", "Ctrl+S", "save", "Save the table as CSV or JSON", separated=True),
    _of_predict("find", "Edit", "Find in the table", "Ctrl+F", "search", "Find rows by file, class or label", separated=True),
    _of_predict("start", "Run", "Predict", "Ctrl+Return", "play", "Predict the chosen images, or continue where it stopped"),
    _of_predict("stop", "Run", "Stop predicting", "Ctrl+.", "stop", "Keep the rows that are done"),
    _of_predict("matrix", "View", "Large confusion matrix", "Ctrl+M", "maximise", "Esc makes it small again", separated=True),
    _of_predict("images", "View", "Table or images", "Ctrl+G", "data", "Show the rows as a table or as images with their peaks"),
    _of_predict("cards", "View", "Accuracy and confusion", "Ctrl+]", "panel-bottom", "Show or hide the cards below the rows"),
    _of_predict("preview", "", "Preview an image", "Space", "", "Space or Esc closes it; arrow keys change the row"),
    _of_predict("open", "", "Inspect a row's image", "Enter", "", "Open the image on the Inspect page"),
)  # fmt: skip


_of_parts = partial(_of, "parts")
_PARTS: tuple[Action, ...] = (
    _of_parts("open", "File", "Open atlas…", "Ctrl+Shift+A", "parts", "Choose the folder of an atlas", separated=True),
    _of_parts("rename", "Edit", "Rename part", "F2", "", "Name the selected part", separated=True),
    _of_parts("split", "Edit", "Split part", "", "", "Divide the selected part into two"),
    _of_parts("hide", "Edit", "Hide part", "", "", "What it contributes then stands in the row of no part"),
    _of_parts("swap", "View", "Exchange the classes", "X", "swap", "Class A becomes class B", separated=True),
    _of_parts("next", "View", "Next part", "J", "", "The next part in the list"),
    _of_parts("previous", "View", "Previous part", "K", "", "The previous part in the list"),
    _of_parts("next-pair", "View", "Next pair of classes", "]", "", "The next pair in the list at the left"),
    _of_parts("previous-pair", "View", "Previous pair of classes", "[", "", "The previous pair in the list at the left"),
    _of_parts("left", "View", "Pairs of classes", "Ctrl+[", "panel-left", "Show or hide the left side", separated=True),
    _of_parts("right", "View", "Selected part", "Ctrl+]", "panel-right", "Show or hide the right side"),
    _of_parts("start", "Run", "Find parts or compare", "Ctrl+Return", "play", "Find parts; then: compare the two classes"),
    _of_parts("stop", "Run", "Stop finding parts or comparing", "Ctrl+.", "stop", "What a search has found is kept"),
    _of_parts("new", "Run", "New search for parts", "", "", "Choose other images or another number of parts"),
    _of_parts("crops", "", "Go from crop to crop", "Left and Right", "", "In the row of the selected part"),
    _of_parts("move", "", "Move the peak to another part", "M", "", "Of the selected crop; or drag the crop onto the part"),
    _of_parts("hidden", "", "Show the place hidden", "H", "", "Of the selected crop; or hold Alt over any crop"),
    _of_parts("large", "", "Show the photograph", "Space", "", "Of the selected crop; Space or Esc closes it"),
    _of_parts("inspect", "", "Inspect the image", "Enter", "", "Of the selected crop, among the images with the part"),
)  # fmt: skip


_of_export = partial(_of, "export")
_EXPORT: tuple[Action, ...] = (
    _of_export("copy", "Edit", "Copy the s3n command", "Ctrl+Shift+C", "copy", "The command that Export runs", separated=True),
    _of_export("whole", "View", "Fit preview", "Ctrl+9", "restore", "Fit the preview to its panel", separated=True),
    _of_export("start", "Run", "Export", "Ctrl+Return", "export", "Write all files, or continue where it stopped"),
    _of_export("stop", "Run", "Stop exporting", "Ctrl+.", "stop", "Files that are already written are kept"),
    _of_export("zoom", "", "Zoom the preview", "+ and -", "", "Or use the wheel; 0 fits, 1 shows the actual size"),
)  # fmt: skip


ACTIONS: tuple[Action, ...] = (
    Action("open-data", "File", "Open data set…", "Ctrl+O", "open", "Choose a folder with one subfolder per class"),
    Action("open-model", "File", "Open model…", "Ctrl+Shift+O", "model", "Choose a model file (.safetensors)"),
    Action("open-run", "File", "Open run…", "", "run", "Choose a run folder"),
    Action("open-demo", "File", "Try the demo", "", "play", "Open synthetic birds and a small model trained on them"),
    Action("weights", "File", "Backbones and weights…", "", "layers", "Search backbones, get pretrained weights", separated=True),
    Action("settings", "File", "Settings…", "Ctrl+,", "settings", "Change theme, text size, device and folders"),
    Action("quit", "File", "Quit", "Ctrl+Q", "", "Close the window; training can continue in the background", separated=True),
    Action("undo", "Edit", "Undo", "Ctrl+Z", "undo", "Undo the last change on this page"),
    Action("redo", "Edit", "Redo", "Ctrl+Shift+Z; Ctrl+Y", "redo", "Redo the change"),
    Action("palette", "View", "Search everything…", "Ctrl+P", "search", "Find actions, images, runs, classes", separated=True),
    Action("menus", "", "Open the menus", "F10", "", "Or hold Alt and press the underlined letter of a menu"),
    Action("theme-system", "View", "Match system", "", "", "Use the system's theme", separated=True, checkable=True),
    Action("theme-light", "View", "Light theme", "", "", "Dark text on a light background", checkable=True),
    Action("theme-dark", "View", "Dark theme", "", "", "Light text on a dark background", checkable=True),
    Action("text-larger", "View", "Larger text", "Ctrl++; Ctrl+=", "plus", "Make all text larger", separated=True),
    Action("text-smaller", "View", "Smaller text", "Ctrl+-", "minus", "Make all text smaller"),
    Action("text-normal", "View", "Normal text", "Ctrl+0", "", "Reset the text size"),
    Action("full-screen", "View", "Full screen", "F11", "", "Fill the screen with the window", separated=True, checkable=True),
    *_DATA,
    *_TRAIN,
    *_INSPECT,
    *_PREDICT,
    *_PARTS,
    *_EXPORT,
    Action("jobs", "Run", "Show jobs", "Ctrl+J", "layers", "Show running and finished jobs"),
    Action("page-help", "Help", "Help for this page", "F1", "help", "What this page shows and how to use it"),
    Action("glossary", "Help", "Symbols of the method", "Shift+F1", "book", "R, H, δ, ζ, Q and the equations they come from"),
    Action("shortcuts", "Help", "Keyboard shortcuts", "Ctrl+/", "keyboard", "Show all keyboard shortcuts"),
    Action("copy-diagnostics", "Help", "Copy diagnostics", "", "copy", "Versions and system, for a bug report", separated=True),
    Action("open-logs", "Help", "Open log folder", "", "folder", "Open the folder with the log files"),
    Action("about", "Help", "About S3N Studio", "", "info", "Version, citation, licences", separated=True),
)  # fmt: skip
"""Every action of the window and of its pages, in the order of the menus."""


def make_actions(owner: QWidget) -> dict[str, QAction]:
    """Create a ``QAction`` for every row with a menu.

    Args:
        owner: The window, which owns the actions and in which their shortcuts work.

    Returns:
        The actions by id, all disabled: `CommandTable` enables those that have a command.
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
    """Maps actions to commands: those of the current page, else those of the window."""

    def __init__(self, actions: Mapping[str, QAction], window_commands: Mapping[str, Callable[[], object]]) -> None:
        self._actions = actions
        self._commands: dict[str, Callable[[], object]] = dict(window_commands)
        self._of_page: dict[str, Callable[[], object]] = {}
        for name in window_commands:
            actions[name].setEnabled(True)

    def show_page(self, commands: Mapping[str, Callable[[], object]]) -> None:
        """Replace the previous page's commands by ``commands``, and enable and disable actions accordingly."""
        for name in self._of_page.keys() - self._commands.keys():
            self._actions[name].setEnabled(False)
        self._of_page = {name: command for name, command in commands.items() if name in self._actions}
        for name in self._of_page:
            self._actions[name].setEnabled(True)

    def trigger(self, name: str) -> None:
        """Run the command of the action ``name``, if it has one now."""
        command = self._of_page.get(name) or self._commands.get(name)
        if command is not None:
            command()


def shortcut_text(row: Action) -> str:
    """Return an action's keys in the system's notation ("⌘O" on a Mac)."""
    form = QKeySequence.SequenceFormat.NativeText
    if not row.menu:
        return row.shortcut
    return ", ".join(QKeySequence(keys).toString(form) for keys in row.shortcut.split("; ") if keys)
