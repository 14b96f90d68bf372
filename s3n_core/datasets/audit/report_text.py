"""The audit report as text."""

from __future__ import annotations

from collections.abc import Sequence

from s3n_core.datasets.audit.name_findings import NameFinding, NameFindingKind
from s3n_core.datasets.audit.report import AuditReport, DuplicateGroup, SmallClass
from s3n_core.datasets.skipped_files import skipped_line

_SHOWN_NAMES = 6  # of one group of images
_NAME_WORDS: dict[NameFindingKind, str] = {
    "same-name": "one name in several splits",
    "same-source": "one source in several splits",
    "names-class": "unlabelled, but named as a class",
    "names-other-class": "named as another class",
}


def report_text(report: AuditReport, *, most: int | None = 20) -> str:
    """Format a report as text, without a final line break.

    Args:
        report: The report.
        most: Largest number of lines per list; None: all lines, and all names of each group.
    """
    names = _SHOWN_NAMES if most is not None else None
    lines = [f"{report.root}: {report.images} images ({report.format})", *(f"  {remark}" for remark in report.remarks)]
    for part, by_class in report.counts.items():
        if any(by_class.values()):
            fewest, largest = min(by_class.values()), max(by_class.values())
            lines.append(
                f"  {part}: {sum(by_class.values())} images of {len(by_class)} classes, {fewest} to {largest} per class"
            )
    if report.unlabelled:
        lines.append(f"  without a label: {report.unlabelled} images")
    for what, lengths in (("width", report.width), ("height", report.height)):
        if lengths is not None:
            lines.append(f"  {what}: {lengths.smallest} to {lengths.largest} pixels, median {lengths.median}")
    if report.skipped:
        lines += ["  skipped:", *(f"    {skipped_line(item)} (first: {item.example})" for item in report.skipped)]
    sections = {
        "left out": [f"{item.path}: {item.reason}" for item in report.problems],
        "unreadable": [f"{item.path}: {item.reason}" for item in report.unreadable],
        "classes too small": [_small_class_line(item) for item in report.small_classes],
        f"images with a side below {report.smallest_side} pixels": [
            f"{item.name}: {item.width} x {item.height}" for item in report.small_images
        ],
        "identical files": [_group_line(group, " = ", names) for group in _gravest_first(report.duplicates)],
        "near-duplicates": [_group_line(group, " ~ ", names) for group in _gravest_first(report.near_duplicates)],
    }
    for finding in report.name_findings:
        sections.setdefault(_NAME_WORDS[finding.kind], []).append(_name_line(finding, names))
    for title, items in sections.items():
        lines += _section(title, items, most)
    if not any(sections.values()):
        lines.append("  no problems found" + ("" if report.decoded else " (only headers were read)"))
    return "\n".join(lines)


def _small_class_line(item: SmallClass) -> str:
    test = "" if item.test_images is None else f", {item.test_images} test image(s)"
    return f"{item.name}: {item.training_images} training image(s){test}"


def _gravest_first(groups: Sequence[DuplicateGroup]) -> list[DuplicateGroup]:
    return sorted(groups, key=lambda group: (len(group.classes) < 2, len(group.splits) < 2))


def _group_line(group: DuplicateGroup | NameFinding, sign: str, most: int | None) -> str:
    remarks = [f"in {' and '.join(group.splits)}"] if len(group.splits) > 1 else []
    remarks += [f"as {' and '.join(group.classes)}"] if len(group.classes) > 1 else []
    return _names(group.names, sign, most) + (f" ({', '.join(remarks)})" if remarks else "")


def _name_line(finding: NameFinding, most: int | None) -> str:
    if finding.kind in ("same-name", "same-source"):
        return _group_line(finding, ", ", most)
    *given, told = finding.classes
    return f"{'' if not given else f'{given[0]}, '}named {told}: {_names(finding.names, ', ', most)}"


def _names(names: Sequence[str], sign: str, most: int | None) -> str:
    left = 0 if most is None else len(names) - most
    return sign.join(names[:most]) + (f"{sign}{left} more" if left > 0 else "")


def _section(title: str, lines: Sequence[str], most: int | None) -> list[str]:
    if not lines:
        return []
    left = 0 if most is None else len(lines) - most
    more = [f"    ... and {left} more"] if left > 0 else []
    return [f"  {title}: {len(lines)}", *(f"    {line}" for line in lines[:most]), *more]
