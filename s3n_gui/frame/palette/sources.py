"""What the palette can find, gathered from the window: actions, pages, images, runs, models, data sets and classes.

Everything is opened by the actions and openers that menus and pages use, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction

from s3n_core.datasets.records import DataSet, displayed_class
from s3n_core.datasets.validation_images import other_validation
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.appearance.wording import ago_text, count_text, place_text
from s3n_gui.background.low_priority import low_priority
from s3n_gui.background.tasks import Tasks
from s3n_gui.frame.actions import ACTIONS, Action, shortcut_text
from s3n_gui.frame.pages import PageEntry, Studio
from s3n_gui.frame.palette.entry import Entry, EntryGroup
from s3n_gui.frame.palette.name_index import SCATTERED, SEVERAL, Match, NameIndex
from s3n_gui.state.opening import data_set_title, model_title
from s3n_gui.state.recent import Kind
from s3n_gui.state.run_text import run_detail
from s3n_gui.state.window_layout import WindowLayout

_SHOWN = 7
"""Entries of one group that are shown for a query."""
_SHOWN_EMPTY = 5
"""Entries of one group that are shown before anything is typed."""
_MOST_CHOICES = 30
_AFTER_RECENT_IMAGES = 3  # behind pages, actions and recent images
_NOT_LISTED = frozenset({"palette"})
_LAYOUT_KEY = "palette"
_CLASSES = "Classes"
_RECENT_KINDS: tuple[tuple[Kind, str, str], ...] = (
    ("image", "Recent images", "image"),
    ("data", "Recent data sets", "folder"),
    ("model", "Recent models", "model"),
)


@dataclass(frozen=True, slots=True)
class _Source:
    """A group's entries.

    Attributes:
        title: The heading.
        index: The names.
        entry: Makes an entry from its row.
        shown_empty: How many are shown before anything is typed.
        words: Texts beside the names, in which words, but not scattered letters, are found; None: none.
    """

    title: str
    index: NameIndex
    entry: Callable[[int], Entry]
    shown_empty: int = _SHOWN_EMPTY
    words: NameIndex | None = None


@dataclass(frozen=True, slots=True)
class _IndexedImages:
    """A data set, the index of its images' names, and the number of images of each class."""

    data_set: DataSet
    index: NameIndex
    counts: tuple[int, ...]


class PaletteSources(QObject):
    """Finds entries by a few letters.

    Signals:
        changed: More can be found: the images of a large data set are indexed.
    """

    changed = Signal()

    def __init__(
        self,
        studio: Studio,
        pages: Sequence[PageEntry],
        actions: Mapping[str, QAction],
        show_page: Callable[[str], object],
        layout: WindowLayout,
        parent: QObject,
    ) -> None:
        """Create the sources.

        Args:
            studio: What the pages share.
            pages: The window's pages.
            actions: The window's actions by id.
            show_page: Shows a page by its name.
            layout: Keeps the recent choices across restarts.
            parent: The window.
        """
        super().__init__(parent)
        self._studio, self._pages, self._actions = studio, pages, actions
        self._show_page, self._layout = show_page, layout
        kept = layout.get(_LAYOUT_KEY)
        self._choices: list[str] = [key for key in kept if isinstance(key, str)] if isinstance(kept, list) else []
        self._sources: list[_Source] = []
        self._images: _IndexedImages | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_indexed)

    def gather(self) -> None:
        """Read what can be found now; called when the palette opens."""
        data_set = self._studio.session.data_set
        if data_set is not None and (self._images is None or self._images.data_set is not data_set):
            self._images = None
            self._tasks.run("images", partial(_indexed, data_set))
        self._sources = [self._page_source(), self._action_source(), *self._recent_sources(), self._run_source()]
        if data_set is not None:
            self._sources.append(self._class_source(data_set))

    def find(self, query: str) -> list[EntryGroup]:
        """Return the entries for a query, best group first; recent choices come first within each group.

        Args:
            query: What the user has typed; may be empty.
        """
        query = query.strip()
        sources = [*self._sources]
        if self._images is not None and self._images.data_set is self._studio.session.data_set and query:
            sources.insert(_AFTER_RECENT_IMAGES, self._image_source(self._images))
        groups: list[tuple[int, EntryGroup]] = []
        recent: list[Entry] = []
        shown: set[str] = set()
        for source in sources:
            found = [item for item in self._search(source, query) if item[1].key not in shown]
            shown.update(entry.key for _, entry in found[:_SHOWN])
            if not query:
                recent += [entry for _, entry in found if entry.key in self._choices]
                found = [item for item in found if item[1].key not in self._choices][: source.shown_empty]
            if found:
                groups.append((found[0][0], EntryGroup(source.title, tuple(entry for _, entry in found[:_SHOWN]))))
        groups.sort(key=lambda item: item[0])  # stable: equally good groups stay in their usual order
        if recent:
            recent.sort(key=lambda entry: self._choices.index(entry.key))
            groups.insert(0, (-1, EntryGroup("Recent choices", tuple(recent[:_SHOWN_EMPTY]))))
        return [group for _, group in groups]

    def remember(self, entry: Entry) -> None:
        """Put an entry first among the recent choices."""
        self._choices = [entry.key, *(key for key in self._choices if key != entry.key)][:_MOST_CHOICES]
        self._layout.keep(_LAYOUT_KEY, self._choices)

    def close(self) -> None:
        """Wait for the thread that indexes images."""
        self._tasks.close()

    def _search(self, source: _Source, query: str) -> list[tuple[int, Entry]]:
        # Chosen entries must be found even if many others match equally well: short lists are searched whole.
        most = len(source.index) if len(source.index) <= 2 * len(ACTIONS) else 4 * _SHOWN
        matches = source.index.search(query, most)
        if source.words is not None and query:
            known = {match.row for match in matches}
            beside = [match for match in source.words.search(query, most) if match.row not in known]
            matches += [Match(match.row, SEVERAL) for match in beside if match.tier < SCATTERED]
        found = [(match.tier, source.entry(match.row)) for match in matches]
        found.sort(key=lambda item: (item[1].key not in self._choices, item[0]))
        chosen = [item for item in found if item[1].key in self._choices]
        chosen.sort(key=lambda item: self._choices.index(item[1].key))
        return [*chosen, *found[len(chosen) :]]

    # -- actions and pages -----------------------------------------------------------------------------------------------

    def _page_source(self) -> _Source:
        entries = [self._page_entry(page) for page in self._pages]
        return _source("Pages", [entry.title for entry in entries], entries, shown_empty=len(entries))

    def _action_source(self) -> _Source:
        pages = {page.name: page for page in self._pages}
        rows = [
            row for row in ACTIONS if row.menu and row.id not in _NOT_LISTED and (not row.page or row.page in pages)
        ]
        rows = [row for row in rows if self._is_offered(row)]
        rows.sort(key=lambda row: not self._actions[row.id].isEnabled())
        entries = [self._action_entry(row, pages) for row in rows]
        titles = NameIndex([entry.title for entry in entries])
        return _Source("Actions", titles, entries.__getitem__, words=NameIndex([row.tip for row in rows]))

    def _is_offered(self, row: Action) -> bool:
        """Return whether an action can be run now, or once its page is shown."""
        return self._actions[row.id].isEnabled() or bool(row.page)

    def _action_entry(self, row: Action, pages: Mapping[str, PageEntry]) -> Entry:
        action = self._actions[row.id]
        detail = row.tip if action.isEnabled() else f"{pages[row.page].title} page · {row.tip}"
        return Entry(
            key=f"action:{row.id}",
            title=action.text().replace("&", ""),
            detail=detail,
            icon=row.icon or "arrow-right",
            shortcut=shortcut_text(row),
            open=partial(self._run, row),
        )

    def _page_entry(self, page: PageEntry) -> Entry:
        keys = shortcut_text(Action("", "View", "", page.shortcut))
        return Entry(
            key=f"page:{page.name}",
            title=page.title,
            detail=f"Go to the page {page.title}",
            icon=page.icon,
            shortcut=keys,
            open=partial(self._show_page, page.name),
        )

    def _run(self, row: Action) -> None:
        action = self._actions[row.id]
        if not action.isEnabled() and row.page:
            self._show_page(row.page)
        if action.isEnabled():
            action.trigger()
        else:
            title = action.text().replace("&", "").removesuffix("…")
            self._studio.session.report_notice(f'"{title}" is not possible at the moment.')

    # -- what was opened before ------------------------------------------------------------------------------------------

    def _recent_sources(self) -> list[_Source]:
        opener = self._studio.opener
        sources = []
        for kind, title, icon in _RECENT_KINDS:
            titles = {"image": lambda path: path.name, "data": data_set_title, "model": model_title}
            entries = [
                Entry(
                    key=f"{kind}:{item.path}",
                    title=titles[kind](item.path),
                    detail=item.detail or place_text(item.path.parent),
                    icon=icon,
                    open=partial(opener.open_path, item.path),
                )
                for item in self._studio.recent.items(kind)
            ]
            sources.append(_source(title, [entry.title for entry in entries], entries, shown_empty=3))
        return sources

    def _run_source(self) -> _Source:
        seen = self._studio.trainings.watch.seen
        watched, images, others = seen.runs, dict(seen.counts), other_validation(seen.runs)
        details = {
            run.path: run_detail(run, images=images.get(run.path), other_validation=run.path in others)
            for run in watched
        }
        entries = [self._run_entry(run, details[run.path]) for run in watched]
        inside = {run.path for run in watched}
        entries += [
            Entry(
                key=f"run:{item.path}",
                title=item.path.name,
                detail=item.detail or place_text(item.path.parent),
                icon="run",
                open=partial(self._studio.opener.open_path, item.path),
            )
            for item in self._studio.recent.items("run")
            if item.path not in inside and item.exists  # it may have been renamed or put into the trash
        ]
        return _source("Runs", [entry.title for entry in entries], entries, shown_empty=3)

    def _run_entry(self, run: RunSummary, detail: str) -> Entry:
        return Entry(
            key=f"run:{run.path}",
            title=run.name,
            detail=f"{detail} · {ago_text(run.created)}",
            icon="caution" if run.problem else "run",
            open=partial(self._studio.opener.open_path, run.path),
        )

    # -- the open data set -----------------------------------------------------------------------------------------------

    def _class_source(self, data_set: DataSet) -> _Source:
        classes = data_set.classes
        counts = self._images.counts if self._images is not None and self._images.data_set is data_set else ()

        def entry(row: int) -> Entry:
            name = classes[row]
            return Entry(
                key=f"class:{name}",
                title=displayed_class(name),
                detail=count_text(counts[row], "image") if counts else "",
                icon="layers",
                open=partial(self._studio.session.show_class, name),
            )

        return _Source(_CLASSES, NameIndex([displayed_class(name) for name in classes]), entry, 0)

    def _image_source(self, indexed: _IndexedImages) -> _Source:
        data_set = indexed.data_set

        def entry(row: int) -> Entry:
            record = data_set.records[row]
            folder, _, name = record.name.rpartition("/")
            label = "" if record.label is None else displayed_class(data_set.classes[record.label])
            return Entry(
                key=f"image:{record.path}",
                title=name,
                detail=" · ".join(part for part in (label, folder) if part),
                icon="image",
                open=partial(self._studio.opener.open_image, record.path),
            )

        return _Source("Images of the data set", indexed.index, entry)

    @Slot(str, object)
    def _on_indexed(self, _: str, indexed: _IndexedImages) -> None:
        self._images = indexed
        self._sources = [source for source in self._sources if source.title != _CLASSES]
        self._sources.append(self._class_source(indexed.data_set))
        self.changed.emit()


def _source(title: str, names: Sequence[str], entries: Sequence[Entry], *, shown_empty: int = _SHOWN_EMPTY) -> _Source:
    return _Source(title, NameIndex(names), entries.__getitem__, shown_empty)


def _indexed(data_set: DataSet) -> _IndexedImages:
    counts = [0] * len(data_set.classes)
    for record in low_priority(data_set.records):
        if record.label is not None:
            counts[record.label] += 1
    index = NameIndex(record.name for record in low_priority(data_set.records))
    return _IndexedImages(data_set, index, tuple(counts))
