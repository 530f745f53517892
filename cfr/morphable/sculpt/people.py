"""From the shapes of all photos to the mean neutral face, and how people and moments differ."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from cfr.align import CANONICAL_FIVE, five_from_68
from cfr.morphable.sculpt.landmarks import PARTNER
from cfr.morphable.sculpt.motion import Motion

_CLOSED = 0.35  # share of the photos that count as having their mouth closed
_SHRINK = 0.4  # few people have several photos: so much of their covariance is made round
_LEAST = 0.15  # no direction of the landmarks is all expression


@dataclass(frozen=True, eq=False)
class People:
    """Landmark statistics in the model's frame: decimetres, the pose of Deep3D's mean face.

    Attributes:
        mean: ``(68, 3)`` the mean neutral face, symmetric.
        between: ``(k, 68, 3)`` how people differ, for one deviation, strongest first.
        within: ``(k, 68, 3)`` how photos of one person differ.
        pitch: ``(3, 3)`` turns a :class:`Motion`'s frame into the model's.
        size: Decimetres for its unit.
        origin: Its point that comes to lie at ``target``.
        target: The middle of Deep3D's five points.
    """

    mean: Float64[np.ndarray, "68 3"]
    between: Float64[np.ndarray, "k 68 3"]
    within: Float64[np.ndarray, "k 68 3"]
    pitch: Float64[np.ndarray, "3 3"]
    size: float
    origin: Float64[np.ndarray, "3"]
    target: Float64[np.ndarray, "3"]

    def to_model(self, shapes: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        """From a :class:`Motion`'s frame."""
        return (shapes - self.origin) @ self.pitch.T * self.size + self.target

    def from_model(self, shapes: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        """The inverse of :meth:`to_model`."""
        return (shapes - self.target) / self.size @ self.pitch + self.origin


def learn_people(motion: Motion, people: list[str]) -> People:
    """Take apart who somebody is and what they do, from those who have several photos.

    Args:
        motion: Every photo as it is, then every photo mirrored.
        people: Who is on each photo.
    """
    shapes = motion.shapes
    gap = np.linalg.norm(shapes[:, 62] - shapes[:, 66], axis=1)
    neutral = shapes[gap <= np.quantile(gap, _CLOSED)].mean(0)
    neutral = (neutral + neutral[PARTNER] * (-1, 1, 1)) / 2
    five = five_from_68(neutral)
    origin, target = five.mean(0), CANONICAL_FIVE.mean(0)
    turn = Rotation.align_vectors(CANONICAL_FIVE - target, five - origin)[0]
    pitch = Rotation.from_euler("x", turn.as_euler("xyz")[0])
    turned = pitch.apply(five - origin)
    size = float((turned * (CANONICAL_FIVE - target)).sum() / np.square(turned).sum())
    mean = pitch.apply(neutral - origin) * size + target
    within = _within(motion.weights, people)
    total = np.cov(motion.weights.T)
    modes = (motion.modes @ pitch.as_matrix().T) * size
    return People(
        mean=(mean + mean[PARTNER] * (-1, 1, 1)) / 2,
        between=_components(total - within, modes, _LEAST),
        within=_components(within, modes, 0.0),
        pitch=pitch.as_matrix(),
        size=size,
        origin=origin,
        target=target,
    )


def _within(weights: np.ndarray, people: list[str]) -> np.ndarray:
    """Covariance of one person's weights, the mirrored photos being another person's."""
    photos = defaultdict(list)
    for index, name in enumerate(people + [f"{name} mirrored" for name in people]):
        photos[name].append(index)
    several = [weights[own] - weights[own].mean(0) for own in photos.values() if len(own) > 1]
    if not several:
        raise ValueError("nobody has two photos: cannot tell people from expressions")
    freedom = sum(len(one) - 1 for one in several)
    found = np.sum([one.T @ one for one in several], axis=0) / freedom
    modes = len(found)
    return (1 - _SHRINK) * found + _SHRINK * np.trace(found) / modes * np.eye(modes)


def _components(covariance: np.ndarray, modes: np.ndarray, least: float) -> np.ndarray:
    """Principal landmark displacements of weights with this covariance."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, least, 1.0))
    fields = np.tensordot(root.T, modes, 1).reshape(len(modes), -1)
    _, size, found = np.linalg.svd(fields, full_matrices=False)
    found = found * size[:, None]
    largest = np.abs(found).argmax(1)
    found *= np.sign(found[np.arange(len(found)), largest])[:, None]
    return found.reshape(len(modes), 68, 3)
