"""What the tab shows of two classes, read in a background thread."""

from __future__ import annotations

from dataclasses import dataclass

from s3n_core.errors import AtlasError
from s3n_core.parts.comparison.comparison import Comparison
from s3n_core.parts.comparison.stored_comparisons import kept_comparison
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.pairs.part_row import PartRow, pair_rows


@dataclass(frozen=True, eq=False)
class PairContent:
    """Two classes side by side.

    Attributes:
        content: The atlas.
        a: Class A, as in ``atlas.classes``.
        b: Class B; None: all other classes.
        comparison: Their comparison, with A and B in this order; None: they are not compared.
        outdated: Whether they were compared before the parts were edited.
        rows: One row a part.
    """

    content: AtlasContent
    a: str
    b: str | None
    comparison: Comparison | None
    outdated: bool
    rows: tuple[PartRow, ...]


def read_pair(content: AtlasContent, a: str, b: str | None) -> PairContent:
    """Read what is known of two classes: what an atlas keeps of their comparison, and examples of each part.

    A damaged comparison counts as none: comparing again replaces it.
    """
    try:
        kept = kept_comparison(content.atlas, a, b)
    except AtlasError:
        kept = None
    comparison = kept.comparison if kept is not None and kept.current else None
    return PairContent(
        content=content,
        a=a,
        b=b,
        comparison=comparison,
        outdated=kept is not None and not kept.current,
        rows=pair_rows(content.atlas, a, b, comparison, content.names),
    )
