"""Search of many names by a few letters: whole names first, then beginnings of words, then letters in order. No Qt.

All names are held as one case-folded text with a name per line, because searching one long string is a hundred times
faster than a loop over 100,000 short ones. A bit mask of the letters of each name excludes most of the others.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from s3n_gui.background.low_priority import Rests

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_COLLECTED = 600
"""Names with the words that are ranked: of more, the first ones and whole file names are."""
_MOST_EXAMINED = 8_000
"""Names that are examined one by one for several words or scattered letters: bounds the time of a search."""
_SAMPLE = 100_000  # characters
_LONGEST_QUERY = 64  # characters
_CHUNK = 500  # names that are indexed at a time: a background thread rests in between
_BREAK = "\n"
_WORD_BREAKS = " _-./("
SEVERAL, SCATTERED = 5, 6
"""The tiers of names that contain several words apart, and of those that contain the letters in order."""


@dataclass(frozen=True, slots=True)
class Match:
    """A name that matches.

    Attributes:
        row: Its position among the names.
        tier: How well it matches: 0 for the whole name, 6 for letters in order.
    """

    row: int
    tier: int


class NameIndex:
    """An index of names; searching 100,000 takes some milliseconds. Thread-safe."""

    def __init__(self, names: Iterable[str]) -> None:
        """Index some names, which may contain folders separated by "/"; line breaks count as spaces."""
        import numpy as np  # not at the window's start

        rests, texts, masks = Rests(), ["\n"], [np.empty(0, np.uint64)]
        self._starts: list[int] = [0]  # where each line's break is; the last one ends the last line
        waiting = iter(names)
        while chunk := list(islice(waiting, _CHUNK)):
            lines = "".join(f"/{name.replace(_BREAK, ' ')}\n" for name in chunk).casefold()
            letters = np.frombuffer(lines.encode("utf-32-le", "surrogatepass"), np.uint32)
            breaks = np.flatnonzero(letters == ord(_BREAK))
            begins = np.concatenate([[0], breaks[:-1] + 1])
            masks.append(np.bitwise_or.reduceat(_bits(letters), begins))
            self._starts += (breaks + self._starts[-1] + 1).tolist()
            texts.append(lines)
            rests.rest()
        self._text, self._masks = "".join(texts), np.concatenate(masks)
        self._count = len(self._starts) - 1

    def __len__(self) -> int:
        return self._count

    def search(self, query: str, most: int) -> list[Match]:
        """Return the best matches, at most ``most``; equally good ones in the order of the names.

        Args:
            query: Words that a name must all contain, or letters that it must contain in this order. An empty one
                matches every name.
            most: The largest number of matches.
        """
        words = query.casefold()[:_LONGEST_QUERY].split()
        if not words or not self._count:
            return [Match(row, 0) for row in range(min(most, self._count))]
        phrase, letters = " ".join(words), "".join(words)
        possible = self._rows_with(letters)
        found = {row: _tier(self._line(row), phrase) for row in self._rows_of(phrase, most, possible)}
        if len(found) < most and len(words) > 1:
            found |= {row: SEVERAL for row in self._rows_of_all(words, most) if row not in found}
        if len(found) < most and len(letters) > 1:
            pattern = _scattered(letters)
            for row in possible[:_MOST_EXAMINED].tolist():
                if row not in found and pattern.search(self._line(row)):
                    found[row] = SCATTERED
                    if len(found) >= most:
                        break
        best = sorted(found.items(), key=lambda item: (item[1], item[0]))[:most]
        return [Match(row, tier) for row, tier in best]

    def _line(self, row: int) -> str:
        return self._text[self._starts[row] + 1 : self._starts[row + 1]]

    def _rows_with(self, letters: str) -> NDArray[np.intp]:
        """Return the rows that contain all these letters, in any order."""
        import numpy as np  # not at the window's start

        codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32)
        wanted = np.bitwise_or.reduce(_bits(codes))
        return np.flatnonzero((self._masks & wanted) == wanted)

    def _rows_of(self, phrase: str, most: int, possible: NDArray[np.intp]) -> Iterator[int]:
        """Yield rows that contain the phrase; whole file names in any case."""
        if len(possible) <= _MOST_COLLECTED:
            yield from (row for row in possible.tolist() if phrase in self._line(row))
            return
        count = 0
        for row in self._find(phrase, _MOST_COLLECTED):
            count += 1
            yield row
        if count == _MOST_COLLECTED:
            for pattern in (f"/{phrase}\n", f"/{phrase}."):
                yield from self._find(pattern, most)

    def _rows_of_all(self, words: list[str], most: int) -> Iterator[int]:
        """Yield rows that contain all words, at most ``most``: those of the rarest word are examined for the others."""
        middle = len(self._text) // 2
        sample = self._text[:_SAMPLE] + self._text[middle : middle + _SAMPLE]
        rarest = min(words, key=sample.count)
        others = [word for word in words if word != rarest]
        count = 0
        for row in self._find(rarest, _MOST_EXAMINED):
            line = self._line(row)
            if all(other in line for other in others):
                yield row
                count += 1
                if count == most:
                    return

    def _find(self, pattern: str, most: int) -> Iterator[int]:
        """Yield the rows that contain a text, at most ``most``."""
        text, starts = self._text, self._starts
        place = text.find(pattern)
        for _ in range(most):
            if place < 0:
                return
            row = bisect_right(starts, place) - 1
            yield row
            place = text.find(pattern, starts[row + 1])


def _bits(letters: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return one of 64 bits for each letter, which several letters share; none for a line break."""
    import numpy as np  # not at the window's start

    return np.where(letters == ord("\n"), np.uint64(0), np.uint64(1) << (letters.astype(np.uint64) & np.uint64(63)))


def _tier(line: str, phrase: str) -> int:
    """Return how well a name that contains the phrase matches: 0 to 4."""
    stem = line[line.rfind("/") + 1 :]
    if stem == phrase or stem.rpartition(".")[0] == phrase:
        return 0
    if stem.startswith(phrase):
        return 1
    place = line.find(phrase)
    while place >= 0:
        if place == 0 or line[place - 1] in _WORD_BREAKS:
            return 2 if place > len(line) - len(stem) else 3
        place = line.find(phrase, place + 1)
    return 4


def _scattered(letters: str) -> re.Pattern[str]:
    """Return a pattern for the letters in this order, the first one at the beginning of a word."""
    rest = "".join(rf"[^{re.escape(letter)}]*+{re.escape(letter)}" for letter in letters[1:])
    return re.compile(r"(?<![^\W_])" + re.escape(letters[0]) + rest)
