"""Marks that a person expects to tell two classes apart, written before the answer is known. Without torch.

``expectations.jsonl`` holds a header and one expectation per line, oldest first. A later one of the same classes replaces the
earlier one, but counts as written before the answer only if no comparison was kept by then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.stored_comparisons import kept_comparison
from s3n_core.system.atomic_files import read_bytes, write_bytes
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.line_files import json_line, only_writer

FILE = "expectations.jsonl"
FORMAT, VERSION = "s3n-expectations", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a person expects to tell two classes apart.

    Attributes:
        a: Class A.
        b: Class B; None: all other classes.
        mark: The expected part, in the person's own words.
        when: When it was written, ISO 8601 in UTC.
        before: Whether the atlas had no answer yet.
    """

    a: str
    b: str | None
    mark: str
    when: str
    before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedExpectation:
    """An expectation beside the answer.

    Attributes:
        expectation: The expectation.
        answer: Name of the part that tells the classes apart best; None if there is no answer yet, "" if no part does.
        agrees: Whether that part is the expected one; None without an answer.
    """

    expectation: Expectation
    answer: str | None
    agrees: bool | None


def expect(atlas: Atlas, a: str, b: str | None, mark: str) -> Expectation:
    """Write down what is expected to tell two classes apart, before or after the answer is known.

    Args:
        atlas: The atlas.
        a: A class.
        b: Another class; None: all others.
        mark: The expected part: a name that a part of the atlas has, or will be given.

    Raises:
        AtlasError: There is no such class, or no mark.
        OutputError: The file cannot be written.
    """
    mark = " ".join(mark.split())
    if not mark:
        raise AtlasError("Say which part you expect to tell the classes apart.")
    names = atlas.classes[atlas.class_index(a)], None if b is None else atlas.classes[atlas.class_index(b)]
    path = atlas.path / FILE
    with only_writer(path):
        added = Expectation(
            a=names[0],
            b=names[1],
            mark=mark,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            before=_answer(atlas, names[0], names[1]) is None,
        )
        written = [*_read(atlas), added]
        header = {"format": FORMAT, "version": VERSION}
        write_bytes(path, b"".join([json_line(header), *(json_line(to_json(one)) for one in written)]))
    return added


def expectations(atlas: Atlas) -> tuple[CheckedExpectation, ...]:
    """Return the latest expectation for each pair of classes, beside its answer.

    The answer is that of the comparison that the atlas keeps. It agrees if its part has the expected name, whatever its
    case; a merged or renamed part counts with its present name.

    Raises:
        AtlasError: A file of the atlas is damaged.
    """
    latest: dict[frozenset[str | None], Expectation] = {}
    for one in _read(atlas):
        latest.pop(frozenset((one.a, one.b)), None)
        latest[frozenset((one.a, one.b))] = one
    found = []
    for one in latest.values():
        answer = _answer(atlas, one.a, one.b)
        agrees = None if answer is None else answer.casefold() == one.mark.casefold()
        found.append(CheckedExpectation(expectation=one, answer=answer, agrees=agrees))
    return tuple(found)


def agreement_sentence(checked: Sequence[CheckedExpectation]) -> str:
    """Return how many expectations agree with the answer: those written before it first."""
    said = []
    for before, when in ((True, "before"), (False, "after")):
        known = [one for one in checked if one.agrees is not None and one.expectation.before is before]
        if known:
            said.append(
                f"{sum(bool(one.agrees) for one in known)} of {len(known)} marks written {when} the answer agree"
            )
    waiting = sum(one.agrees is None for one in checked)
    if waiting:
        said.append(f"{waiting} {'waits' if waiting == 1 else 'wait'} for an answer")
    return "; ".join(said) + "." if said else "No marks were written down."


def _answer(atlas: Atlas, a: str, b: str | None) -> str | None:
    """Return the name of the best mark of the comparison that an atlas keeps, either way round; "" if no part is."""
    kept = kept_comparison(atlas, a, b)
    if kept is None:
        return None
    return kept.comparison.mark.name if kept.comparison.mark is not None else ""


def _read(atlas: Atlas) -> list[Expectation]:
    path = atlas.path / FILE
    if not path.exists():
        return []
    try:
        header, *lines = [json.loads(line) for line in read_bytes(path).splitlines()]
        if header["format"] != FORMAT or header["version"] > VERSION:
            raise ValueError("it is of a newer version of this program")
        return [from_json(Expectation, line) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Move it away to go on without it.") from error
