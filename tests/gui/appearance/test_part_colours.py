"""Parts have colours of their own, which can be told from the card that they lie on."""

from __future__ import annotations

import pytest

from s3n_gui.appearance.part_colours import LEAST_CONTRAST, part_colour
from s3n_gui.appearance.tokens import DARK, LIGHT, Tokens, contrast


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_every_part_has_a_colour_of_its_own_that_is_readable(theme: Tokens) -> None:
    colours = [part_colour(part, theme) for part in range(30)]
    assert len(set(colours)) == 30
    assert min(contrast(colour, theme.card) for colour in colours) >= LEAST_CONTRAST
    assert part_colour(4, theme, background=True) == part_colour(9, theme, background=True) == theme.quiet
