"""A real scene of the synthetic birds, drawn without parts and asked about."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.datasets.transforms import test_view
from s3n_core.demo.drawing import Scene
from s3n_core.demo.interventions import JPEG_QUALITY, SceneRecord
from s3n_core.demo.species import PARTS, SPECIES, VARIANTS, Species
from s3n_core.errors import DataSetError
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import Model
from s3n_core.parts.truth.intervened_scene import WHOLE, IntervenedScene, Removal


def _record(species: Species, part_masks: dict[str, str]) -> SceneRecord:
    """Scene 4 of seed 7 with a species."""
    return SceneRecord(
        image="bird.jpg",
        seed=7,
        scene=4,
        species=species.name,
        label=2,
        parts=species.variants(),
        box=(0, 0, 1, 1),
        key_points={},
        part_images={},
        part_masks=part_masks,
        background_images={},
        background_masks={},
    )


def test_drawings_are_exact_and_asked_about_once(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, bibbed = Scene(4, 7), SPECIES[1]
    drawings = {
        WHOLE: scene.draw(bibbed).image,
        (frozenset({"tail", "bill"}), None): scene.draw(bibbed, without=("bill", "tail")).image,
        (frozenset(), 1): scene.draw(bibbed, background_without=(1,)).image,
    }
    drawings[WHOLE].save(tmp_path / "bird.jpg", quality=JPEG_QUALITY)
    mask = np.zeros((scene.height, scene.width), dtype=bool)
    mask[3:9, 50:] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    record = _record(bibbed, {"tail": "mask.png"})
    inspector = Inspector(model)
    asking = IntervenedScene(inspector, tmp_path, record, bibbed)
    drawn: list[Removal] = []
    monkeypatch.setattr(asking, "draw", lambda removal, draw=asking.draw: drawn.append(removal) or draw(removal))
    said = asking.logits(drawings)
    assert list(said) == list(drawings)
    views = np.stack([test_view(image, model.preprocess) for image in drawings.values()])
    for logits, scores in zip(said.values(), inspector.scores(views, ["bird.jpg"] * 3), strict=True):
        joint = scores.logits["joint"].astype(np.float64)
        assert logits == pytest.approx(joint - joint.mean(), abs=1e-4)
    assert asking.logits(list(drawings)[1:]).keys() == set(list(drawings)[1:])
    assert drawn == list(drawings)[1:]  # each once; the whole image was drawn when the scene was opened
    assert np.array_equal(asking.masks(record.part_masks)["tail"], mask)

    with pytest.raises(DataSetError, match="does not show scene 5 of seed 7 as this version draws it"):
        IntervenedScene(inspector, tmp_path, replace(record, scene=5), bibbed)


@pytest.mark.parametrize("part", PARTS)
def test_a_bird_with_one_other_part_is_noticed(tmp_path: Path, model: Model, part: str) -> None:
    """It differs by less than JPEG makes, over the whole image."""
    scene, bibbed = Scene(4, 7), SPECIES[1]
    files = {}
    for name, mask in scene.part_masks().items():
        files[name] = f"{name}.png"
        Image.fromarray(mask).save(tmp_path / files[name])
    record = _record(bibbed, files)
    scene.draw(bibbed).image.save(tmp_path / "bird.jpg", quality=JPEG_QUALITY)
    inspector = Inspector(model)
    IntervenedScene(inspector, tmp_path, record, bibbed)
    for variant in VARIANTS[part]:
        if variant != bibbed.variants()[part]:
            with pytest.raises(DataSetError, match="as this version draws it"):
                IntervenedScene(inspector, tmp_path, record, replace(bibbed, **{part: variant}))
