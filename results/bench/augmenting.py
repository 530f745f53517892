"""How many versions of training pictures a process makes, from the encoded picture and its points.

The generators are those in ``assets/``; the people are made up. Landmarks are not in it.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from cfr.align import ARCFACE_112, similarity
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.images import decode_image, encode_jpeg
from recognizers.templates import arcface
from results.augmenting.making import FaceToTurn, Turn
from results.augmenting.options import Method
from results.augmenting.orders import AugmentOrder, turner
from results.augmenting.versions import Version
from results.bench.timing import Timing, time_pairs
from results.export.faces import cut, restored_points
from results.export.ground import Ground, digest, one_thread
from results.export.stages import Photo

_FACES = 16
_TURNED, _OWN = Version("turned", 15.0), Version("deoccluded")
_WAYS: tuple[tuple[str, Method, bool, Version], ...] = (
    ("render", "render", False, _TURNED),
    ("cfr-gan, by the fit", "cfr-gan", False, _TURNED),
    ("cfr-gan, by the regressor", "cfr-gan", True, _TURNED),
    ("cfr-gan, de-occluded, by the fit", "cfr-gan", False, _OWN),
    ("rotate-and-render, by the fit", "rotate-and-render", False, _TURNED),
)


def time_augmenting(repeats: int, faces: int = _FACES) -> Iterator[Timing]:
    """Versions by each method, against decoding a picture and encoding it again.

    Args:
        repeats: Timed pairs.
        faces: Pictures at a time.
    """
    pictures = _pictures(faces)
    again = partial(_again, pictures[:1])
    for name, method, regressor, version in _WAYS:
        points = tuple((x, y) for x, y in ARCFACE_112.tolist())
        order = AugmentOrder(method, None, regressor, "builtin", points, 99.0, 95, True, "cpu")
        turn = Turn(order, digest(turner(order).identity), Ground.here((), ()))
        block = [FaceToTurn(photo, at, (version,)) for photo, at in pictures]
        with one_thread():
            subject = f"a version, {name}"
            reference = "a picture decoded and encoded"
            run = partial(turn, block)
            timing = time_pairs(subject, run, reference, again, repeats).divided(faces)
            begun = time.process_time()
            run()
            cpu = (time.process_time() - begun) / faces
        yield replace(timing, note=f"{1 / cpu:.1f} a second of one core ({1000 * cpu:.0f} ms)")


def _pictures(count: int) -> list[tuple[Photo, np.ndarray]]:
    """Crops of 112² as ArcFace wants them, encoded, and the 68 points in them."""
    model = load_model("builtin")
    sampler = IdentitySampler(model)
    people = [sampler.draw(seed) for seed in range(count)]
    found = []
    for scene in draw_scenes(model, people, list(range(count)), SceneSettings(size=160)):
        points = restored_points(scene.points)
        crop, _ = cut(scene.photo, points, arcface(112), smooth=True)
        matrix = similarity(points.five, ARCFACE_112)
        at = scene.points @ matrix[:, :2].T + matrix[:, 2]
        found.append((Photo(encode_jpeg(crop, 95), Path("made up")), at))
    return found


def _again(pictures: list[tuple[Photo, np.ndarray]]) -> list[bytes]:
    return [encode_jpeg(decode_image(one.content, one.file), 95) for one, _ in pictures]
