"""What hiding each part costs each class: read from kept comparisons, measured class by class, exported."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_up_atlas import CLASSES, MODEL, draw_pictures, made_up_comparison, write_atlas

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison import effect_measuring
from s3n_core.parts.comparison.class_effects import COLUMNS, class_effects, effect_table, write_class_table
from s3n_core.parts.comparison.class_matrix import class_matrix
from s3n_core.parts.comparison.comparing import LabelledImages
from s3n_core.parts.comparison.comparison import Comparison
from s3n_core.parts.comparison.effect_measuring import measure_effects
from s3n_core.parts.comparison.stored_comparisons import keep_comparison

KNOT, PLOVER, RUFF = CLASSES


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    """An atlas of three classes and parts, whose class "knot" is measured."""
    found = write_atlas(tmp_path / "atlas", tmp_path / "data", draw_pictures(tmp_path / "data", 2))
    keep_comparison(found, with_others(found, KNOT))
    return found


def with_others(atlas: Atlas, name: str, images: int = 12) -> Comparison:
    """Hiding part 1 costs 1.5 (1.1 to 1.9), parts 2 and 3 cost 0.1 (-0.3 to 0.5)."""
    return replace(made_up_comparison(atlas, name, RUFF if name != RUFF else KNOT, images=images), b=None)


def test_only_what_beats_random_places_is_shown_and_edits_make_it_outdated(atlas: Atlas) -> None:
    matrix = class_matrix(atlas)
    found = class_effects(atlas, matrix)
    assert found.measured.tolist() == [True, False, False]
    assert found.effects[0].tolist() == [1.5, 0.1, 0.1]
    assert all(math.isnan(value) for value in found.effects[1:].ravel())
    assert found.beats_random.tolist() == [[True, False, False], [False] * 3, [False] * 3]
    assert (found.hidden[0, 0], found.changed[0, 0], found.changed_random[0, 0]) == (24, 9, 0.9)
    assert effect_table(atlas, matrix, found)[1] == ["Red knot", "+1.50", "(+0.10)", "(+0.10)"]
    keep_comparison(atlas, with_others(atlas, KNOT, images=4))  # too few images for an interval
    assert not class_effects(atlas, matrix).beats_random.any()
    atlas.rename("part 1", "bill")
    assert class_effects(atlas, matrix).measured[0]
    atlas.hide("part 2")
    after = class_effects(atlas, class_matrix(atlas))
    assert (after.measured[0], after.outdated.tolist()) == (False, [True, False, False])
    (atlas.path / "comparisons" / "0-others.json").write_text("{}")
    damaged = class_effects(atlas, class_matrix(atlas))
    assert not damaged.measured.any()
    assert not damaged.outdated.any()


def test_the_table_has_a_row_for_each_cell_and_for_what_is_read_elsewhere(atlas: Atlas, tmp_path: Path) -> None:
    write_class_table(tmp_path / "matrix.csv", atlas, class_matrix(atlas))
    with open(tmp_path / "matrix.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 3 * (3 + 1)
    first, second, _, rest = rows[:4]
    assert (first["effect"], first["effect_low"], first["beats_random"]) == ("1.5", "1.1", "1")
    assert (first["hidden"], first["changed"], first["changed_random"]) == ("24", "9", "0.9")
    assert second["beats_random"] == "0"
    assert rest["part"] == "elsewhere"
    for name in CLASSES:
        assert sum(float(row["share"]) for row in rows if row["class"] == name) == pytest.approx(1, abs=1e-5)
    assert all(row["effect"] == row["beats_random"] == row["hidden"] == "" for row in rows if row["class"] == RUFF)


def test_measuring_takes_the_classes_that_are_left_and_keeps_each(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, reports = list[str](), list[tuple[int, int]]()

    def compare(
        of: Atlas,
        model: Any,
        records: Any,
        name: str,
        *,
        most: int,
        workers: int | None,
        known: Any,
        images: LabelledImages,
        progress: Callable[[int, int], None],
    ) -> Comparison:
        asked.append(name)
        assert most == 5
        progress(3, 12)
        return with_others(of, name)

    monkeypatch.setattr(effect_measuring, "compare_classes", compare)
    model: Any = SimpleNamespace(digest=MODEL)
    records: Any = {image.file: image for image in atlas.images}
    assert len(LabelledImages(atlas).compared(PLOVER)[1]) == 6
    job = measure_effects(atlas, model, records, most=5, progress=lambda done, total: reports.append((done, total)))
    assert next(job).name == PLOVER
    job.close()  # type: ignore[attr-defined]  # stopped
    assert class_effects(atlas, class_matrix(atlas)).measured.tolist() == [True, True, False]
    assert reports == [(3, 24)]
    assert [one.name for one in measure_effects(atlas, model, records, most=5)] == [RUFF]
    assert asked == [PLOVER, RUFF]
    assert not list(measure_effects(atlas, model, {}))
    with pytest.raises(AtlasError, match="another model"):
        next(measure_effects(atlas, SimpleNamespace(digest="0" * 16), {}))  # type: ignore[arg-type]


def test_a_class_whose_images_cannot_be_used_does_not_stop_the_others(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(of: Atlas, model: Any, records: Any, name: str, **_: Any) -> Comparison:
        if name == PLOVER:
            raise AtlasError("No image of Grey plover could be used.")
        return with_others(of, name)

    monkeypatch.setattr(effect_measuring, "compare_classes", compare)
    model: Any = SimpleNamespace(digest=MODEL)
    records: Any = {image.file: image for image in atlas.images}
    found = [(one.name, one.problem) for one in measure_effects(atlas, model, records)]
    assert found == [(PLOVER, "No image of Grey plover could be used"), (RUFF, "")]
    with pytest.raises(AtlasError, match="no longer has the images"):
        next(measure_effects(atlas, model, {}))


def test_a_class_without_others_is_left_out_and_it_is_said(tmp_path: Path) -> None:
    files = draw_pictures(tmp_path / "data", 1, (KNOT,))
    atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", files)
    model: Any = SimpleNamespace(digest=MODEL)
    (only,) = measure_effects(atlas, model, {})
    assert (only.name, only.problem) == (KNOT, "there are no images of it and of other classes")
