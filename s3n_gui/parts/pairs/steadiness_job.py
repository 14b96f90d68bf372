"""The job that measures how steady the parts of the open atlas are."""

from __future__ import annotations

from pathlib import Path

from s3n_gui.parts.atlas_job import AtlasJob


class SteadinessJob(AtlasJob):
    """The job; when it is stopped, nothing is kept."""

    def start(self, atlas: Path, other: Path | None = None) -> None:
        """Measure the parts of an atlas; nothing if one is being measured.

        Args:
            atlas: Its folder.
            other: That of an atlas of another model; what is measured already is then not measured again.
        """
        if self.job is None:
            beside = ["--with", str(other)] if other is not None else []
            self._run("Measuring how steady parts are", "steady", atlas, beside)
