"""Which versions a picture gets: everything that is random, from (seed, picture number) alone."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["turned", "frontal", "deoccluded"]


@dataclass(frozen=True)
class Version:
    """What a version of a picture shows.

    Attributes:
        kind: Turned to a drawn pose, to the front, or in its own pose without what hid the face.
        yaw: Degrees, positive turns the nose to the image's right; None in its own pose.
        pitch: Degrees, positive lowers it; None for what the method does by itself.
    """

    kind: Kind
    yaw: float | None = None
    pitch: float | None = None


@dataclass(frozen=True)
class Poses:
    """What versions are drawn from.

    Attributes:
        each: Versions of a picture.
        share: Share of pictures that get them.
        frontal: Share of versions that are turned to the front.
        deoccluded: Share of versions in their own pose.
        yaw: Degrees, from and to, that the others' yaw is drawn from, all alike likely.
        yaws: Degrees that it is chosen from instead, if there are any.
        pitch: As yaw; None for what the method does by itself.
        pitches: As yaws.
    """

    each: int
    share: float
    frontal: float
    deoccluded: float
    yaw: tuple[float, float]
    yaws: tuple[float, ...]
    pitch: tuple[float, float] | None
    pitches: tuple[float, ...]


def draw_versions(poses: Poses, seed: int, number: int) -> tuple[Version, ...]:
    """The versions of a picture; none for one that gets none.

    Args:
        poses: What they are drawn from.
        seed: Of the run.
        number: The picture's place in the set, as it was read.
    """
    rng = np.random.default_rng((seed, number))
    if rng.random() >= poses.share:
        return ()
    return tuple(_draw(poses, rng) for _ in range(poses.each))


def _draw(poses: Poses, rng: np.random.Generator) -> Version:
    # All that may be wanted is drawn, so that no share moves what comes after.
    kind, yaw, pitch = rng.random(3).tolist()
    if kind < poses.deoccluded:
        return Version("deoccluded")
    if kind < poses.deoccluded + poses.frontal:
        return Version("frontal", 0.0)
    return Version("turned", _one(poses.yaw, poses.yaws, yaw), _pitch(poses, pitch))


def _pitch(poses: Poses, place: float) -> float | None:
    if poses.pitches:
        return _one((0.0, 0.0), poses.pitches, place)
    return None if poses.pitch is None else _one(poses.pitch, (), place)


def _one(limits: tuple[float, float], listed: tuple[float, ...], place: float) -> float:
    """Of a list, or between limits; ``place`` is from 0 to below 1."""
    if listed:
        return float(listed[int(place * len(listed))])
    return round(limits[0] + place * (limits[1] - limits[0]), 3)
