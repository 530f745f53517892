"""Poses that faces are turned to: one for all, or one for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from cfr.frontalizers.types import Restored


@dataclass(frozen=True)
class Pose:
    """Where a face is to look; without roll.

    Attributes:
        yaw: Radians, positive turns the nose to the image's right.
        pitch: Radians, positive lowers it; None for what the frontalizer does by itself.
    """

    yaw: float
    pitch: float | None = None


@runtime_checkable
class Turner(Protocol):
    """A frontalizer that turns each face to a pose of its own."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything but the poses that decides what it answers."""
        ...

    def restore_many(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        points: Sequence[Float64[np.ndarray, "68 2"]],
        poses: Sequence[Pose] | None = None,
    ) -> list[Restored]:
        """Turn the faces of many photos, some dozens at once.

        Args:
            photos: RGB, of any sizes.
            points: iBUG-68 points in the pixels of each.
            poses: One a photo; None for the frontalizer's own.

        Raises:
            ValueError: Some points are not finite, or lie in one place.
        """
        ...


def check_numbers(photos: int, points: int, poses: Sequence[Pose] | None) -> None:
    """Refuse other numbers of points or poses than of photos.

    Raises:
        ValueError: They differ.
    """
    if photos != points:
        raise ValueError(f"{photos} photos, points of {points}")
    if poses is not None and len(poses) != photos:
        raise ValueError(f"{photos} photos, {len(poses)} poses")


def rotations(
    pitches: Float[Tensor, " b"], yaw: float, poses: Sequence[Pose] | None
) -> Float[Tensor, "b 3"]:
    """Pitch, yaw and roll that faces are turned to, in radians.

    Args:
        pitches: What counts where no pitch is asked for.
        yaw: What counts where there are no poses.
        poses: One a face.
    """
    yaws = torch.full_like(pitches, yaw)
    if poses is not None:
        yaws = pitches.new_tensor([one.yaw for one in poses])
        asked = [float("nan") if one.pitch is None else one.pitch for one in poses]
        wanted = pitches.new_tensor(asked)
        pitches = torch.where(wanted.isnan(), pitches, wanted)
    return torch.stack((pitches, yaws, torch.zeros_like(yaws)), dim=1)
