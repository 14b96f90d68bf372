"""Conversion of the JSON of ``s3n audit --json`` to findings. No Qt.

Only training and validation images can be left out: leaving out test images would make the measured accuracy too good.
The split comes from the survey, not from the report, since the user may have moved images in the meantime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from s3n_core.datasets.audit.checks import FEWEST_TRAINING_IMAGES
from s3n_gui.dataset.findings import KINDS, Finding, Kind, Pair, title_of
from s3n_gui.dataset.survey import TEST, TRAIN, USE_WORDS, USES, VALIDATION, Survey, file_name

_HASH_BITS = 256


@dataclass(slots=True)
class _Draft:
    """A finding under construction; ``images`` holds (index, note, whether it is best left out)."""

    images: list[tuple[int, str, bool]] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    groups: int = 0


def findings_of(report: Mapping[str, Any], survey: Survey) -> tuple[Finding, ...]:
    """Convert an audit report to findings, most severe first. Files that are not in the data set are skipped."""
    drafts = {kind: _Draft() for kind in KINDS}
    for problem in report["unreadable"]:
        index = _index(survey, Path(problem["path"]))
        if index is not None:
            drafts["unreadable"].images.append((index, str(problem["reason"]), True))
    for group in report["duplicates"]:
        _add_copies(drafts, _members(survey, group), survey, near="", remark="identical files")
    for group in report.get("near_duplicates", ()):
        bits = int(group["bits_apart"])
        remark = (
            f"near-duplicate ({'at most ' if len(group['names']) > 2 else ''}{bits} of {_HASH_BITS} hash bits differ)"
        )
        _add_copies(drafts, _members(survey, group), survey, near="near-", remark=remark)
    for group in report.get("name_findings", ()):
        _add_names(drafts, group, survey)
    for image in report.get("small_images", ()):
        if image["name"] in survey.rows:
            note = f"it has only {image['width']} x {image['height']} pixels"
            drafts["small-image"].images.append((survey.rows[image["name"]], note, False))
    _add_small_classes(drafts["small-class"], survey)
    drafts["missing"].details = [f"{problem['path']}: {problem['reason']}" for problem in report["problems"]]
    drafts["missing"].groups = len(report["problems"])
    return tuple(_finding(kind, drafts[kind], survey) for kind in KINDS if drafts[kind].images or drafts[kind].groups)


def _finding(kind: Kind, draft: _Draft, survey: Survey) -> Finding:
    return Finding(
        kind=kind,
        title=title_of(kind, len(draft.images), draft.groups),
        images=tuple(index for index, _, _ in draft.images),
        notes=tuple(note for _, note, _ in draft.images),
        leave_out=frozenset(index for index, _, better in draft.images if better and _is_learned(index, survey)),
        pairs=tuple(draft.pairs),
        details=tuple(draft.details),
    )


def _is_learned(index: int, survey: Survey) -> bool:
    """Return whether an image is used in training: images without a label are not."""
    return survey.uses[index] in (TRAIN, VALIDATION)


def _members(survey: Survey, group: Mapping[str, Any]) -> list[int]:
    return [survey.rows[name] for name in group["names"] if name in survey.rows]


def _add_copies(drafts: dict[Kind, _Draft], members: list[int], survey: Survey, *, near: str, remark: str) -> None:
    """Add duplicates (``near`` is "") or near-duplicates ("near-")."""
    if len(members) < 2:
        return
    kinds: dict[str, Kind] = {kind: kind for kind in KINDS}
    labels = {int(survey.labels[index]) for index in members} - {-1}
    tested = [index for index in members if survey.uses[index] == TEST]
    learned = [index for index in members if _is_learned(index, survey)]
    leaks = bool(tested) and bool(learned)
    draft = drafts[kinds[near + ("contradiction" if len(labels) > 1 else "leak" if leaks else "duplicate")]]
    # Keeps one of several duplicates for training; none if one is a test image or their labels differ. Near-duplicates
    # are left to the user.
    keep = learned[0] if len(labels) < 2 and not leaks and learned else None
    verb = "looks like" if near else "equals"
    for index in members:
        others = [other for other in members if other != index]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        draft.images.append(
            (index, f"it {verb} {_described(others[0], index, survey)}{more}", not near and index != keep)
        )
    draft.pairs += [Pair(one=members[0], other=other, remark=remark) for other in members[1:]]
    draft.groups += 1


def _add_names(drafts: dict[Kind, _Draft], group: Mapping[str, Any], survey: Survey) -> None:
    members = _members(survey, group)
    if group["kind"] in ("names-class", "names-other-class"):
        class_name = group["classes"][-1] if group["classes"] else "another class"
        drafts["name-class"].images += [
            (index, f"its name contains the class {class_name}", False) for index in members
        ]
        return
    tested = any(survey.uses[index] == TEST for index in members)
    if tested and any(_is_learned(index, survey) for index in members):
        draft = drafts["name-leak"]
        what = "an image with the same name" if group["kind"] == "same-name" else "an image from the same source"
        for index in members:
            other = next(other for other in members if other != index)
            draft.images.append((index, f"there is {what}: {_described(other, index, survey)}", False))
        draft.pairs += [Pair(one=members[0], other=other, remark="similar names") for other in members[1:]]
        draft.groups += 1


def _add_small_classes(draft: _Draft, survey: Survey) -> None:
    """Recount the classes: the user may have moved images since the audit."""
    classes = len(survey.titles)

    def count(*uses: int) -> list[int]:
        labels = survey.labels[np.isin(survey.uses, uses) & (survey.labels >= 0)]
        return [int(number) for number in np.bincount(labels, minlength=classes)]

    learned, tested = count(TRAIN, VALIDATION), count(TEST)
    for label in range(classes):
        if learned[label] < FEWEST_TRAINING_IMAGES or (any(tested) and tested[label] == 0):
            note = f"the class {survey.titles[label]} is too small"
            draft.images += [(int(index), note, False) for index in np.flatnonzero(survey.labels == label)]
            draft.groups += 1


def _described(other: int, index: int, survey: Survey) -> str:
    """Return the file name of a duplicate, with its class and split where they differ from the image's."""
    remarks: Sequence[str] = [survey.title(other)] if survey.labels[other] != survey.labels[index] else []
    remarks = [*remarks, *([_part(other, survey)] if survey.uses[other] != survey.uses[index] else [])]
    return file_name(survey.record(other)) + (f" ({', '.join(remarks)})" if remarks else "")


def _part(index: int, survey: Survey) -> str:
    return USE_WORDS[USES[survey.uses[index]]].lower()


def _index(survey: Survey, path: Path) -> int | None:
    try:
        return survey.rows.get(path.relative_to(survey.data_set.root).as_posix())
    except ValueError:
        return None
