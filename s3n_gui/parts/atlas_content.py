"""What the page shows of an atlas, read in a background thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from s3n_core.parts.atlas import Atlas, PartSummary


@dataclass(frozen=True, eq=False)
class AtlasContent:
    """An atlas and what has been computed from it.

    Attributes:
        atlas: The atlas; edits give another one.
        parts: What is known of each part, the most frequent first.
    """

    atlas: Atlas
    parts: tuple[PartSummary, ...]


def read_content(folder: Path) -> AtlasContent:
    """Read a finished atlas.

    Raises:
        AtlasError: There is none, or it is damaged.
    """
    return content_of(Atlas(folder))


def content_of(atlas: Atlas) -> AtlasContent:
    """Compute what the page shows of an atlas."""
    return AtlasContent(atlas, atlas.summaries())
