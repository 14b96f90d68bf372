"""Where the weights that a network begins with come from, for its model file: name, licence and hash."""

from __future__ import annotations

from pathlib import Path

from s3n_core.method.backbone_catalogue import entry_of
from s3n_core.method.configuration import TIMM
from s3n_core.method.foreign_weights import model_origin
from s3n_core.method.weight_licences import UNKNOWN
from s3n_core.runs.model_paths import file_sha256


def weights_origin(backbone: str, weights: str, *, pretrained: bool = False) -> dict[str, str]:
    """Return where the initial weights of a backbone come from: architecture, tag, timm's version, licence, hash.

    Args:
        backbone: The backbone's name.
        weights: "none", "imagenet" (the published weights) or a file. What a model of this program says of its own weights is
            passed on.
        pretrained: Whether a file holds the published weights, brought from another machine.
    """
    found = _architecture(backbone)
    if weights == "none":
        return found
    entry = entry_of(backbone)
    published = Path(entry.file) if entry.size is not None else None
    file = published if weights == "imagenet" else Path(weights)
    sha256 = file_sha256(file) if file is not None and file.is_file() else ""
    if weights != "imagenet" and (earlier := model_origin(Path(weights))):
        return earlier  # without a licence if that model began with random weights
    same = published is not None and file is not None and file.is_file() and file.stat().st_size == entry.size
    if weights == "imagenet" or pretrained or (same and published is not None and file_sha256(published) == sha256):
        found |= {"tag": entry.tag, "licence": entry.licence}
    else:
        found |= {"file": Path(weights).name, "licence": UNKNOWN}
    return found | ({"sha256": sha256} if sha256 else {})


def _architecture(backbone: str) -> dict[str, str]:
    if not backbone.startswith(TIMM):
        return {"architecture": backbone}
    import timm

    from s3n_core.method.timm_backbones import pretrained_facts

    return {"architecture": pretrained_facts(backbone).architecture, "timm": timm.__version__}
