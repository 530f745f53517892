"""The losses of the generator and of the discriminator, one function each.

Ju et al., Complete Face Recovery GAN, WACV 2022, Eq. 7 to 13. Every function works on any device
and is differentiable in what a network put out. Pictures are RGB in [0, 1]; where the published
numbers belong to pictures in [−1, 1], the functions scale to that.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Embed = Callable[[Tensor], Tensor]
"""Faces, RGB in [−1, 1], ``(b, 3, 112, 112)``, to features ``(b, d)``; frozen, evaluating."""

FeatureMaps = Callable[[Tensor], Sequence[Tensor]]
"""Pictures, RGB in [0, 1], ``(b, 3, s, s)``, to feature maps; frozen, evaluating."""

Judge = Callable[[Tensor], Tensor]
"""Pictures, RGB in [0, 1], to logits ``(b, n)``: a discriminator."""

_CONTRAST = 2.0  # from [0, 1] to [−1, 1]
_SOME = 1e-7  # added to the area of a mask, as in train.py of yeongjoonJu/CFR-GAN


class Divergence(NamedTuple):
    """What a discriminator pays.

    Attributes:
        distance: How much higher it rates painted faces than real ones.
        penalty: On the slope of what it says.
    """

    distance: Float[Tensor, ""]
    penalty: Float[Tensor, ""]


def divergence(
    judge: Judge,
    real: Float[Tensor, "b 3 s s"],
    painted: Float[Tensor, "b 3 s s"],
    *,
    factor: float = 2.0,
    power: float = 6.0,
    slope_of: Literal["both", "real"] = "both",
) -> Divergence:
    """Wasserstein divergence (Eq. 7): the discriminator's loss is the sum of both parts.

    Slopes are those of the sum of all logits of a picture by its pixels in [−1, 1]. The mean of the
    logits instead would be smaller by their number, and its sixth power nothing. Wu et al.,
    Wasserstein Divergence for GANs, ECCV 2018: half the factor times the mean over ‖slope‖^power of
    the real picture plus that of the painted one.

    Args:
        judge: The discriminator.
        real: Photos.
        painted: Painted faces; no gradient goes back to what painted them.
        factor: k of the paper.
        power: p of the paper.
        slope_of: ``real`` is what the published code does, where the slope of painted faces is
            multiplied by zero.
    """
    with torch.enable_grad():
        pictures = [one.detach().requires_grad_() for one in (real, painted)]
        logits = [judge(one) for one in pictures]
        distance = logits[1].mean() - logits[0].mean()
        steep = 0
        for picture, said in list(zip(pictures, logits, strict=True))[: 1 + (slope_of == "both")]:
            (slope,) = torch.autograd.grad(said.sum(), picture, create_graph=True)
            squared = (slope / _CONTRAST).square().flatten(1).sum(1)
            steep = steep + squared ** (power / 2)
        return Divergence(distance, factor / 2 * torch.as_tensor(steep).mean())


def adversarial(logits: Float[Tensor, "b n"]) -> Float[Tensor, ""]:
    """What the generator pays for painted faces that look painted (Eq. 8).

    Args:
        logits: The discriminator's, of painted faces.
    """
    return -logits.mean()


def mask_error(
    found: Float[Tensor, "b 1 s s"], truth: Float[Tensor, "b 1 s s"]
) -> Float[Tensor, ""]:
    """Mean squared error of the occlusion mask (Eq. 10).

    Args:
        found: In [0, 1].
        truth: The same: 0 or 1 as the paper has it, or the published code's six levels.
    """
    return functional.mse_loss(found, truth)


def reconstruction(
    painted: Float[Tensor, "b 3 s s"],
    photo: Float[Tensor, "b 3 s s"],
    mask: Float[Tensor, "b 1 s s"],
    area: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Mean over what was hidden of the distance between colours, summed over RGB (Eq. 11).

    Each photo meets its own mask. The mask is the target: weighed by what it found, a generator
    would pay less the less it finds, so no gradient goes to it. The pixels of a batch are pooled.

    Args:
        painted: The generator's.
        photo: What it should be.
        mask: In [0, 1]; the target's.
        area: Sum of the mask over the whole batch, if this is a part of it: the parts then add up.
    """
    weights = mask.detach()
    apart = _CONTRAST * (painted - photo).abs().sum(dim=1, keepdim=True)
    return (weights * apart).sum() / ((weights.sum() if area is None else area) + _SOME)


def perceptual(
    features: FeatureMaps,
    painted: Float[Tensor, "b 3 s s"],
    photo: Float[Tensor, "b 3 s s"],
    weights: Sequence[float],
    *,
    form: Literal["l1", "mse"] = "l1",
) -> Float[Tensor, ""]:
    """Distance of the feature maps of a frozen network (Eq. 12), a mean in each map.

    Args:
        features: The network.
        painted: The generator's.
        photo: What it should look like; no gradient.
        weights: One of each map. Published for VGG-19: 1/32, 1/16, 1/8, 1/4, 1.
        form: ``l1`` as the paper has it, ``mse`` as its code.

    Raises:
        ValueError: There are more or fewer maps than weights.
    """
    with torch.no_grad():
        wanted = features(photo)
    found = features(painted)
    if len(found) != len(weights):
        raise ValueError(f"{len(found)} feature maps for {len(weights)} weights")
    distance = functional.l1_loss if form == "l1" else functional.mse_loss
    total = painted.new_zeros(())
    for weight, one, other in zip(weights, found, wanted, strict=True):
        total = total + weight * distance(one, other)
    return total


def identity(
    embed: Embed, painted: Float[Tensor, "b 3 112 112"], photo: Float[Tensor, "b 3 112 112"]
) -> Float[Tensor, ""]:
    """One minus the cosine of what a recognizer makes of the two faces (Eq. 13).

    Args:
        embed: The recognizer.
        painted: The generator's face, cut as the recognizer wants it, in [−1, 1].
        photo: The photo's, the same way; no gradient.
    """
    with torch.no_grad():
        wanted = embed(photo)
    return (1 - functional.cosine_similarity(embed(painted), wanted)).mean()
