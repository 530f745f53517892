"""Occluders in front of the faces that pairs are made of, and the faces fitted anew behind them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32

from cfr.camera import Camera
from cfr.occluders.kinds import draw_random
from cfr.occluders.types import FittedFace, Occluded
from cfr.pairs.covering import Cover
from cfr.pictures import to_float
from cfr.types import Coefficients
from results.faces_to_pair import FaceInPhoto, fit_faces
from results.pair_orders import PairOrder, face_model

_STREAM = 7  # a rotation of the same seed draws from another


@torch.no_grad()
def cover_faces(
    order: PairOrder, faces: Sequence[FaceInPhoto], found: Coefficients, turn: int
) -> tuple[Coefficients, Cover | None]:
    """Draw an occluder in front of some faces, and fit those again with it.

    A fit at work sees what hides a face as well. Its points are those of the photo without.

    Args:
        order: How many, and of which kinds.
        faces: At least one.
        found: A row a face, on the CPU.
        turn: Number of the rotation: each draws its own.

    Returns:
        The coefficients, on the CPU, and the occluders, on the order's device; None where no face
        has one.
    """
    drawn = {
        at: one
        for at, face in enumerate(faces)
        if (one := _drawn(order, face, found.rows([at]), turn)) is not None
    }
    if not drawn:
        return found, None
    behind = [replace(faces[at], crop=one.image) for at, one in drawn.items()]
    fitted = fit_faces(order, behind).to("cpu")
    model = face_model(order.model, order.device)
    rows = model.layout().join(found).clone()
    rows[list(drawn)] = model.layout().join(fitted)
    images = np.stack(
        [drawn[at].image if at in drawn else one.crop for at, one in enumerate(faces)]
    )
    alphas = np.stack([_alpha(drawn.get(at), order.size) for at in range(len(faces))])
    alpha = torch.from_numpy(alphas)[:, None].to(order.device)
    cover = Cover(to_float(images, order.device), alpha, found.to(order.device))
    return model.layout().split(rows), cover


def _drawn(order: PairOrder, face: FaceInPhoto, found: Coefficients, turn: int) -> Occluded | None:
    rng = np.random.default_rng((order.seed, face.source, turn, _STREAM))
    if rng.uniform() >= order.occluded:
        return None
    model = face_model(order.model, order.device)
    fitted = FittedFace(model, found.to(order.device), Camera().resized(order.size))
    shares = {kind: float(order.occluders.count(kind)) for kind in order.occluders}
    return draw_random(face.crop, face.points, int(rng.integers(2**31)), shares, fitted)


def _alpha(drawn: Occluded | None, size: int) -> Float32[np.ndarray, "s s"]:
    return np.zeros((size, size), np.float32) if drawn is None else drawn.alpha
