"""What the licence of pretrained weights allows, said the same before a download, in the form of a training and in exports.

Does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UNKNOWN = "unknown"
"""The licence of weights whose publisher names none, or of which it is not known: that does not make them free."""

COLUMN = "weights_licence"
"""Column of tables, the same in every row, with `WeightLicence.short`; only where a person must be told."""

_NON_COMMERCIAL = ("non-commercial", "noncommercial", "research-only")
_RESEARCH_ONLY = ("apple-amlr", "seer-license")  # by their text; their names do not say it


@dataclass(frozen=True, slots=True)
class WeightLicence:
    """The licence of pretrained weights.

    Attributes:
        weights: Their name, or that of their file.
        licence: Its name in lower case, as their publisher gives it; `UNKNOWN` if there is none.
    """

    weights: str
    licence: str

    @property
    def non_commercial(self) -> bool:
        """Whether it forbids commercial use."""
        words = self.licence.split("-")
        return "nc" in words or self.licence in _RESEARCH_ONLY or any(word in self.licence for word in _NON_COMMERCIAL)

    @property
    def restricts(self) -> bool:
        """Whether a person must be told: it forbids commercial use, or is not known."""
        return self.non_commercial or self.licence == UNKNOWN

    @property
    def short(self) -> str:
        """The licence in a few words: "mit", "cc-by-nc-4.0 (no commercial use)", "unknown"."""
        return f"{self.licence} (no commercial use)" if self.non_commercial else self.licence

    @property
    def sentence(self) -> str:
        """What a person must know before the weights are downloaded or used."""
        if self.licence == UNKNOWN:
            return f"The licence of the weights {self.weights} is not known: find out before you use what is trained from them."
        limit = ", which does not allow commercial use" if self.non_commercial else ""
        return f"The weights {self.weights} have the licence {self.licence}{limit}."

    @property
    def notice(self) -> str:
        """What exports say of a model that began with the weights; "" if the licence allows commercial use."""
        if not self.restricts:
            return ""
        began = f"The model began with the weights {self.weights}"
        if self.licence == UNKNOWN:
            return f"{began}, whose licence is not known."
        return f"{began}, whose licence {self.licence} does not allow commercial use."


def licence_of(origin: Mapping[str, str]) -> WeightLicence | None:
    """Return the licence that a model file's origin (``network.origin``) names; None if it names none.

    Args:
        origin: As `weight_origins.weights_origin` returns it.
    """
    if "licence" not in origin:
        return None
    name = ".".join(origin[key] for key in ("architecture", "tag") if origin.get(key))
    return WeightLicence(origin.get("file") or name, origin["licence"])


def restriction_of(origin: Mapping[str, str]) -> WeightLicence | None:
    """Return the licence of the weights that a model began with if exports must tell of it; else None."""
    found = licence_of(origin)
    return found if found is not None and found.restricts else None


def notice_of(origin: Mapping[str, str]) -> str:
    """Return what exports say of the weights that a model began with (`WeightLicence.notice`); "" if nothing need be said."""
    found = licence_of(origin)
    return "" if found is None else found.notice


def column_of(licences: Sequence[WeightLicence]) -> dict[str, str]:
    """Return what a table's last column says, by its name `COLUMN`: all licences of which must be told; {} for none."""
    return {COLUMN: "; ".join(dict.fromkeys(licence.short for licence in licences))} if licences else {}


def torchvision_licence(backbone: str) -> WeightLicence:
    """Return the licence of torchvision's ImageNet weights of a backbone: torchvision names none."""
    return WeightLicence(f"{backbone}.{TORCHVISION_TAG}", UNKNOWN)


def torchvision_sentence(backbone: str) -> str:
    """Return what must be known of torchvision's ImageNet weights of a backbone before they are downloaded or used."""
    return (
        f"torchvision gives no licence for the weights {TORCHVISION_TAG} of {backbone}; they were trained on ImageNet, whose "
        "terms allow research only: find out before you use what is trained from them."
    )


TORCHVISION_TAG = "IMAGENET1K_V1"
"""torchvision's name of the weights that published results start from."""
