"""Non-rigid structure from motion: the shapes behind points in photos of many people.

Each photo's points are a scaled orthographic picture of a mean shape plus a few modes with normal
weights; shape, modes, poses and noise are found together by expectation maximisation (Torresani,
Hertzmann, Bregler, Nonrigid Structure-from-Motion, PAMI 2008). Every photo counts twice, as it is
and mirrored, so that the result is symmetric.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from cfr.morphable.sculpt.landmarks import PARTNER

SPAN = 1.55
"""Root of the area of a face's landmark box, in decimetres: the scale of the first guess."""
_FIRST_GUESS = {
    **{0: (-0.74, 0.26, -0.52), 1: (-0.725, 0.07, -0.50), 2: (-0.70, -0.12, -0.47)},
    **{3: (-0.66, -0.31, -0.42), 4: (-0.58, -0.50, -0.32), 5: (-0.46, -0.65, -0.17)},
    **{6: (-0.32, -0.76, 0.0), 7: (-0.17, -0.83, 0.145), 8: (0.0, -0.86, 0.20)},
    **{17: (-0.60, 0.46, 0.02), 18: (-0.51, 0.55, 0.14), 19: (-0.38, 0.58, 0.22)},
    **{20: (-0.25, 0.56, 0.27), 21: (-0.12, 0.51, 0.30), 27: (0.0, 0.33, 0.26)},
    **{28: (0.0, 0.21, 0.34), 29: (0.0, 0.08, 0.44), 30: (0.0, -0.046, 0.55)},
    **{31: (-0.15, -0.145, 0.30), 32: (-0.08, -0.17, 0.36), 33: (0.0, -0.19, 0.39)},
    **{36: (-0.46, 0.285, 0.06), 37: (-0.37, 0.335, 0.14), 38: (-0.26, 0.335, 0.15)},
    **{39: (-0.165, 0.28, 0.12), 40: (-0.26, 0.245, 0.14), 41: (-0.37, 0.245, 0.13)},
    **{48: (-0.25, -0.381, 0.224), 49: (-0.16, -0.335, 0.33), 50: (-0.06, -0.31, 0.375)},
    **{51: (0.0, -0.32, 0.38), 57: (0.0, -0.50, 0.345), 58: (-0.06, -0.495, 0.34)},
    **{59: (-0.155, -0.46, 0.30), 60: (-0.21, -0.385, 0.25), 61: (-0.08, -0.375, 0.345)},
    **{62: (0.0, -0.38, 0.355), 66: (0.0, -0.40, 0.345), 67: (-0.08, -0.395, 0.335)},
}
# How strongly depths are held to the first guess (mean) and to 0 (modes), in photos. The outline's
# are held hard: it slides forward on the skin as the head turns, and would come out too flat.
_HOLD_MEAN, _HOLD_MODES = np.full(68, 1.8), np.full(68, 3.0)
_HOLD_MEAN[:17], _HOLD_MODES[:17] = 500.0, 150.0


@dataclass(frozen=True, eq=False)
class Motion:
    """Shapes and poses; the first half of the photos as they are, the second mirrored.

    Attributes:
        mean: ``(68, 3)`` about decimetres, y up, z towards the camera.
        modes: ``(k, 68, 3)`` for a weight of one deviation.
        weights: ``(2n, k)`` expected weights.
        rotation: ``(2n, 3, 3)``.
        scale: ``(2n,)``.
        shift: ``(2n, 2)``.
        noise: Deviation of the points, in the unit of ``mean``.
    """

    mean: Float64[np.ndarray, "68 3"]
    modes: Float64[np.ndarray, "k 68 3"]
    weights: Float64[np.ndarray, "m k"]
    rotation: Float64[np.ndarray, "m 3 3"]
    scale: Float64[np.ndarray, " m"]
    shift: Float64[np.ndarray, "m 2"]
    noise: float

    @property
    def shapes(self) -> Float64[np.ndarray, "m 68 3"]:
        """The landmarks of every photo in space, unposed."""
        return self.mean + np.tensordot(self.weights, self.modes, 1)

    @property
    def yaw(self) -> Float64[np.ndarray, " m"]:
        """In radians, positive to the image's right."""
        return np.arctan2(self.rotation[:, 0, 2], self.rotation[:, 2, 2])


@dataclass(frozen=True, eq=False)
class Frame:
    """Takes pixels to the unit of a :class:`Motion`, and back."""

    middle: Float64[np.ndarray, "m 1 2"]
    zoom: Float64[np.ndarray, "m 1 1"]

    def normalise(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels, y down → about decimetres, y up."""
        return (pixels * (1, -1) - self.middle) * self.zoom

    def to_pixels(self, points: np.ndarray, photo: int) -> np.ndarray:
        """The inverse of :meth:`normalise`, for points of one photo."""
        return (points / self.zoom[photo] + self.middle[photo]) * (1, -1)


def frame_of(pixels: Float64[np.ndarray, "n 68 2"]) -> Frame:
    """The frame in which every face's landmarks have the same size."""
    up = pixels * (1, -1)
    area = np.prod(np.ptp(up, axis=1), axis=1)
    return Frame(up.mean(1, keepdims=True), (SPAN / np.sqrt(area))[:, None, None])


def solve_motion(
    points: Float64[np.ndarray, "n 68 2"], modes: int = 28, rounds: int = 14
) -> Motion:
    """Find shapes and poses.

    Args:
        points: In the unit of :class:`Frame`, y up.
        modes: How many.
        rounds: Of expectation and maximisation.
    """
    seen = np.concatenate((points, points[:, PARTNER] * (-1, 1)))
    guess = _first_guess()
    mean, basis = guess, np.zeros((modes, 68, 3))
    rotation, scale = _affine_pose(seen, mean)
    shapes = np.repeat(mean[None], len(seen), 0)
    noise, hidden, shift = 0.03, np.zeros((len(seen), modes)), np.zeros((len(seen), 2))
    for number in range(rounds):
        trust = _trust(rotation)
        rotation, scale, shift = _refine(seen, shapes, trust, rotation, scale)
        centred = seen - shift[:, None]
        if number == 0:
            basis = _first_modes(centred, mean, rotation, scale, modes)
        hidden, spread = _expect(centred, mean, basis, trust, rotation, scale, noise)
        mean, basis = _maximise(centred, hidden, spread, trust, rotation, scale, guess)
        mean = (mean + mean[PARTNER] * (-1, 1, 1)) / 2
        shapes = mean + np.tensordot(hidden, basis, 1)
        noise = _noise(centred, shapes, basis, spread, trust, rotation, scale)
    return Motion(mean, basis, hidden, rotation, scale, shift, noise)


def _first_guess() -> np.ndarray:
    guess = np.full((68, 3), np.nan)
    for point, place in _FIRST_GUESS.items():
        guess[point], guess[PARTNER[point]] = place, np.array(place) * (-1, 1, 1)
    return guess


def _trust(rotation: np.ndarray) -> np.ndarray:
    """The outline slides over the skin as the head turns: its points count less, the more so."""
    yaw = np.degrees(np.abs(np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])))
    trust = np.ones((len(rotation), 68))
    trust[:, :17] = (0.5 / (1 + (yaw / 15) ** 2))[:, None]
    trust[:, 7:10] = 0.5
    return trust


def _affine_pose(seen: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest scaled rotation to an affine fit."""
    flat = mean - mean.mean(0)
    affine = (np.linalg.pinv(flat) @ (seen - seen.mean(1, keepdims=True))).transpose(0, 2, 1)
    left, size, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    third = np.cross(rows[:, 0], rows[:, 1])[:, None]
    return np.concatenate((rows, third), axis=1), size.mean(1)


def _refine(
    seen: np.ndarray,
    shapes: np.ndarray,
    trust: np.ndarray,
    rotation: np.ndarray,
    scale: np.ndarray,
    steps: int = 2,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gauss-Newton steps on rotation and scale; the shift follows."""
    share = trust / trust.sum(1, keepdims=True)
    middle = (share[..., None] * seen).sum(1)
    for _ in range(steps):
        turned = shapes @ rotation.transpose(0, 2, 1)
        turned = turned - (share[..., None] * turned).sum(1, keepdims=True)
        x, y, z = np.moveaxis(turned * scale[:, None, None], -1, 0)
        zero = np.zeros_like(x)
        jacobian = np.stack(
            (
                np.stack((zero, z, -y, turned[..., 0]), -1),
                np.stack((-z, zero, x, turned[..., 1]), -1),
            ),
            axis=2,
        )
        error = seen - middle[:, None] - np.stack((x, y), -1)
        normal = np.einsum("nj,njap,njaq->npq", share, jacobian, jacobian, optimize=True)
        normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(4)
        right = np.einsum("nj,njap,nja->np", share, jacobian, error, optimize=True)
        step = np.linalg.solve(normal, right[..., None])[..., 0]
        rotation = Rotation.from_rotvec(np.clip(step[:, :3], -0.3, 0.3)).as_matrix() @ rotation
        scale = scale + step[:, 3]
    turned = (shapes @ rotation.transpose(0, 2, 1))[..., :2]
    shift = (share[..., None] * (seen - scale[:, None, None] * turned)).sum(1)
    return rotation, scale, shift


def _first_modes(
    centred: np.ndarray, mean: np.ndarray, rotation: np.ndarray, scale: np.ndarray, modes: int
) -> np.ndarray:
    """Principal components of what the mean leaves over, seen from the camera."""
    left = centred - scale[:, None, None] * (mean @ rotation[:, :2].transpose(0, 2, 1))
    back = left @ rotation[:, :2] / scale[:, None, None]
    _, size, vectors = np.linalg.svd(back.reshape(len(back), -1), full_matrices=False)
    return (vectors[:modes] * (size[:modes] / np.sqrt(len(back)))[:, None]).reshape(modes, 68, 3)


def _expect(
    centred: np.ndarray,
    mean: np.ndarray,
    basis: np.ndarray,
    trust: np.ndarray,
    rotation: np.ndarray,
    scale: np.ndarray,
    noise: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Means ``(n, k)`` and covariances ``(n, k, k)`` of the weights, given everything else."""
    rows = scale[:, None, None] * rotation[:, :2]
    design = np.einsum("nab,kjb->njak", rows, basis, optimize=True)
    error = centred - mean @ rows.transpose(0, 2, 1)
    flat = design.reshape(len(rows), -1, len(basis))
    weighted = flat * np.repeat(trust, 2, axis=1)[..., None] / noise**2
    spread = np.linalg.inv(np.eye(len(basis)) + weighted.transpose(0, 2, 1) @ flat)
    right = weighted.transpose(0, 2, 1) @ error.reshape(len(rows), -1, 1)
    return (spread @ right)[..., 0], spread


def _maximise(
    centred: np.ndarray,
    hidden: np.ndarray,
    spread: np.ndarray,
    trust: np.ndarray,
    rotation: np.ndarray,
    scale: np.ndarray,
    guess: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and modes by least squares, landmark by landmark."""
    rows = scale[:, None, None] * rotation[:, :2]
    weights = np.concatenate((np.ones((len(hidden), 1)), hidden), axis=1)
    second = weights[:, :, None] * weights[:, None]
    second[:, 1:, 1:] += spread
    across = rows.transpose(0, 2, 1) @ rows
    size = 3 * weights.shape[1]
    products = (across[:, :, None, :, None] * second[:, None, :, None]).reshape(len(rows), -1)
    normal = (trust.T @ products).reshape(68, size, size)
    back = (centred * trust[..., None]) @ rows
    right = np.einsum("njb,nk->jbk", back, weights, optimize=True)
    hold = np.ones((68, 3, weights.shape[1]))
    hold[:, 2, 0], hold[:, 2, 1:] = _HOLD_MEAN, _HOLD_MODES[:, None]
    right[:, :, 0] += hold[:, :, 0] * guess
    held = normal + hold.reshape(68, size, 1) * np.eye(size)
    solved = np.linalg.solve(held, right.reshape(68, size, 1)).reshape(68, 3, -1)
    return solved[..., 0], np.moveaxis(solved[..., 1:], 2, 0)


def _noise(
    centred: np.ndarray,
    shapes: np.ndarray,
    basis: np.ndarray,
    spread: np.ndarray,
    trust: np.ndarray,
    rotation: np.ndarray,
    scale: np.ndarray,
) -> float:
    rows = scale[:, None, None] * rotation[:, :2]
    error = centred - shapes @ rows.transpose(0, 2, 1)
    design = np.einsum("nab,kjb->njak", rows, basis, optimize=True)
    unsure = np.einsum("njak,nkl,njal->nj", design, spread, design, optimize=True)
    total = (trust * (np.square(error).sum(2) + unsure)).sum()
    return float(np.sqrt(total / (2 * trust.sum())))
