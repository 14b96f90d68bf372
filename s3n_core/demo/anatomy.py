"""The bird's body, shared by all species: the exact position of every part in a given pose.

The bird is measured in its own units (about 85 from bill to tail tip), facing right, y down, with nested frames: the
world's (level, mirrored for birds that face left), the body's (tilted), the head's and the tail's. Every shape is
placed through these frames, so part locations and boxes are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from s3n_core.demo.curves import Frame, Points, frame, inside, place, smooth_closed

CUB_PARTS: Final = (
    "back",
    "beak",
    "belly",
    "breast",
    "crown",
    "forehead",
    "left eye",
    "left leg",
    "left wing",
    "nape",
    "right eye",
    "right leg",
    "right wing",
    "tail",
    "throat",
)
"""Part names in the order of CUB-200-2011's ``parts.txt``; "left" is the bird's own left."""

NECK: Final = (15.5, -9.5)
"""The pivot of the head, in the body's frame."""

TAIL_ROOT: Final = (-25.0, -1.5)
"""The pivot of the tail, in the body's frame."""

FOOT: Final = (0.5, 26.0)
"""Position of the feet, in the world's frame; the origin is the body's centre."""

BODY: Final = smooth_closed(
    [
        (17, -13),
        (2, -14.2),
        (-14, -10.5),
        (-26, -5),
        (-29, -1.5),
        (-26, 2.2),
        (-16, 9),
        (-3, 13.8),
        (10, 13.6),
        (19, 7.5),
        (22.5, -2),
        (21, -10),
    ]
)
HEAD: Final = smooth_closed(
    [
        (-1.5, -10.6),
        (5, -9),
        (8.8, -4.8),
        (10.2, 0),
        (8.6, 4.6),
        (4.5, 8.6),
        (-3, 10.4),
        (-9.4, 7),
        (-11.2, 0),
        (-8.4, -7.4),
    ]
)
SHOULDER: Final = (11.0, -7.0)
"""Root of an open wing, in the body's frame."""

TUCKED_FOOT: Final = (-13.0, 13.5)
"""Position of the near foot in flight, in the body's frame."""

EYE: Final = (4.2, -1.9)
EYE_RADIUS: Final = 2.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """The bird's pose and position.

    Attributes:
        facing: 1 for right, -1 for left.
        tilt: Angle by which the breast is raised, in radians.
        head_tilt: Angle by which the bill is raised, in radians.
        head_turn: Apparent width of the head: 1 in profile, less if it turns towards or away from the viewer.
        looks_back: Whether the head is turned over the shoulder.
        tail_angle: Angle by which the tail is raised relative to the body, in radians.
        tail_spread: 0 (closed) to 1 (fanned).
        plumpness: Height of the body relative to its length.
        wing_lift: None: folded wings; in flight, the upward angle of the near wing to the body, in radians.
        perch_slope: Slope of the perch, y over x in the image.
        scale: Image pixels per unit.
        centre: Position of the body's centre, (x, y) in image pixels.
    """

    facing: int
    tilt: float
    head_tilt: float
    head_turn: float
    looks_back: bool
    tail_angle: float
    tail_spread: float
    plumpness: float
    wing_lift: float | None
    perch_slope: float
    scale: float
    centre: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The frames of a posed bird, each from its own units to image pixels."""

    pose: Pose
    world: Frame
    body: Frame
    head: Frame
    tail: Frame
    legs: Frame
    near_wing: Frame
    far_wing: Frame

    @property
    def unit(self) -> float:
        """Image pixels per unit."""
        return self.pose.scale

    @property
    def head_facing(self) -> int:
        """1 if the bill points right in the image, else -1."""
        return -self.pose.facing if self.pose.looks_back else self.pose.facing

    @property
    def far_foot_drop(self) -> float:
        """Vertical distance by which the far foot is lower than the near one, in units."""
        return 5.2 * self.pose.perch_slope * self.pose.facing

    def part_places(self) -> dict[str, Points]:
        """Return the (x, y) positions of the parts in image pixels, without those on the far side of the bird."""
        eye = "right eye" if self.head_facing > 0 else "left eye"
        near, far = ("right", "left") if self.pose.facing > 0 else ("left", "right")
        if self.pose.wing_lift is None:
            wings = {f"{near} wing": place(self.body, (-4.0, 0.5))}
        else:
            wings = {
                f"{near} wing": place(self.near_wing, (19.0, 7.0)),
                f"{far} wing": place(self.far_wing, (30.0, 8.0)),
            }
        return wings | {
            "back": place(self.body, (-2.0, -11.5) if self.pose.wing_lift is None else (-14.0, -9.0)),
            "beak": place(self.head, (13.5, 1.0)),
            "belly": place(self.body, (-3.0, 11.0)),
            "breast": place(self.body, (17.0, 4.5)),
            "crown": place(self.head, (-1.0, -8.5)),
            "forehead": place(self.head, (7.0, -5.5)),
            eye: place(self.head, EYE),
            f"{near} leg": place(self.legs, (FOOT[0] - 1.2, FOOT[1] - 3.5)),
            f"{far} leg": place(self.legs, (FOOT[0] + 4.0, FOOT[1] - 3.5 + self.far_foot_drop)),
            "nape": place(self.head, (-10.0, 1.5)),
            "tail": place(self.tail, (-17.0, 0.0)),
            "throat": place(self.head, (6.0, 7.0)),
        }


def skeleton(pose: Pose) -> Skeleton:
    """Return the frames of a bird in ``pose``."""
    world = frame(scale=(pose.facing * pose.scale, pose.scale), origin=pose.centre)
    body = inside(world, frame(scale=(1.0, pose.plumpness), angle=-pose.tilt))
    neck = place(frame(scale=(1.0, pose.plumpness), angle=-pose.tilt), NECK)
    towards = -1.0 if pose.looks_back else 1.0
    sway = (3.6 if not pose.looks_back else 1.0, -7.2)
    head_in_world = frame(
        scale=(towards * pose.head_turn, 1.0),
        angle=-towards * pose.head_tilt,
        origin=(float(neck[0]) + sway[0], float(neck[1]) + sway[1]),
    )
    tail = inside(body, frame(angle=pose.tail_angle, origin=TAIL_ROOT))
    legs, near_wing, far_wing = world, body, body
    if pose.wing_lift is not None:
        tuck = frame(scale=(0.4, 0.75), angle=1.75)
        foot = tuck[:, :2] @ np.array(FOOT)
        tuck[:, 2] = np.array(TUCKED_FOOT) - foot
        legs = inside(body, tuck)
        # In the frame of an open wing, x points outwards along the arm and y backwards along the feathers.
        near_wing = inside(body, frame(scale=(1.0, -1.0), angle=-pose.wing_lift, origin=SHOULDER))
        far_wing = inside(body, frame(scale=(0.85, -0.9), angle=-pose.wing_lift + 0.55, origin=(SHOULDER[0] + 3, -9.0)))
    return Skeleton(pose, world, body, inside(world, head_in_world), tail, legs, near_wing, far_wing)


def extent(bones: Skeleton) -> tuple[Points, Points]:
    """Return the minimum and maximum corner (x, y), in image pixels, of a box that holds any species in this pose."""
    wings = (bones.near_wing, bones.far_wing)
    reach = np.concatenate(
        [
            place(bones.body, BODY),
            place(bones.head, [(22.0, 2.0), (-12.0, -12.0), (4.0, -13.0)]),
            place(bones.tail, [(-35.0, -4.0), (-35.0, 4.0)]),
            place(bones.legs, [FOOT]),
            *([] if bones.pose.wing_lift is None else [place(f, [(48.0, 4.0), (24.0, 20.0)]) for f in wings]),
        ]
    )
    return reach.min(0), reach.max(0)
