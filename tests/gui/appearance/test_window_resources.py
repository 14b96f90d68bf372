"""The window finds its files with the engine's own resolver."""

import pytest

from s3n_core.errors import S3NError
from s3n_gui.appearance.resources import resource


def test_in_this_checkout() -> None:
    assert resource("icons/play.svg").is_file()
    with pytest.raises(S3NError, match="no-such-icon"):
        resource("icons/no-such-icon.svg")
