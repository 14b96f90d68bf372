"""Problems that file names reveal: several splits share a source, or a name contradicts the label.

A network never sees a name, so a name leaks nothing by itself. But it can reveal images that should not be in different
splits, and wrong labels. There are four kinds of findings, defined so that ordinary numbering does not trigger them:

``same-name``
    A file name (without folder and suffix) that occurs once in each of several splits. Counters such as ``0001``,
    ``0002`` in every folder are ignored: names that differ only in their last number, whose numbers are close together.
``same-source``
    Images in several splits that come from one source: frames of one sequence (names of one class that differ only in
    their last number and contain another number, such as ``clip12_frame``, if the class has several such sequences),
    exports of one image (``name.rf.CODE``), or copies (``name (1)``, ``name copy``, ``name_flip``) beside ``name``
    itself.
``names-class``
    An unlabelled image, in a data set with classes, whose name contains the words of a class.
``names-other-class``
    An image whose name contains the words of another class but not those of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from s3n_core.datasets.records import DataSet, ImageRecord, Split, without_class_number

NameFindingKind = Literal["same-name", "same-source", "names-class", "names-other-class"]

_LAST_NUMBER = re.compile(r"\d+(?=\D*$)")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_EXPORT = re.compile(r"\.rf\.[0-9a-z]{8,}$", re.IGNORECASE)
_COPY = re.compile(
    r"(?:[ _-]*\(\d+\)|[ _-]+(?:copy|flip(?:ped)?|mirror(?:ed)?|rot(?:ated)?|aug(?:mented)?|crop(?:ped)?)[ _-]?\d*)$",
    re.IGNORECASE,
)
_COUNTED = 3  # a counter has at least this many numbers in a split ...
_DENSE = 0.05  # ... and they fill at least this share of the range from the smallest to the largest
_SHORTEST_CLASS_NAME = 4  # letters: shorter ones occur in names by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class NameFinding:
    """Images whose names reveal a problem.

    Attributes:
        kind: The kind of finding.
        names: The images.
        splits: Their splits.
        classes: The images' own classes, then the class that their names contain, if any.
    """

    kind: NameFindingKind
    names: tuple[str, ...]
    splits: tuple[str, ...]
    classes: tuple[str, ...]


def name_findings(data_set: DataSet) -> tuple[NameFinding, ...]:
    """Check the file names of a data set; no file is opened."""
    named = [(_stem(record), record) for record in data_set.records]
    assigned = [(stem, record) for stem, record in named if record.split is not None]
    return (
        *(_finding(data_set, "same-name", group) for group in _same_names(assigned)),
        *(_finding(data_set, "same-source", group) for group in _same_sources(assigned)),
        *_told_classes(data_set, named),
    )


def _stem(record: ImageRecord) -> str:
    return PurePosixPath(record.name).stem.casefold()


_Named = tuple[str, ImageRecord]


def _groups(named: Iterable[_Named], key: Callable[[str, ImageRecord], object]) -> dict[object, list[ImageRecord]]:
    groups: dict[object, list[ImageRecord]] = defaultdict(list)
    for stem, record in named:
        if (value := key(stem, record)) is not None:
            groups[value].append(record)
    return groups


def _repeated(texts: Iterable[str]) -> set[str]:
    """Return the texts that occur more than once: a group for each of the others would take hundreds of bytes an image."""
    once, repeated = set[int](), set[str]()
    for text in texts:
        if (hashed := hash(text)) in once:
            repeated.add(text)  # a text by itself that has another one's hash does no harm
        once.add(hashed)
    return repeated


def _crosses(group: Sequence[ImageRecord]) -> bool:
    return len({record.split for record in group}) > 1


def _without_last_number(stem: str) -> str:
    return _LAST_NUMBER.sub("#", stem, count=1)


def _same_names(named: Sequence[_Named]) -> Iterator[list[ImageRecord]]:
    patterns = _repeated(_without_last_number(stem) for stem, _ in named)
    numbers: dict[tuple[Split | None, str], set[int]] = defaultdict(set)
    for stem, record in named:
        match, pattern = _LAST_NUMBER.search(stem), _without_last_number(stem)
        if match and pattern in patterns:
            numbers[record.split, pattern].add(int(match[0]))
    counters = {
        pattern
        for (_, pattern), values in numbers.items()
        if len(values) >= _COUNTED and len(values) >= _DENSE * (max(values) - min(values) + 1)
    }
    stems = {stem for stem in _repeated(stem for stem, _ in named) if _without_last_number(stem) not in counters}
    for group in _groups(named, lambda stem, _: stem if stem in stems else None).values():
        if _crosses(group) and len({record.split for record in group}) == len(group):
            yield group


def _same_sources(named: Sequence[_Named]) -> Iterator[list[ImageRecord]]:
    exports = _groups(named, lambda stem, _: _EXPORT.sub("", stem) if _EXPORT.search(stem) else None)
    present = {(stem, record.label) for stem, record in named}

    def original(stem: str, record: ImageRecord) -> object:
        base = stem
        while match := _COPY.search(base):
            base = base[: match.start()]
            if (base, record.label) in present:
                return base, record.label
        return (stem, record.label)

    # Most names are copies of nothing.
    copied = {found for stem, record in named if (found := original(stem, record)) != (stem, record.label)}
    copies = _groups(named, lambda stem, record: found if (found := original(stem, record)) in copied else None)
    for group in (*exports.values(), *copies.values(), *_sequences(named)):
        if _crosses(group) and len({_stem(record) for record in group}) > 1:
            yield group


def _sequences(named: Sequence[_Named]) -> Iterator[list[ImageRecord]]:
    patterns = {
        pattern
        for pattern in _repeated(_without_last_number(stem) for stem, _ in named)
        if "#" in pattern and re.search(r"\d", pattern)
    }

    def frames(stem: str, _: ImageRecord) -> object:
        pattern = _without_last_number(stem)
        return pattern if pattern in patterns else None

    of_class: dict[int | None, list[list[ImageRecord]]] = defaultdict(list)
    for group in _groups(named, frames).values():
        labels = {record.label for record in group}
        if len(group) > 1 and len(labels) == 1:
            of_class[labels.pop()].append(group)
    for sequences in of_class.values():
        if len(sequences) > 1:
            yield from sequences


def _told_classes(data_set: DataSet, named: Sequence[_Named]) -> Iterator[NameFinding]:
    labels = _labels_by_words(data_set.classes)
    longest = max(map(len, labels), default=0)
    groups: dict[tuple[int | None, int], list[ImageRecord]] = defaultdict(list)
    for stem, record in named:
        told = _told(_WORD.findall(stem), labels, longest)
        whole = {label for label, _ in told}
        outermost = [(label, span) for label, span in told if not any(_inside(span, other) for _, other in told)]
        if len(outermost) == 1 and record.label not in whole:
            groups[record.label, outermost[0][0]].append(record)
    for (label, told_label), group in groups.items():
        kind: NameFindingKind = "names-class" if label is None else "names-other-class"
        yield _finding(data_set, kind, group, data_set.classes[told_label])


def _labels_by_words(classes: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Map the words of each class name to its label; ambiguous and very short names are left out."""
    labels: dict[tuple[str, ...], int] = {}
    doubtful = set()
    for label, name in enumerate(classes):
        words = tuple(_WORD.findall(without_class_number(name).casefold()))
        if words in labels or sum(len(word) for word in words if word.isalpha()) < _SHORTEST_CLASS_NAME:
            doubtful.add(words)
        labels[words] = label
    return {words: label for words, label in labels.items() if words not in doubtful}


def _told(words: Sequence[str], labels: dict[tuple[str, ...], int], longest: int) -> list[tuple[int, tuple[int, int]]]:
    """Return (label, span) of each class that occurs in ``words``; a span is a half-open range of word positions."""
    return [
        (label, (start, end))
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + longest) + 1)
        if (label := labels.get(tuple(words[start:end]))) is not None
    ]


def _inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _finding(data_set: DataSet, kind: NameFindingKind, group: Sequence[ImageRecord], *told: str) -> NameFinding:
    return NameFinding(
        kind=kind,
        names=tuple(record.name for record in group),
        splits=data_set.splits_of(group),
        classes=data_set.classes_of(group) + told,
    )
