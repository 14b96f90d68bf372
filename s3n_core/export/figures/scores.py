"""The scores on a sheet: the most probable classes of the joint prediction and of each branch."""

from __future__ import annotations

from collections.abc import Sequence

from s3n_core.datasets.records import displayed_class
from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.marks import draw_branch_mark
from s3n_core.inspection.inspection import Score
from s3n_core.inspection.number_text import probability_text

ROW_HEIGHT = 15.5
HEADING = 16.0
ROWS = 3


def scores_height(rows: int) -> float:
    """Return the height of a block of scores in points."""
    return HEADING + rows * ROW_HEIGHT


def draw_scores(canvas: Canvas, area: Area, answer: str, best: Sequence[Score], truth: str | None) -> None:
    """Draw the most probable classes of one prediction, with bars.

    Args:
        canvas: The page.
        area: The available area, of height `scores_height`.
        answer: "joint", "O", "D" or "C".
        best: Its most probable classes, in descending order.
        truth: Name of the true class, marked with a tick, or None.
    """
    colour = tokens.BRANCH_COLOURS[answer]
    baseline = area.y + 8
    draw_branch_mark(canvas, area.x, baseline - 2.8, answer, size=6)
    x = area.x + 10
    x += canvas.text(x, baseline, f"{tokens.BRANCH_NAMES[answer]} prediction", size=tokens.BODY, bold=True)
    if answer != "joint":
        canvas.text(x + 4, baseline, answer, size=tokens.BODY, colour=tokens.QUIET)
    for row, score in enumerate(best):
        y = area.y + HEADING + row * ROW_HEIGHT
        number = probability_text(score.probability)
        strong = row == 0
        room = area.width - canvas.width_of(number, size=tokens.CAPTION, bold=strong) - 6
        text_colour = tokens.TEXT if strong else tokens.QUIET
        x = area.x
        if score.name == truth:
            x += canvas.text(x, y + 6, "✓", size=tokens.CAPTION, colour=tokens.GOOD, bold=True) + 2.5
        canvas.text(
            x,
            y + 6,
            displayed_class(score.name),
            size=tokens.CAPTION,
            colour=text_colour,
            bold=strong,
            room=room - (x - area.x),
        )
        canvas.text(area.right, y + 6, number, size=tokens.CAPTION, colour=text_colour, bold=strong, align="right")
        track = Area(area.x, y + 8.6, area.width, 2.6)
        canvas.rectangle(track, tokens.TRACK)
        filled = max(track.width * score.probability, 0.6)
        canvas.rectangle(Area(track.x, track.y, filled, track.height), colour)
