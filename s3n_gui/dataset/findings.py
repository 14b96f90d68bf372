"""What an audit found, as rows that a person can look at and act on. No Qt.

An audit comes as the JSON of ``s3n audit --json``. Only images that would be learned from can be left out: test images are
never learned from, and leaving them out of a measurement would flatter it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from s3n_gui.dataset.survey import TEST, USE_WORDS, USES, Survey, file_name
from s3n_gui.wording import count_text

Kind = Literal["unreadable", "contradiction", "leak", "duplicate", "small-class", "missing"]
KINDS: tuple[Kind, ...] = ("unreadable", "contradiction", "leak", "duplicate", "small-class", "missing")
KIND_WORDS: dict[Kind, str] = {
    "unreadable": "Unreadable",
    "contradiction": "Equal files, other label",
    "leak": "Equal files in training and test",
    "duplicate": "Equal files",
    "small-class": "Class too small",
    "missing": "Listed, not found",
}
_EXPLANATIONS: dict[Kind, str] = {
    "unreadable": "They cannot be decoded; training and test pass them over.",
    "contradiction": "The same picture has more than one label: at least one is wrong.",
    "leak": "The same picture is learned from and tested on, which flatters the test.",
    "duplicate": "The same picture more than once; one of each is enough.",
    "small-class": "Fewer than five training images, or none to test on. Add images if you can.",
    "missing": "The data set names them, or they lie in it, but they cannot be used.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of trouble.

    Attributes:
        kind: Which.
        title: What and how many: "3 unreadable images".
        text: What it means.
        images: Indices of the images concerned, those that belong together beside one another; may be empty.
        notes: For each of ``images`` what is wrong with it, as a clause.
        leave_out: Indices of the images that training does better without.
        details: Lines for people about what has no image.
    """

    kind: Kind
    title: str
    text: str
    images: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    leave_out: frozenset[int] = frozenset()
    details: tuple[str, ...] = ()


def findings_of(report: Mapping[str, Any], survey: Survey) -> tuple[Finding, ...]:
    """Turn an audit's report into findings, the gravest first. Files that the data set does not have are passed over."""
    by_kind: dict[Kind, list[tuple[int, str, bool]]] = {kind: [] for kind in KINDS}  # index, note, better left out
    groups: dict[Kind, int] = dict.fromkeys(KINDS, 0)
    root = survey.data_set.root
    for problem in report["unreadable"]:
        index = _index(survey, Path(problem["path"]), root)
        if index is not None:
            by_kind["unreadable"].append((index, str(problem["reason"]), True))
    for group in report["duplicates"]:
        members = [survey.rows[name] for name in group["names"] if name in survey.rows]
        if len(members) > 1:
            kind = _kind_of(group)
            groups[kind] += 1
            by_kind[kind] += _copies(kind, members, survey)
    small = [str(item["name"]) for item in report["small_classes"]]
    for label, name in enumerate(survey.data_set.classes):
        if name in set(small):
            note = f"the class {survey.titles[label]} is too small"
            by_kind["small-class"] += [(int(i), note, False) for i in (survey.labels == label).nonzero()[0]]
    groups["small-class"] = len(small)
    missing = [f"{problem['path']}: {problem['reason']}" for problem in report["problems"]]
    groups["missing"] = len(missing)
    return tuple(
        Finding(
            kind=kind,
            title=_title(kind, len(by_kind[kind]), groups[kind]),
            text=_EXPLANATIONS[kind],
            images=tuple(index for index, _, _ in by_kind[kind]),
            notes=tuple(note for _, note, _ in by_kind[kind]),
            leave_out=frozenset(i for i, _, better in by_kind[kind] if better and survey.uses[i] != TEST),
            details=tuple(missing) if kind == "missing" else (),
        )
        for kind in KINDS
        if by_kind[kind] or groups[kind]
    )


def problems_by_image(findings: Iterable[Finding]) -> dict[int, tuple[str, ...]]:
    """Return what is wrong with each image, as clauses."""
    found: dict[int, tuple[str, ...]] = {}
    for finding in findings:
        if finding.kind == "small-class":  # a matter of the class, not of its images
            continue
        for index, note in zip(finding.images, finding.notes, strict=True):
            found[index] = (*found.get(index, ()), note)
    return found


def _kind_of(group: Mapping[str, Any]) -> Kind:
    if len(group["classes"]) > 1:
        return "contradiction"
    return "leak" if "test" in group["splits"] and len(group["splits"]) > 1 else "duplicate"


def _copies(kind: Kind, members: Sequence[int], survey: Survey) -> list[tuple[int, str, bool]]:
    learned = [index for index in members if survey.uses[index] != TEST]
    keep = learned[0] if kind == "duplicate" and len(learned) == len(members) else None
    result = []
    for index in members:
        others = [other for other in members if other != index]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        result.append((index, f"it equals {_told(others[0], index, survey)}{more}", index != keep))
    return result


def _told(other: int, index: int, survey: Survey) -> str:
    """Name a copy by what tells it from the image at hand."""
    remarks = [survey.title(other)] if survey.labels[other] != survey.labels[index] else []
    remarks += [USE_WORDS[USES[survey.uses[other]]].lower()] if survey.uses[other] != survey.uses[index] else []
    return file_name(survey.record(other)) + (f" ({', '.join(remarks)})" if remarks else "")


def _index(survey: Survey, path: Path, root: Path) -> int | None:
    try:
        return survey.rows.get(path.relative_to(root).as_posix())
    except ValueError:
        return None


def _title(kind: Kind, images: int, groups: int) -> str:
    if kind == "unreadable":
        return count_text(images, "unreadable image")
    if kind == "small-class":
        return count_text(groups, "class too small", "classes too small")
    if kind == "missing":
        return count_text(groups, "file not usable", "files not usable")
    pictures = count_text(groups, "picture")
    return {
        "contradiction": f"{pictures} with two labels",
        "leak": f"{pictures} in training and test",
        "duplicate": f"{pictures} more than once",
    }[kind]
