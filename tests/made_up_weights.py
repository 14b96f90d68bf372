"""A list of backbones as ``s3n weights list --all --json`` prints it."""

from __future__ import annotations

from typing import Any

LONG_NAME = "timm:convnext_large_mlp.clip_laion2b_augreg_ft_in1k_384"
_PLACE = "https://hub.invalid/timm/{}/resolve/main/model.safetensors"
_FILE = "/home/a-person/.cache/torch/hub/checkpoints/timm/{}.safetensors"


def made_up_weights(**changes: Any) -> dict[str, Any]:
    """Return the answer; ``changes`` go into the entry of ConvNeXt-Large."""
    return {
        "event": "weights",
        "timm": True,
        "weights": [
            _entry("resnet50", 23_508_032, 32, "unknown", size=102_530_333),
            _entry("vgg16", 14_714_688, 32, "unknown"),
            _entry(LONG_NAME, 198_600_000, 32, changes.pop("licence", "apache-2.0"), **changes),
            _entry("timm:convnext_tiny.fb_in22k", 27_820_128, 32, "cc-by-nc-4.0", size=114_400_000),
            _entry("timm:vit_tiny_patch16_224.augreg_in21k", 5_500_000, 16, "apache-2.0", tokens=True),
            _entry("timm:mobilenetv3_small_050", 600_000, None, "unknown", place="", file=""),
        ],
    }


def _entry(name: str, parameters: int, stride: int | None, licence: str, **changes: Any) -> dict[str, Any]:
    own = name.removeprefix("timm:")
    forbids = "-nc" in licence
    limit = ", which does not allow commercial use" if forbids else ""
    size = changes.get("size")
    return {
        "name": name,
        "tag": own.partition(".")[2],
        "parameters": parameters,
        "stride": stride,
        "tokens": False,
        "input_size": 224,
        "licence": licence,
        "non_commercial": forbids,
        "sentence": f"The weights {own} have the licence {licence}{limit}.",
        "place": _PLACE.format(own),
        "file": _FILE.format(own),
        "size": None,
        "sha256": "3f" * 32 if size else "",
        "download_size": size or 4 * parameters,
    } | changes
