"""The sheet of an image: the prediction and how it was made, the panels, and the scores of each branch."""

from __future__ import annotations

from collections.abc import Sequence

from s3n_core.datasets.records import displayed_class
from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.hidden_row import HiddenRow
from s3n_core.export.figures.panel_drawing import ABOVE, BELOW, draw_key, draw_panel, draw_title
from s3n_core.export.figures.panels import Layout, PanelName, arrange
from s3n_core.export.figures.rasters import Rasters
from s3n_core.export.figures.scores import ROWS, draw_scores, scores_height
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.number_text import probability_text
from s3n_core.version import __version__

MARGIN = 24.0
GAP = 14.0
HEADER = 57.0
ROW_GAP = 7.0
LEAST_WIDTH = 520.0
LEAST_COLUMN = 126.0


def draw_sheet(
    rasters: Rasters,
    panels: Sequence[PanelName],
    layout: Layout,
    dpi: float,
    *,
    truth: str | None = None,
    model: str = "",
    hidden: Sequence[HiddenPlace] = (),
    hidden_error: str = "",
) -> Canvas:
    """Draw a sheet.

    Args:
        rasters: The panels' pixels.
        panels: The panels, in their fixed order.
        layout: How panels are arranged.
        dpi: Pixels per inch.
        truth: Name of the true class, or None if unknown.
        model: Display name of the model; if empty, its file name.
        hidden: What hiding the strongest peaks does; they get a row of their own.
        hidden_error: Why nothing could be hidden; otherwise empty.

    Returns:
        The page, for rendering as pixels or vectors.
    """
    inspection = rasters.inspection
    width, height = rasters.placement.image_size
    aspect = min(max(width / height, 1 / 12), 12.0)
    rows = arrange(panels, layout, aspect)
    columns = max(len(row) for row in rows)
    panel_width, panel_height = _panel_size(aspect, columns, len(rows))
    column = max(panel_width, LEAST_COLUMN)
    row_height = ABOVE + panel_height + BELOW
    answers = answers_of(inspection)
    scores = scores_height(min(ROWS, len(inspection.response.classes)))
    panels_height = len(rows) * row_height + (len(rows) - 1) * ROW_GAP
    panels_width = columns * column + (columns - 1) * GAP
    # With few columns, the scores are stacked to the right of them, if they fit.
    beside = panels_width < LEAST_WIDTH and len(answers) * (scores + GAP) <= panels_height
    free = max(LEAST_WIDTH - panels_width - 2 * GAP, LEAST_COLUMN)
    content = panels_width + 2 * GAP + free if beside else max(panels_width, LEAST_WIDTH)
    below = 0.0 if beside else 12 + scores - 6
    places = HiddenRow(hidden, hidden_error, aspect, content)
    above = MARGIN + HEADER + panels_height + below + (12 if below and places.height else 0)
    canvas = Canvas(content + 2 * MARGIN, above + (GAP + places.height if places.height else 0.0) + MARGIN, dpi)
    same_size = (round(panel_width * canvas.scale) / canvas.scale, round(panel_height * canvas.scale) / canvas.scale)

    y = MARGIN + HEADER
    for row in rows:
        for position, panel in enumerate(row):
            x = MARGIN + position * (column + GAP)
            area = canvas.snapped(Area(x, y + ABOVE, panel_width, panel_height))
            # The same size for all panels, regardless of how corners are rounded, so that the photo is scaled once.
            area = Area(area.x, area.y, *same_size)
            draw_panel(canvas, area, rasters, panel)
            room = Area(area.x, area.y, column, area.height)
            draw_title(canvas, room, panel)
            if rasters.range_of(panel) is None:
                draw_key(canvas, room, rasters, panel)
        y += row_height + ROW_GAP
    if beside:
        left, step = MARGIN + panels_width + 2 * GAP, scores + GAP
        if len(answers) == len(rows):  # each next to a row of panels
            step = row_height + ROW_GAP
        canvas.lines([[(left - GAP, MARGIN + HEADER), (left - GAP, y - ROW_GAP)]], tokens.BORDER, width=0.6)
        areas = [Area(left, MARGIN + HEADER + 0.5 + at * step, free, scores) for at in range(len(answers))]
    else:
        y += 12 - ROW_GAP
        canvas.lines([[(MARGIN, y - 4), (MARGIN + content, y - 4)]], tokens.BORDER, width=0.6)
        each = column if columns == len(answers) else (content - (len(answers) - 1) * GAP) / len(answers)
        areas = [Area(MARGIN + number * (each + GAP), y + 6, each, scores) for number in range(len(answers))]
    for answer, area in zip(answers, areas, strict=True):
        draw_scores(canvas, area, answer, inspection.top(answer, ROWS), truth)
    if places.height:
        canvas.lines([[(MARGIN, above + 4), (MARGIN + content, above + 4)]], tokens.BORDER, width=0.6)
        places.draw(canvas, Area(MARGIN, above + GAP, content, places.height))
    _draw_header(canvas, Area(MARGIN, MARGIN, content, HEADER), inspection, truth, model or inspection.response.model)
    return canvas


def _panel_size(aspect: float, columns: int, rows: int) -> tuple[float, float]:
    """Return a panel's (width, height) in points: similar areas for all aspect ratios; a few panels fill the width."""
    if columns <= 3 and rows == 1:
        width = min((560.0 - (columns - 1) * GAP) / columns, 400.0 * aspect)
        return width, width / aspect
    side = 156.0 if columns > 3 else 178.0
    width = min(side * aspect**0.5, side * 1.55, 1.5 * side * aspect)
    return width, width / aspect


def how_it_was_made(inspection: Inspection) -> str:
    """Describe what determines a prediction besides the model: sampling, precision, and any ablation."""
    parts = [f"{inspection.warps.sampling} sampling", inspection.response.precision]
    if inspection.response.attention != "sparse":
        parts.append(f"{inspection.response.attention} attention")
    if inspection.warps.control != "none":
        parts.append(f"control: {inspection.warps.control.replace('_', ' ')}")
    return ", ".join(parts)


def origin_of(inspection: Inspection) -> dict[str, str]:
    """Return what the metadata of a figure say, by name: image, program, model, sampling, and the licence if it must be told."""
    response = inspection.response
    return {
        "Title": response.name,
        "Software": f"S3N Studio {__version__}",
        "Model": f"{response.model} {response.model_digest}".strip(),
        "Sampling": how_it_was_made(inspection),
        "Licence": response.licence,
    }


def answers_of(inspection: Inspection) -> list[str]:
    """Return the available predictions, in the order "joint", "O", "D", "C"."""
    return [answer for answer in ("joint", "O", "D", "C") if answer in inspection.scores.logits]


def _draw_header(canvas: Canvas, area: Area, inspection: Inspection, truth: str | None, model: str) -> None:
    """Write the prediction over the whole width, and below it the image and the rule, with the model on the right."""
    answer = inspection.top(count=1)[0]
    baseline = area.y + 10.5
    _draw_answer(
        canvas, area, baseline, displayed_class(answer.name), probability_text(answer.probability), answer.name, truth
    )

    notes = [model, how_it_was_made(inspection)]
    if canvas.undrawable:
        notes = [" · ".join(notes), "▯ stands for a letter that the installed fonts do not have"]
    notes_width = min(max(canvas.width_of(note, size=tokens.CAPTION) for note in notes), 0.34 * area.width)
    for line, note in enumerate(notes):
        y = baseline + 13.5 + 10 * line
        canvas.text(area.right, y, note, size=tokens.CAPTION, colour=tokens.QUIET, align="right", room=notes_width)

    room = area.width - notes_width - GAP
    width, height = inspection.response.image_size
    size = f"·  {width} × {height} px"
    name_room = room - canvas.width_of(size, size=tokens.BODY) - 5
    x = (
        area.x
        + 5
        + canvas.text(
            area.x, baseline + 14, inspection.response.name, size=tokens.BODY, room=name_room, shorten="middle"
        )
    )
    canvas.text(x, baseline + 14, size, size=tokens.BODY, colour=tokens.QUIET)
    canvas.text(area.x, baseline + 25, inspection.response.shown_rule, size=tokens.BODY, colour=tokens.QUIET, room=room)
    response, y = inspection.response, baseline + 36
    seen = f"{response.view_text} {response.place_accuracy.text}"
    x = area.x + canvas.text(area.x, y, seen, size=tokens.BODY, colour=tokens.QUIET, room=area.width) + 3
    if warning := response.place_accuracy.warning:
        canvas.text(x, y, warning, size=tokens.BODY, colour=tokens.CAUTION, room=max(area.right - x, 0))


def _draw_answer(
    canvas: Canvas, area: Area, baseline: float, shown: str, number: str, name: str, truth: str | None
) -> None:
    """Write the predicted class, its probability and whether it is correct; if too long, smaller, then shortened."""
    status, colour = "", tokens.QUIET
    if truth is not None:
        right = truth == name
        status, colour = (
            ("✓ correct", tokens.GOOD) if right else (f"✗ true class: {displayed_class(truth)}", tokens.BAD)
        )
    status_width = canvas.width_of(status, size=tokens.SECTION, bold=True)
    for size in (tokens.TITLE, tokens.TITLE - 3):
        number_width = canvas.width_of(number, size=size)
        room = area.width - number_width - 18
        if canvas.width_of(shown, size=size, bold=True) + status_width <= room:
            break
    else:
        status_width = min(status_width, 0.45 * room)
    x = area.x + canvas.text(area.x, baseline, shown, size=size, bold=True, room=room - status_width) + 7
    x += canvas.text(x, baseline, number, size=size, colour=tokens.QUIET) + 11
    canvas.text(x, baseline, status, size=tokens.SECTION, bold=True, colour=colour, room=max(area.right - x, 0))
