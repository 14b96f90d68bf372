"""The job that compares two classes by the parts of the open atlas."""

from __future__ import annotations

from pathlib import Path

from s3n_gui.parts.atlas_job import AtlasJob


class ComparisonJob(AtlasJob):
    """The job; when it is stopped, nothing is kept."""

    _pair = ("", "")

    def start(self, atlas: Path, a: str, b: str) -> None:
        """Compare two classes; nothing if two are being compared.

        Args:
            atlas: The atlas's folder.
            a: A class.
            b: Another class; empty: all others.
        """
        if self.job is None:
            self._pair = a, b
            self._run("Comparing two classes", "compare", atlas, classes=[a, b] if b else [a])

    def is_of_pair(self, atlas: Path, a: str, b: str) -> bool:
        """Return whether two classes are being compared, in either order."""
        return self.is_of(atlas) and {*self._pair} == {a, b}
