"""From 68 points, and a photo, to coefficients: without a network, and without training."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cfr.camera import Camera
from cfr.fit.photo import PhotoFit, fit_photo
from cfr.fit.points import fit_points
from cfr.fit.settings import FitSettings
from cfr.morphable.model import MorphableModel
from cfr.types import Coefficients

__all__ = ["FitSettings", "PhotoFit", "fit", "fit_photo", "fit_points"]


@torch.no_grad()
def fit(
    model: MorphableModel,
    points: Float[Tensor, "b 68 2"],
    photo: Float[Tensor, "b 3 s s"] | None = None,
    camera: Camera | None = None,
    settings: FitSettings | None = None,
    weights: Float[Tensor, "b 68"] | None = None,
    trusted: Bool[Tensor, "b s s"] | None = None,
) -> Coefficients:
    """All coefficients of faces: pose and shape from points, texture and light from the photo.

    Args:
        model: The face model.
        points: As in :func:`fit_points`.
        photo: As in :func:`fit_photo`; without it, texture and lighting are 0.
        camera: The default camera if it is None.
        settings: The defaults if it is None.
        weights: How much each point counts, 1 as a rule.
        trusted: Where the photo may show the face, if something is known about that.

    Raises:
        ValueError: As in :func:`fit_points` and :func:`fit_photo`.
    """
    found = fit_points(model, points, camera, settings, weights)
    if photo is None:
        return found
    return fit_photo(model, found, photo, camera, settings, trusted).coefficients
