"""All losses of the baseline and of stage 1 at once: which of the forms, and what goes where."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cfr.identity_crops import aligned_crop, fixed_crop
from cfr.regressor import losses
from cfr.regressor.presets import FaceWeights, point_weights
from cfr.types import Coefficients


@dataclass(frozen=True, eq=False)
class SeenFaces:
    """What a network makes of photos, and what the photos show.

    Attributes:
        coefficients: What the network put out for the (occluded) input.
        points: ``(b, 68, 2)`` where its faces have the landmarks, in pixels; not clamped.
        albedo: ``(b, v, 3)`` RGB of its vertices, unlit.
        lit: ``(b, v, 3)`` the same, lit.
        rendered: ``(b, 3, h, w)`` its faces.
        coverage: ``(b, h, w)`` where there is a face in the render.
        photo: ``(b, 3, h, w)`` the clean photos.
        mask: ``(b, h, w)`` where they show what is to be compared: bare skin, or what a parser
            takes for face. It is cut to the coverage with the forms of Deep3D.
        truth: ``(b, 68, 2)`` the landmarks of the photos, in pixels.
        estimated: ``(b,)`` whether a network estimated them.
        compared: ``(b,)`` photos whose pixels are compared; all if it is None.
        marked: ``(b,)`` photos that have landmarks; all if it is None.
    """

    coefficients: Coefficients
    points: Float[Tensor, "b 68 2"]
    albedo: Float[Tensor, "b v 3"]
    lit: Float[Tensor, "b v 3"]
    rendered: Float[Tensor, "b 3 s s"]
    coverage: Bool[Tensor, "b s s"]
    photo: Float[Tensor, "b 3 s s"]
    mask: Float[Tensor, "b s s"] | Bool[Tensor, "b s s"]
    truth: Float[Tensor, "b 68 2"]
    estimated: Bool[Tensor, " b"]
    compared: Bool[Tensor, " b"] | None = None
    marked: Bool[Tensor, " b"] | None = None


def face_losses(
    seen: SeenFaces,
    skin: Bool[Tensor, " v"],
    weights: FaceWeights,
    embed: losses.Embed | None = None,
) -> dict[str, Float[Tensor, ""]]:
    """Every loss that weighs something, by name, unweighted: for curves, and for ``total``.

    Args:
        seen: What is compared.
        skin: Vertices whose reflectance should be even: those of the face model.
        weights: Weights and forms.
        embed: A face recognizer for ``(b, 3, 112, 112)``, RGB in [−1, 1].

    Raises:
        ValueError: Identity weighs something and there is no recognizer; or landmarks lie in one
            place.
    """
    wanted = {name for name, weight in weights.terms().items() if weight}
    found: dict[str, Tensor] = {}
    if "photometric" in wanted:
        found["photometric"] = _pixels(seen, weights)
    if "landmarks" in wanted:
        found["landmarks"] = losses.landmarks(
            seen.points,
            seen.truth,
            point_weights(weights.points, seen.points.device),
            size=seen.photo.shape[-1],
            estimated=seen.estimated,
            trust=weights.trust,
            counts=seen.marked,
        )
    if "identity" in wanted:
        if embed is None:
            raise ValueError("identity: expected a recognizer, or the weight 0, found none")
        found["identity"] = losses.identity(*_faces(seen, weights), embed, seen.compared)
    if "prior" in wanted:
        released = weights.forms == "release"
        size = losses.coefficient_norms if released else losses.prior
        found["prior"] = size(seen.coefficients, weights)
    if "reflectance" in wanted:
        colors = seen.lit if weights.forms == "release" else seen.albedo
        found["reflectance"] = losses.reflectance(colors, skin)
    if "gamma" in wanted:
        found["gamma"] = losses.gamma(seen.coefficients.lighting)
    return found


def _pixels(seen: SeenFaces, weights: FaceWeights) -> Tensor:
    """Photo and render, in either form."""
    if weights.forms == "release":
        return losses.reconstruction(
            seen.rendered, seen.photo, seen.mask, seen.coverage, seen.compared
        )
    return losses.photometric(seen.rendered, seen.photo, seen.mask * seen.coverage, seen.compared)


def _faces(seen: SeenFaces, weights: FaceWeights) -> tuple[Tensor, Tensor]:
    """Render and photo as the recognizer takes them, in either form."""
    if weights.forms == "release":
        composite = torch.where(seen.coverage[:, None], seen.rendered, seen.photo)
        return fixed_crop(composite), fixed_crop(seen.photo)
    truth = seen.truth
    if seen.marked is not None:
        truth = torch.where(seen.marked[:, None, None], truth, seen.points)
    return aligned_crop(seen.rendered, seen.points), aligned_crop(seen.photo, truth)
