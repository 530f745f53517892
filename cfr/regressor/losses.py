"""The losses of stage 1 and of its baseline, one function each; weights are in ``presets``.

The baseline is Deng et al., Accurate 3D Face Reconstruction with Weakly-Supervised Learning, CVPR
Workshops 2019; its forms are those of ``losses.py`` of microsoft/Deep3DFaceReconstruction. Stage 1
is that of yeongjoonJu/Occlusion-Robust-3D-Face-CFR-GAN (``train_stage1.py``), where it differs.

Every function works on any device, is differentiable in what a network put out, and is a mean over
the samples that count: a photo's mask meets only that photo. With ``counts`` a batch may mix photos
and renders; if no sample counts the loss is 0, and so is its gradient. Pictures are RGB in [0, 1].
Positions are pixels of a picture with ``size`` pixels along each side; the published weights were
chosen for 224, so the functions scale to that. No position is clamped: a landmark outside the
picture must be able to come back.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from cfr.coefficients import WrongFaceModel
from cfr.regressor.presets import FaceWeights, PartWeights
from cfr.types import Coefficients

PUBLISHED_SIZE = 224
"""Pixels along each side of the crop that the published weights were chosen for."""

Embed = Callable[[Tensor], Tensor]
"""Faces, RGB in [−1, 1], ``(b, 3, 112, 112)``, to features ``(b, d)``; frozen, evaluating."""

_SQUARE = 1e-6  # added under the root, as in models/losses.py of sicxu/Deep3DFaceRecon_pytorch


def average(
    values: Float[Tensor, " b"], counts: Bool[Tensor, " b"] | None = None
) -> Float[Tensor, ""]:
    """Mean over the samples that count; 0 without any.

    Args:
        values: One of each sample.
        counts: All if it is None.
    """
    if counts is None:
        return values.mean()
    return torch.where(counts, values, 0.0).sum() / counts.sum().clamp(min=1)


def photometric(
    rendered: Float[Tensor, "b 3 h w"],
    photo: Float[Tensor, "b 3 h w"],
    mask: Float[Tensor, "b h w"] | Bool[Tensor, "b h w"],
    counts: Bool[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """Mean over the mask of the distance between colours, as in Deng et al.

    Each photo has its own mean, as in their text; their code pools the pixels of a batch, so that a
    large face counts for more. A photo with an empty mask does not count.

    Args:
        rendered: The face as the network sees it.
        photo: The clean photo.
        mask: Where it shows bare skin that is also rendered, or how probably; no gradient.
        counts: Photos that are compared; all if it is None.
    """
    distance = (((rendered - photo) ** 2).sum(dim=1) + _SQUARE).sqrt()
    return _over_mask(distance, mask, counts)


def landmarks(
    found: Float[Tensor, "b 68 2"],
    truth: Float[Tensor, "b 68 2"],
    weights: Float[Tensor, "68"],
    *,
    size: int,
    estimated: Bool[Tensor, " b"] | None = None,
    trust: float = 1.0,
    counts: Bool[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """Σ w ‖Δ‖² / 68 in square pixels of a 224 crop, as in Deng et al.

    Args:
        found: Where the network's face has them, in pixels; nothing is clamped.
        truth: Where they are; anything, also NaN, of photos that do not count.
        weights: :func:`cfr.regressor.presets.point_weights`.
        size: Pixels along each side of the picture.
        estimated: Photos whose points a network estimated (3DDFA-V2 in the paper).
        trust: What the loss of such a photo is multiplied by: 0.7 in the paper.
        counts: Photos that have points; all if it is None.
    """
    apart = _where(counts, found - truth) * (PUBLISHED_SIZE / size)
    squares = apart.square().sum(dim=-1)
    values = (squares * weights).mean(dim=-1)
    if estimated is not None:
        values = torch.where(estimated, trust * values, values)
    return average(values, counts)


def identity(
    rendered: Float[Tensor, "b 3 h w"],
    photo: Float[Tensor, "b 3 h w"],
    embed: Embed,
    counts: Bool[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """1 − cos of the identity features of both, as in Deng et al.

    Args:
        rendered: The face as the network sees it, cut as ``embed`` takes it (``identity_crops``).
        photo: The clean photo, cut likewise; no gradient.
        embed: A face recognizer, frozen and in evaluation mode.
        counts: Photos that are compared; all if it is None.
    """
    with torch.no_grad():
        target = embed(photo)
    return average(1 - functional.cosine_similarity(embed(rendered), target, dim=1), counts)


def prior(coefficients: Coefficients, weights: FaceWeights) -> Float[Tensor, ""]:
    """w_α Σα² + w_β Σβ² + w_δ Σδ² of each sample, as in Deng et al."""
    squares = (
        weights.prior_identity * coefficients.identity.square().sum(dim=1)
        + weights.prior_expression * coefficients.expression.square().sum(dim=1)
        + weights.prior_texture * coefficients.texture.square().sum(dim=1)
    )
    return squares.mean()


def reflectance(
    colors: Float[Tensor, "b v 3"],
    skin: Bool[Tensor, " v"],
    counts: Bool[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """Variance of the skin's colour, the channels added up, as in Deng et al.

    Their colours are the albedo. ``renderer.py`` of the authors' stage 1 takes the lit colours, a
    mask of −1 (or 255, if it is uint8), and one mean for all channels and samples; that mask makes
    the loss negative (or 255 times as large), so only the lit colours are kept of it.

    Args:
        colors: RGB of the vertices.
        skin: Vertices that should have one colour.
        counts: Samples that count; all if it is None.
    """
    inside = skin.to(colors.dtype)[None, :, None]
    vertices = inside.sum().clamp(min=1)
    mean = (colors * inside).sum(dim=1, keepdim=True) / vertices
    return average(((colors - mean) * inside).square().sum(dim=(1, 2)) / vertices, counts)


def gamma(lighting: Float[Tensor, "b l"]) -> Float[Tensor, ""]:
    """Mean squared deviation of the three channels' light from grey; 0 for one light of nine.

    Source: ``losses.py`` of microsoft/Deep3DFaceReconstruction.
    """
    channels = lighting.unflatten(1, (-1, 9))
    return (channels - channels.mean(dim=1, keepdim=True)).square().mean()


def reconstruction(
    rendered: Float[Tensor, "b 3 h w"],
    photo: Float[Tensor, "b 3 h w"],
    mask: Float[Tensor, "b h w"] | Bool[Tensor, "b h w"],
    coverage: Bool[Tensor, "b h w"],
    counts: Bool[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """What the authors' stage 1 has instead of :func:`photometric`: L1, the channels added up.

    Their code multiplies ``(b, h, w)`` by ``(b, 1, h, w)``, so that each photo meets every mask and
    the loss grows with the batch. Here each photo meets its own.

    Args:
        rendered: The face as the network sees it.
        photo: The clean photo.
        mask: Where a parser sees skin, nose, eyes, brows or lips; no gradient.
        coverage: Where there is a face in the render; elsewhere nothing differs.
        counts: Photos that are compared; all if it is None.
    """
    composite = torch.where(coverage[:, None], rendered, photo)
    return _over_mask((composite - photo).abs().sum(dim=1), mask, counts)


def coefficient_norms(coefficients: Coefficients, weights: FaceWeights) -> Float[Tensor, ""]:
    """What the authors' stage 1 has instead of :func:`prior`: w_α ‖α‖ + w_β ‖β‖ + w_δ ‖δ‖.

    Not squared, and each norm is that of the whole batch: it grows with the root of the batch.
    """
    return (
        weights.prior_identity * torch.linalg.vector_norm(coefficients.identity)
        + weights.prior_expression * torch.linalg.vector_norm(coefficients.expression)
        + weights.prior_texture * torch.linalg.vector_norm(coefficients.texture)
    )


def coefficient_errors(
    found: Coefficients, truth: Coefficients, known: Mapping[str, Bool[Tensor, " b"]] | None = None
) -> dict[str, Float[Tensor, ""]]:
    """Mean squared error of each part, for renders: over its numbers, then over the samples.

    Args:
        found: What a network put out.
        truth: What was drawn; anything, also NaN, where it is not known.
        known: By part, the samples of which ``truth`` holds it: the light of a turned photo, say,
            is not known. All samples for a part that is not named.

    Returns:
        By part. A part without numbers, or known of no sample, has the error 0.

    Raises:
        WrongFaceModel: They belong to different face models.
        ValueError: ``known`` names something that is no part.
    """
    if found.model != truth.model:
        raise WrongFaceModel("the true coefficients", truth.model, f"{found.model[:12]}…")
    counts, parts, targets = dict(known or {}), found.parts(), truth.parts()
    if strange := sorted(set(counts) - set(parts)):
        raise ValueError(f"expected parts of {', '.join(parts)}, found {', '.join(strange)}")
    errors = {}
    for name, part in parts.items():
        apart = _where(counts.get(name), part - targets[name])
        errors[name] = average(apart.square().sum(dim=1) / max(part.shape[1], 1), counts.get(name))
    return errors


def coefficient_error(
    found: Coefficients,
    truth: Coefficients,
    weights: PartWeights,
    known: Mapping[str, Bool[Tensor, " b"]] | None = None,
) -> Float[Tensor, ""]:
    """The weighted sum of :func:`coefficient_errors`.

    Raises:
        WrongFaceModel: They belong to different face models.
        ValueError: ``known`` names something that is no part.
    """
    errors = coefficient_errors(found, truth, known)
    return torch.stack([getattr(weights, name) * error for name, error in errors.items()]).sum()


def landmark_distance(
    found: Float[Tensor, "b 68 2"], truth: Float[Tensor, "b 68 2"], *, size: int
) -> Float[Tensor, ""]:
    """Mean distance of the landmarks, in pixels of a 224 crop; rounded off below a pixel.

    Our own, for samples whose coefficients are known: with squares a few turned heads would
    outweigh all others.

    Args:
        found: Where the network's face has them.
        truth: Where they are.
        size: Pixels along each side of the picture.
    """
    squares = ((found - truth) * (PUBLISHED_SIZE / size)).square().sum(dim=-1)
    return ((squares + 1).sqrt() - 1).mean()


def landmark_error(
    found: Float[Tensor, "b 68 2"], truth: Float[Tensor, "b 68 2"], *, size: int
) -> Float[Tensor, ""]:
    """Mean |error| of a coordinate, in pixels of a 224 crop: what the authors validate with.

    Args:
        found: Where the network's face has them.
        truth: Where they are.
        size: Pixels along each side of the picture.
    """
    return (found - truth).abs().mean() * (PUBLISHED_SIZE / size)


def _where(counts: Bool[Tensor, " b"] | None, apart: Tensor) -> Tensor:
    """Differences, 0 where a sample does not count: a NaN there must not reach a gradient."""
    if counts is None:
        return apart
    return torch.where(counts.view(-1, *[1] * (apart.dim() - 1)), apart, 0.0)


def _over_mask(
    values: Float[Tensor, "b h w"],
    mask: Float[Tensor, "b h w"] | Bool[Tensor, "b h w"],
    counts: Bool[Tensor, " b"] | None,
) -> Float[Tensor, ""]:
    """The mean over each sample's own mask, and then over the samples whose mask is not empty."""
    weight = mask.detach().to(values.dtype)
    total = weight.sum(dim=(1, 2))
    seen = total > 0 if counts is None else counts & (total > 0)
    return average((values * weight).sum(dim=(1, 2)) / total.clamp(min=1), seen)
