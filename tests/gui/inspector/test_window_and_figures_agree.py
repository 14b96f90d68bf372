"""The window's values for an image agree with exported figures, the report and the engine."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from drawn_contributions import drawn_contributions
from made_inspection import made_inspection
from PySide6.QtWidgets import QApplication

from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import sheet_page
from s3n_core.export.figures.panels import PanelName
from s3n_core.export.figures.rasters import Rasters
from s3n_core.export.figures.vector_files import vector_bytes
from s3n_core.export.report.report_image import part_bytes
from s3n_core.inspection.geometry import cell_places
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.map_display import palette_colours
from s3n_core.inspection.palettes import DIVERGING
from s3n_gui.export.export_choice import ExportChoice
from s3n_gui.export.look_form import LookForm
from s3n_gui.export.saved_choice import saved_choice
from s3n_gui.inspector.panes.pane_content import PaneContent, resolve, resolve_contributions, value_at
from s3n_gui.inspector.panes.pane_footer import PaneFooter
from s3n_gui.inspector.panes.pane_model import PaneModel
from s3n_gui.inspector.why_state import WhyState
from s3n_gui.widgets.colour_bar import ColourBar
from s3n_gui.widgets.palette_picker import PalettePicker


def sheet_texts(inspection: Inspection, *panels: PanelName) -> list[str]:
    """Return all texts of a sheet with some panels."""
    page = sheet_page(inspection, FigureStyle(panels=panels, dpi=72))
    root = ElementTree.fromstring(vector_bytes(page, "svg", {}))
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def most_enlarged(inspection: Inspection) -> tuple[float, tuple[float, float]]:
    """Return the largest magnification in D and its place in the original, the centre of a grid square."""
    squares = inspection.warps.magnification("D")
    row, column = np.unravel_index(int(squares.argmax()), squares.shape)
    nodes = inspection.grid_in_original("D")[row : row + 2, column : column + 2]
    x, y = nodes.reshape(4, 2).mean(axis=0)
    return float(squares[row, column]), (float(x), float(y))


def limits_of(content: PaneContent) -> tuple[float, float]:
    assert content.limits is not None
    return content.limits.low, content.limits.high


def test_one_place_has_one_magnification(themed: QApplication) -> None:
    inspection = made_inspection()
    engine, place = most_enlarged(inspection)
    assert engine > 3
    content = resolve("magnified_d", inspection)
    assert value_at(inspection, content, place) == pytest.approx(engine, rel=1e-5), "under the cursor"
    assert limits_of(content)[1] == pytest.approx(engine, rel=1e-5), "the end of the colour bar"
    footer = PaneFooter()
    footer.show_content(inspection, resolve("image_d", inspection), np.zeros((256, 3), dtype=np.uint8))
    words = footer.key.accessibleName()
    footer.deleteLater()
    number = words.split(" × ")[0].removeprefix("up to ")
    assert float(number) == pytest.approx(engine, rel=0.05)
    texts = [text for text in sheet_texts(inspection, "grid_d", "grid_c") if "cells" in text]
    assert texts[0] == f"31 × 31 cells; area enlarged up to {number} times"
    assert texts[1] == "31 × 31 cells; nothing is enlarged"


def test_squares_that_the_clamp_has_cut_off_are_nowhere_the_largest(themed: QApplication) -> None:
    grid = np.clip(cell_places(31, 31) * 1.03, -1, 1).astype(np.float32)
    inspection = made_inspection(grid_d=grid, grid_c=grid)
    assert inspection.warps.magnification("D").max() > 1.5
    assert limits_of(resolve("magnified_d", inspection)) == pytest.approx((1 / 1.03**2, 1 / 1.03**2), rel=1e-5)
    assert any("area enlarged up to 0.94 times" in text for text in sheet_texts(inspection, "grid_d"))


@pytest.mark.parametrize(("kind", "letter"), [("response", "r"), ("map_d", "d"), ("map_c", "c")])
def test_a_map_has_one_range_and_the_same_numbers_beside_its_colours(kind: str, letter: str) -> None:
    inspection = made_inspection()
    limits = resolve(kind, inspection).limits  # type: ignore[arg-type]
    assert limits is not None
    assert limits == Rasters(inspection, "viridis", 1.0).range_of(kind)  # type: ignore[arg-type]
    report = json.loads(part_bytes(inspection, None).splitlines()[1])
    assert [text for _, text in report["ticks"][letter]] == [text for _, text in limits.ticks(2)]


def test_the_window_and_the_figures_draw_one_bar_of_numbers(themed: QApplication) -> None:
    inspection = made_inspection()
    content = resolve("map_d", inspection)
    assert content.limits is not None
    bar = ColourBar()
    bar.set_range(content.limits, np.zeros((256, 3), dtype=np.uint8))
    shown = bar.accessibleDescription().split(", ")
    bar.deleteLater()
    texts = sheet_texts(inspection, "map_d")
    assert len(shown) >= 4
    assert [text for text in texts if text in shown] == shown


def test_palettes_have_the_same_names_in_the_same_order(themed: QApplication) -> None:
    picker, form = PalettePicker(), LookForm()
    names = [picker.itemData(at) for at in range(picker.count())]
    titles = [picker.itemText(at) for at in range(picker.count())]
    assert [form.colours.itemData(at) for at in range(form.colours.count())] == names
    assert [form.colours.itemText(at) for at in range(form.colours.count())] == titles
    for widget in (picker, form):
        widget.deleteLater()
    for name in names:
        assert FigureStyle(colour_map=name).colour_map == name


def test_the_exports_old_name_of_a_palette_is_still_read() -> None:
    assert saved_choice({"colours": "gray"}) == {"colours": "grey"}
    assert FigureStyle(colour_map="gray").colour_map == "grey"  # type: ignore[arg-type]


def test_a_map_covers_the_image_as_much_everywhere() -> None:
    assert PaneModel("response").opacity == ExportChoice().opacity == FigureStyle().opacity


def test_contributions_have_one_map_one_range_and_one_question() -> None:
    inspection = made_inspection()
    view = drawn_contributions({(0, 0): 2.0, (3, 3): -0.5}, peaks=inspection.warps.peaks, head="joint")
    why = WhyState()
    why.take(view)
    content = resolve_contributions(inspection, why)
    rasters = Rasters(inspection, "viridis", 1.0, contributions=view)
    assert content.limits == rasters.range_of("contributions")
    assert content.shares is not None
    height, width = content.shares.shape
    palette = palette_colours(DIVERGING)
    drawn = rasters.draw("contributions", (width, height)).astype(int)
    np.testing.assert_allclose(drawn, palette[np.round(content.shares * 255).astype(int)], atol=1)
    page = sheet_page(inspection, FigureStyle(panels=("contributions",), dpi=72), contributions=view)
    root = ElementTree.fromstring(vector_bytes(page, "svg", {}))
    assert content.class_name in ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    report = json.loads(part_bytes(inspection, None, contributions=view).splitlines()[1])["why"]
    assert report["question"] == content.class_name
    assert [text for _, text in report["ticks"]] == [text for _, text in content.limits.ticks(2)]
