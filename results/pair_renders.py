"""Made-up people for pairs: photos that are drawn where they are asked for, with their points."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from results.pair_orders import PairOrder, face_model

RENDERED = SceneSettings(size=280, zoom=0.9, yaw_degrees=45.0, pitch_degrees=15.0)
"""How they are photographed."""


def draw_person(
    order: PairOrder, seed: int
) -> tuple[UInt8[np.ndarray, "h w 3"], Float64[np.ndarray, "68 2"]]:
    """A photo of a made-up person, RGB, and the 68 points of the face in it.

    Args:
        order: With the name of the face model.
        seed: Of person and scene.
    """
    sampler = _sampler(order.model, order.device)
    scene = draw_scenes(sampler.model, [sampler.draw(seed)], [seed], RENDERED)[0]
    return scene.photo, scene.points


@lru_cache(maxsize=2)
def _sampler(name: str, device: str) -> IdentitySampler:
    """Once in each process."""
    return IdentitySampler(face_model(name, device))
