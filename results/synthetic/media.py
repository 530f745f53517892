"""Media of people, templates made of media, and comparisons of templates: what all IJB share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int64

from cfr.synthetic.quality import Quality
from cfr.synthetic.shots import Shot
from results.synthetic.casting import Cast, Look
from results.synthetic.plan import Photo
from results.synthetic.seeds import Part, plan_rng, shot_seed
from results.synthetic.shares import IJB, IJB_KINDS

_STILL = Quality(noise=1.5, kept=0.25, motion=3.0, exposure=0.2, grey=0.03)
_FRAME = Quality(noise=2.0, kept=0.16, motion=6.0, exposure=0.08)
_DRIFT = np.array((3.0, 8.0, 2.0))  # degrees by which a head moves between frames of a video
LOOK = Look(
    size=160,
    zoom=(0.55, 0.9),
    bins=IJB,
    kinds=IJB_KINDS,
    quality=_STILL,
    pitch=10.0,
    roll=8.0,
    lively=0.3,
    light=0.5,
)
_SINGLE = 0.15  # share of templates with a single face, as in IJB-A's lists


@dataclass(frozen=True, slots=True)
class Medium:
    """A still photo, or some frames of a video.

    Attributes:
        number: From 1; unique in its data set.
        subject: Whom it shows, from 1.
        photos: Positions of the photos.
    """

    number: int
    subject: int
    photos: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Faces that stand together for a person.

    Attributes:
        number: From 1.
        subject: Whose they are.
        faces: Position of a photo, and number of its medium.
    """

    number: int
    subject: int
    faces: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Media:
    """How many media a person has.

    Attributes:
        people: How many people there are.
        stills: Photos of each.
        videos: Videos of each.
        frames: Frames of a video.
    """

    people: int
    stills: int
    videos: int
    frames: int


def plan_media(
    part: Part, world: int, sizes: Media, frames: str
) -> tuple[list[Photo], list[list[Medium]]]:
    """All photos of a data set, and the media of each person in turn: stills, then videos.

    Args:
        part: Of the world.
        world: Its seed.
        sizes: How many.
        frames: Name of the folder of frames, as the data set has it.
    """
    each = sizes.stills + sizes.videos
    numbers = np.repeat(np.arange(sizes.people), each).tolist()
    rng = plan_rng(part, world)
    shots = Cast(part, world, LOOK).shots(rng, numbers)
    photos: list[Photo] = []
    media: list[list[Medium]] = [[] for _ in range(sizes.people)]
    for at, (number, shot) in enumerate(zip(numbers, shots, strict=True)):
        first = len(photos)
        if at % each < sizes.stills:
            photos.append(Photo(f"images/img/{at + 1}.jpg", shot))
        else:
            for frame, moved in enumerate(_video(rng, shot, sizes.frames)):
                photos.append(Photo(f"images/{frames}/{at + 1}_{30 * frame:05d}.png", moved))
        medium = Medium(at + 1, number + 1, tuple(range(first, len(photos))))
        media[number].append(medium)
    return photos, media


def _video(rng: np.random.Generator, shot: Shot, frames: int) -> list[Shot]:
    """Frames of one setting, in which the head moves a little."""
    found = []
    start = shot.setting % 100_000
    for frame in range(frames):
        pose = np.clip(shot.pose_degrees + rng.normal(0, 1, 3) * _DRIFT, -88, 88).round(4)
        pitch, yaw, roll = pose.tolist()
        moment = shot_seed(shot.person, 1000 * (1 + start) + frame)
        moved = replace(shot, pose_degrees=(pitch, yaw, roll), moment=moment, quality=_FRAME)
        found.append(moved)
    return found


def draw_template(
    rng: np.random.Generator, number: int, media: Sequence[Medium], most: int
) -> Template:
    """A template of some media of a person, with all their frames, or of a single face.

    Args:
        rng: Where the choice comes from.
        number: Of the template.
        media: Those that may be in it.
        most: Media of a template, at most.
    """
    subject = media[0].subject
    if rng.uniform() < _SINGLE:
        one = media[int(rng.integers(len(media)))]
        photo = one.photos[int(rng.integers(len(one.photos)))]
        return Template(number, subject, ((photo, one.number),))
    count = int(rng.integers(1, min(most, len(media)) + 1))
    chosen = np.sort(rng.choice(len(media), count, replace=False)).tolist()
    faces = [(photo, media[at].number) for at in chosen for photo in media[at].photos]
    return Template(number, subject, tuple(faces))


def draw_impostors(
    rng: np.random.Generator,
    allowed: Bool[np.ndarray, "l r"],
    count: int,
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """``count`` of the allowed comparisons of left and right, in order; all if there are fewer."""
    flat = np.flatnonzero(allowed)
    if len(flat) > count:
        flat = np.sort(flat[rng.choice(len(flat), count, replace=False, shuffle=False)])
    left, right = np.divmod(flat, allowed.shape[1])
    return left, right
