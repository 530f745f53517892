"""Who is photographed how often, and how: from shares of a data set to its shots."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cfr.synthetic.quality import Quality
from cfr.synthetic.shots import ANY, Shot
from results.synthetic.seeds import Part, occluder_seed, person_seed, shot_seed
from results.synthetic.shares import Bins, Kinds, draw_kinds, draw_poses


@dataclass(frozen=True)
class Look:
    """How the photos of a data set look.

    Attributes:
        size: Pixels along each side.
        zoom: Least and greatest zoom of the camera.
        bins: Shares of yaws.
        kinds: Shares of occluders.
        quality: What is spoiled.
        pitch: Deviation in degrees.
        roll: Likewise.
        lively: Share of a full random expression.
        light: How much of the light comes from one direction, at most.
        shift: How far the face's place varies, in decimetres.
    """

    size: int
    zoom: tuple[float, float]
    bins: Bins
    kinds: Kinds
    quality: Quality = field(default_factory=Quality)
    pitch: float = 7.0
    roll: float = 6.0
    lively: float = 0.25
    light: float = 0.35
    shift: float = 0.08


@dataclass(frozen=True)
class Cast:
    """A part of a world, with its look.

    Attributes:
        part: Which.
        world: The seed of the world.
        look: How its photos look.
    """

    part: Part
    world: int
    look: Look

    def shots(
        self,
        rng: np.random.Generator,
        numbers: Sequence[int],
        expressions: Sequence[str] | None = None,
    ) -> list[Shot]:
        """Shots of people, each in a setting of its own.

        Args:
            rng: Where poses and occluders are drawn from.
            numbers: The person of each shot, counted from 0; those of a person together.
            expressions: Of each shot; random movements by default.
        """
        look, count = self.look, len(numbers)
        poses = draw_poses(rng, count, look.bins, look.pitch, look.roll)
        kinds = draw_kinds(rng, count, look.kinds)
        taken: dict[int, int] = {}
        shots = []
        for at, number in enumerate(numbers):
            person, again = person_seed(self.part, self.world, number), taken.get(number, 0)
            taken[number] = again + 1
            pitch, yaw, roll = poses[at].round(4).tolist()
            shots.append(
                Shot(
                    person=person,
                    setting=shot_seed(person, again),
                    moment=shot_seed(person, again),
                    pose_degrees=(pitch, yaw, roll),
                    expression=ANY if expressions is None else expressions[at],
                    lively=look.lively,
                    occluder=kinds[at],
                    occluder_seed=occluder_seed(self.part, rng),
                    light=look.light,
                    size=look.size,
                    zoom=round(float(rng.uniform(*look.zoom)), 4),
                    shift=look.shift,
                    quality=look.quality,
                )
            )
        return shots


def evenly(count: int, people: int) -> list[int]:
    """The person of each of ``count`` photos, as many of everybody as can be."""
    each, more = divmod(count, people)
    return np.repeat(np.arange(people), each + (np.arange(people) < more)).tolist()


def some(count: int, wanted: int) -> list[int]:
    """At most ``wanted`` of ``count`` positions, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int)).tolist()
