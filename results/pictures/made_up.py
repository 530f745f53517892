"""Made-up people for figures: one photo each, with exact points and known truths."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from cfr.frontalizers.cfr_gan import PITCH
from cfr.synthetic.identity import Identity, IdentitySampler
from cfr.synthetic.shots import Shot, draw_shot
from results.export.work import Show
from results.pair_orders import face_model
from results.pictures.networks import MODEL
from results.pictures.options import Kind
from results.pictures.types import Chosen, Face
from results.restoration.cases import KINDS

PEOPLE = 73_000_000
"""People of figures: this number and those after it, a thousand for each seed. No network here has
met them (:mod:`results.synthetic.seeds`)."""
_EACH = 1_000
_SIZE = 320  # of the photos, pixels
_STREAM = 11
_NEAR, _FAR = 30.0, 60.0  # yaw of a turned face, degrees
_CLOSE = 15.0  # yaw of another, at most
_PITCH, _ROLL = 8.0, 5.0  # at most


def draw_people(kind: Kind, count: int, seed: int, device: str, show: Show) -> Chosen:
    """Photograph people, as many as are asked for.

    Args:
        kind: Whether they are turned, occluded, or by turns one, the other and both.
        count: How many.
        seed: Of the people and everything else.
        device: Where they are drawn.
        show: Progress.
    """
    first = PEOPLE + _EACH * seed
    with show("drawing made-up people", count) as advance:
        faces = []
        for shot in _shots(kind, count, seed):
            faces.append(_photographed(shot, device))
            advance(1)
    return Chosen(
        faces=tuple(faces),
        world="synthetic",
        told=f"Made-up people, drawn with the built-in face model (seeds {first:,} to "
        f"{first + count - 1:,}, one photo each, none chosen by eye); no real person is shown, and "
        "nothing in assets/ was trained on these.",
        points="exact",
        labelled=True,
    )


def _shots(kind: Kind, count: int, seed: int) -> Iterator[Shot]:
    """What is asked for of each: everything follows from its number and the seed."""
    first = PEOPLE + _EACH * seed
    for at in range(count):
        rng = np.random.default_rng((seed, at, _STREAM))
        third, round_ = at % 3, at // 3
        turned = {"plain": at > 0, "turned": True, "occluded": False, "both": third != 1}[kind]
        covered = kind == "occluded" or (kind == "both" and third > 0)
        yaw = rng.uniform(_NEAR, _FAR) * (-1) ** at if turned else rng.uniform(-_CLOSE, _CLOSE)
        pitch, roll = rng.uniform(-1, 1, 2) * (_PITCH, _ROLL)
        number = at if kind == "occluded" else 2 * round_ + third - 1
        yield Shot(
            person=first + at,
            setting=first + at,
            moment=first + at,
            pose_degrees=(float(pitch), float(yaw), float(roll)),
            occluder=KINDS[number % len(KINDS)] if covered else "",
            occluder_seed=2 * int(rng.integers(2**30)) + 1,
            size=_SIZE,
        )


def _photographed(shot: Shot, device: str) -> Face:
    model, person = face_model(MODEL, device), _person(shot.person, device)
    pose = (float(np.degrees(PITCH)), 0.0, 0.0)
    seen = draw_shot(model, person, shot)
    clear = draw_shot(model, person, replace(shot, occluder=""))
    front = draw_shot(model, person, replace(shot, occluder="", pose_degrees=pose))
    return Face(
        name=_name(shot),
        photo=seen.photo,
        points=seen.points,
        about={
            "person": shot.person,
            "pose_degrees": [round(one, 2) for one in shot.pose_degrees],
            "occluder": shot.occluder,
            "occluder_seed": shot.occluder_seed,
            "hidden": round(seen.hidden, 3),
        },
        clear=clear.photo,
        frontal=(front.photo, front.points),
    )


def _name(shot: Shot) -> str:
    yaw = f"{shot.pose_degrees[1]:+.0f}".replace("-", "−")
    parts = (f"person {shot.person % _EACH + 1}", shot.occluder, f"yaw\xa0{yaw}°")
    return ", ".join(part for part in parts if part)


@lru_cache(maxsize=128)
def _person(seed: int, device: str) -> Identity:
    """Once in each process: figures show the same people."""
    return IdentitySampler(face_model(MODEL, device)).draw(seed)
