"""What the network sees of an image, and how fine the places are that it finds. Does not import torch."""

from __future__ import annotations

from dataclasses import dataclass

from s3n_core.method.backbone_sizes import size_of
from s3n_core.method.configuration import TIMM, NetworkChoices, NetworkConfig

COARSE = 6
"""With fewer cells per side than this, a cell is wider than 1/6 of the side: too coarse to tell parts apart."""


@dataclass(frozen=True, slots=True)
class PlaceAccuracy:
    """How fine the places are that a network finds: the width of a cell, as a share of the side of what it sees.

    A peak, a class map or a response map cannot tell apart what lies in one feature cell, however many cells R has.

    Attributes:
        cells: Number of distinguishable cells along the side.
        cropped: Whether the network sees only a part of the image, so that the side is that of the crop.
    """

    cells: int
    cropped: bool = False

    @property
    def is_coarse(self) -> bool:
        """Whether a cell is wider than 1/6 of the side."""
        return self.cells < COARSE

    @property
    def text(self) -> str:
        """The sentence: "Places are accurate to about 1/4 of the side (4 × 4 cells)."."""
        side = "the crop's side" if self.cropped else "the side"
        return f"Places are accurate to about 1/{self.cells} of {side} ({self.cells} × {self.cells} cells)."

    @property
    def warning(self) -> str:
        """What a person should know of coarse places and can do about them; empty if they are fine enough."""
        if not self.is_coarse:
            return ""
        return "That is too coarse to tell parts apart; train with a larger image size."


def place_accuracy(map_cells: int, feature_cells: int, *, cropped: bool = False) -> PlaceAccuracy:
    """Return how fine the places of a network are.

    Args:
        map_cells: Number of cells of R along the side.
        feature_cells: Number of cells along the side of the features that R is made of.
        cropped: Whether the network sees only a part of the image.
    """
    return PlaceAccuracy(min(map_cells, feature_cells), cropped)


def network_accuracy(network: NetworkChoices, *, cropped: bool = False) -> PlaceAccuracy:
    """Return how fine the places of a network with these choices are, before it exists."""
    known = size_of(network.backbone) if network.backbone.startswith(TIMM) else None
    if known is not None and not isinstance(network, NetworkConfig):
        # Choices do not say the stride of a network of timm: it is measured once the network exists.
        network = NetworkConfig(**network.model_dump(), num_classes=1, stride=known.stride)
    return place_accuracy(network.map_size, network.response_cells, cropped=cropped)


def view_text(share: float) -> str:
    """Return the sentence that names what the network sees: a share of the image's area, in (0, 1]."""
    if share >= 1:
        return "The network sees the whole image."
    return f"The network sees this crop: {_percent(share)} of the image."


def view_labels(share: float) -> tuple[str, ...]:
    """Return the label of the crop in an image, and shorter ones for small images; empty if there is no crop."""
    if share >= 1:
        return ()
    percent = _percent(share)
    return (f"the network sees this crop: {percent} of the image", f"crop: {percent} of the image", f"crop: {percent}")


def _percent(share: float) -> str:
    return f"{min(max(round(100 * share), 1), 99)} %"
