"""Stage 2: a student that sees masked faces learns from a teacher that sees them without (Eq. 2–4).

The paper writes norms in Eq. 2 and 3; they are read as mean squared errors, which is what
``train_stage2.py`` of yeongjoonJu/Occlusion-Robust-3D-Face-CFR-GAN computes: a norm of a feature
map's 400,000 numbers would leave nothing of the total's other two terms. No gradient flows to the
teacher. Every term is a mean over the batch.
"""

import copy
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfr.coefficients import WrongFaceModel
from cfr.regressor.losses import PUBLISHED_SIZE
from cfr.regressor.presets import StudentWeights
from cfr.types import Coefficients

Network = TypeVar("Network", bound=nn.Module)


def teacher_of(student: Network) -> Network:
    """A frozen copy of the student as it is now, in evaluation mode.

    Its weights and the statistics of its batch normalisation stay as they are, as long as nobody
    calls ``train()`` on it. The student is left as it is; it learns in training mode.
    """
    return copy.deepcopy(student).requires_grad_(False).eval()


def features(
    student: tuple[Float[Tensor, "..."], ...],
    teacher: tuple[Float[Tensor, "..."], ...],
    weights: StudentWeights,
) -> Float[Tensor, ""]:
    """Weighted mean squared errors of feature maps: Eq. 2.

    Args:
        student: The maps of stride 8, 16 and 32 (layer2, layer3 and layer4 of a ResNet), then the
            pooled features.
        teacher: The same of the same faces without masks; no gradient.
        weights: A weight for each, and whether the sum is divided by their number (1/K).

    Raises:
        ValueError: Another number of features than of weights, or different shapes.
    """
    shapes = [tuple(one.shape) for one in student], [tuple(one.shape) for one in teacher]
    if shapes[0] != shapes[1] or len(student) != len(weights.levels):
        raise ValueError(f"expected {len(weights.levels)} features alike, found {shapes}")
    total = torch.stack(
        [
            weight * _squared(one, other)
            for weight, one, other in zip(weights.levels, student, teacher, strict=True)
        ]
    ).sum()
    return total / len(student) if weights.divide else total


def coefficients(student: Coefficients, teacher: Coefficients) -> Float[Tensor, ""]:
    """Mean squared errors of shape, of texture and of all the rest, added up: Eq. 3.

    Identity and expression are one vector, rotation, lighting and translation another. A face model
    without texture has no second term.

    Args:
        student: What the student sees.
        teacher: What the teacher sees; no gradient.

    Raises:
        WrongFaceModel: They belong to different face models.
    """
    if student.model != teacher.model:
        raise WrongFaceModel("the teacher", teacher.model, f"{student.model[:12]}…")
    groups = ("identity", "expression"), ("texture",), ("rotation", "lighting", "translation")
    mine, theirs = student.parts(), teacher.parts()
    errors = []
    for names in groups:
        one = torch.cat([mine[name] for name in names], dim=1)
        other = torch.cat([theirs[name] for name in names], dim=1)
        if one.shape[1]:
            errors.append(_squared(one, other))
    return torch.stack(errors).sum()


def landmarks(
    student: Float[Tensor, "b 68 2"],
    teacher: Float[Tensor, "b 68 2"],
    weights: Float[Tensor, "68"],
    *,
    size: int,
) -> Float[Tensor, ""]:
    """Mean over the points of w (|Δx| + |Δy|), in pixels of a 224 crop: Eq. 4.

    Args:
        student: Where the student's face has them, in pixels; nothing is clamped.
        teacher: Where the teacher's has them; no gradient.
        weights: :func:`cfr.regressor.presets.point_weights`.
        size: Pixels along each side of the picture.
    """
    apart = (student - teacher.detach()).abs().sum(dim=-1) * (PUBLISHED_SIZE / size)
    return (apart * weights).mean()


def _squared(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared error without a gradient for the other."""
    return (one - other.detach()).square().mean()
