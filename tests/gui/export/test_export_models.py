"""The export choices without widgets: the command matches them exactly, and they persist across restarts."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3n_core.export.figures.panels import PANELS, STANDARD_PANELS
from s3n_core.export.options import ExportOptions, export_options
from s3n_gui.export.export_choice import ExportChoice, with_panel
from s3n_gui.export.preview_card import file_word, size_text
from s3n_gui.export.saved_choice import choice_fields, saved_choice

PLAIN = ExportChoice(model=Path("/runs/a run"), images=Path("/data/vögel"), out=Path("/out/it's"))


def test_defaults_are_left_unsaid() -> None:
    assert PLAIN.arguments() == ("export", "/runs/a run", "/data/vögel", "--out", "/out/it's")


def test_every_choice_is_said() -> None:
    chosen = replace(
        PLAIN, split="test", first=3, sheet=False, arrays=True, report=True, test_peaks=True,
        panels=("peaks", "map_d"), layout="tall", picture="svg",
        dpi=300, inches=2.5, colours="magma", opacity=0.25, device="cpu", precision="float32",
    )  # fmt: skip
    said = chosen.arguments()[5:]
    assert " ".join(said) == (
        "--split test --most 3 --no-sheets --arrays --report --hide-peaks 3 --panels peaks,map_d "
        "--layout tall --picture svg --dpi 300 --inches 2.5 --colours magma --opacity 0.25 --device cpu --precision float32"
    )
    assert "--restart" in chosen.arguments(restart=True)


def test_a_rival_is_said_where_contributions_are_written() -> None:
    named = replace(PLAIN, versus="House Finch")
    assert named.arguments() == PLAIN.arguments(), "no file shows contributions"
    for changes in ({"arrays": True}, {"report": True}, {"panels": ("contributions",)}):
        said = replace(named, **changes).arguments()
        assert said[said.index("--versus") + 1] == "House Finch"
        options = export_options(**replace(named, **changes).preview_options())
        assert options.versus == "House Finch"
        assert options.shows_contributions or changes == {"report": True}  # previewed as a sheet


def test_the_preview_is_made_with_the_same_options() -> None:
    chosen = replace(PLAIN, singles=False, arrays=True, panels=("peaks",), layout="tall", dpi=72, opacity=0.5)
    options = export_options(**chosen.preview_options())
    assert (options.sheet, options.singles, options.arrays, options.format) == (True, False, True, "jpeg")
    style = options.style
    assert (style.panels, style.layout, style.dpi, style.opacity) == (("peaks",), "tall", 72, 0.5)
    assert export_options(**PLAIN.preview_options()) == ExportOptions(), "the command's own defaults are the page's"
    without = replace(PLAIN, boxes=False)
    assert not export_options(**without.preview_options()).style.annotations
    assert without.arguments() == (*PLAIN.arguments(), "--no-boxes")
    assert replace(ExportChoice(), **saved_choice(choice_fields(without))).boxes is False
    assert replace(PLAIN, picture="pdf").preview_options()["format"] == "png", "preview in pixels"
    alone = export_options(**replace(PLAIN, sheet=False, singles=False, report=True).preview_options())
    assert (alone.sheet, alone.singles, alone.report) == (True, False, False), "a sheet stands for the report"


@pytest.mark.skipif(sys.platform == "win32", reason="another shell")
def test_the_copied_command_is_quoted() -> None:
    assert shlex.split(PLAIN.command()) == ["s3n", *PLAIN.arguments()]


def test_the_command_line_knows_every_option() -> None:
    from s3n_core.cli import app

    chosen = replace(
        PLAIN, model=Path("none.safetensors"), split="test", first=3, sheet=False, arrays=True, report=True,
        test_peaks=True, panels=("peaks",), layout="tall", picture="png",
        dpi=300, inches=2.5, colours="magma", device="cpu", precision="float32",
    )  # fmt: skip
    done = CliRunner().invoke(app, list(chosen.arguments()))
    assert "No such option" not in done.output


def test_what_is_missing_is_said() -> None:
    assert "images" in ExportChoice().problem
    assert "model" in ExportChoice(images=Path("x")).problem
    assert "kind of file" in replace(PLAIN, sheet=False, singles=False).problem
    assert "panel" in replace(PLAIN, panels=()).problem
    assert replace(PLAIN, panels=(), sheet=False, singles=False, arrays=True).problem == ""
    assert replace(PLAIN, sheet=False, singles=False, test_peaks=True).problem == ""
    assert replace(PLAIN, sheet=False, singles=False, report=True).problem == ""
    assert PLAIN.problem == ""


def test_the_number_of_files_is_known_beforehand() -> None:
    panels = ("peaks", "map_d")
    assert ExportChoice(panels=panels).amount(24) == (24, 24 * 3 + 1)  # a sheet and two images each, and index.csv
    assert ExportChoice(panels=panels, sheet=False, arrays=True, report=True).amount(24) == (24, 24 * 3 + 2)
    assert ExportChoice(singles=False, test_peaks=True).amount(24) == (24, 24 * 2 + 2)
    assert ExportChoice(panels=(), singles=False, first=10).amount(24) == (10, 11)
    assert ExportChoice(singles=False, first=100).amount(24) == (24, 25)


def test_panels_keep_their_order() -> None:
    assert with_panel(STANDARD_PANELS, "original", wanted=True) == tuple(n for n in PANELS if n != "contributions")
    assert with_panel(("peaks", "map_c"), "peaks", wanted=False) == ("map_c",)


def test_likings_come_back_and_junk_does_not() -> None:
    chosen = replace(
        PLAIN, dpi=300, colours="cividis", panels=("peaks",), arrays=True, opacity=0.4, report=True, test_peaks=True
    )
    back = replace(ExportChoice(), **saved_choice(choice_fields(chosen)))
    assert (back.dpi, back.colours, back.panels, back.arrays, back.opacity) == (300, "cividis", ("peaks",), True, 0.4)
    assert (back.report, back.test_peaks) == (True, True)
    junk = {
        "dpi": 9,
        "colours": "jet",
        "panels": "peaks",
        "sheet": 1,
        "inches": "wide",
        "layout": None,
        "more": 3,
        "opacity": 2,
    }
    assert saved_choice(junk) == {}


def test_words_for_files() -> None:
    words = [file_word(ending) for ending in (".png", "/map_d.png", ".npz")]
    assert words == ["Sheet", "Discriminative map", "Numbers (.npz)"]
    assert size_text(1_310_000) == "1.3 MB"
    assert size_text(312_400) == "312 kB"
