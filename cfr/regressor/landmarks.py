"""From a regressor to the 68 points of a face, in its crop and in the photo.

Only the 68 vertices are computed, never the mesh, and no position is clamped: a point outside the
crop stays outside.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from cfr.align import Alignment
from cfr.camera import Camera, place
from cfr.fit.parts import cut, kept
from cfr.morphable.model import MorphableModel
from cfr.pictures import to_float
from cfr.precision import full_precision
from cfr.regressor.network import RNet
from cfr.types import Coefficients


@full_precision
def project_landmarks(
    model: MorphableModel, coefficients: Coefficients, camera: Camera | None = None
) -> Float[Tensor, "b 68 2"]:
    """Where a face model's 68 points are in the camera's picture; differentiable.

    Args:
        model: The face model.
        coefficients: Of this model.
        camera: The default camera if it is None.

    Returns:
        x and y in pixels.

    Raises:
        WrongFaceModel: The coefficients belong to another face model.
    """
    model.require(coefficients.model, "these coefficients")
    part = kept(model, "landmarks", 68, lambda: cut(model, model.landmarks))
    weights = torch.cat((coefficients.identity, coefficients.expression), dim=1)
    shape = part.shape + torch.einsum("bm,mnd->bnd", weights, part.shape_modes)
    placed = place(shape, coefficients.rotation, coefficients.translation)
    return (camera or Camera()).project(placed)[..., :2]


@torch.no_grad()
def points_in_crops(
    net: RNet, model: MorphableModel, crops: Sequence[UInt8[np.ndarray, "s s 3"]]
) -> Float64[np.ndarray, "n 68 2"]:
    """The points that a regressor gives for aligned crops, in one batch.

    The network's own pixel count (:attr:`cfr.regressor.network.RNet.offset`) is turned into ours.

    Args:
        net: In evaluation mode.
        model: The face model that it speaks of, on the network's device.
        crops: RGB, cut by :func:`cfr.align.align_deep3d` at the network's size.

    Returns:
        x and y in the crop's pixels.

    Raises:
        WrongFaceModel: The network speaks of another face model.
        ValueError: The network is in training mode, or a crop has another size.
    """
    if net.training:
        raise ValueError("expected a network in evaluation mode, found one in training")
    if not crops:
        return np.zeros((0, 68, 2))
    device = next(net.parameters()).device
    batch = to_float(np.stack(crops), device)
    found = net.layout.split(net(batch))
    points = project_landmarks(model, found, Camera().resized(net.size))
    return points.double().cpu().numpy() + np.array(net.offset)


def points_in_photos(
    net: RNet,
    model: MorphableModel,
    photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    alignments: Sequence[Alignment],
) -> Float64[np.ndarray, "n 68 2"]:
    """The points that a regressor gives for faces of photos, in the photos' pixels.

    Args:
        net: In evaluation mode.
        model: The face model that it speaks of, on the network's device.
        photos: RGB, one a face; they may differ in size.
        alignments: Where each face is; of any size, since :func:`rescaled` fits them.

    Raises:
        WrongFaceModel: The network speaks of another face model.
        ValueError: The network is in training mode, or there are not as many photos as alignments.
    """
    fitting = [rescaled(one, net.size) for one in alignments]
    crops = [one.crop(photo) for photo, one in zip(photos, fitting, strict=True)]
    found = points_in_crops(net, model, crops)
    mapped = [one.to_photo(points) for one, points in zip(fitting, found, strict=True)]
    return np.stack(mapped) if mapped else found


def rescaled(alignment: Alignment, size: int) -> Alignment:
    """The same part of the photo on another number of pixels: outer edges stay where they are."""
    scale = size / alignment.size
    matrix = alignment.matrix * scale
    matrix[:, 2] += (scale - 1) / 2
    return Alignment(matrix, size, alignment.antialias)
