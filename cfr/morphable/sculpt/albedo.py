"""From photos to the colour of the skin at every vertex, as far as each photo shows it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from skimage.color import rgb2lab

from cfr.camera import Camera
from cfr.lighting import harmonics
from cfr.morphable.sculpt.angles import to_angles
from cfr.morphable.sculpt.motion import Frame, Motion
from cfr.morphable.sculpt.people import People
from cfr.morphable.sculpt.points import Labelled
from cfr.morphable.sculpt.spread import Skin, follow, spread_operators
from cfr.normals import incident_triangles, vertex_normals
from cfr.render.rasterizer import rasterize
from cfr.texture import sample_photo
from protocols.images import read_image

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_HIDDEN, _HIDDEN_EYE = 0.03, 0.008  # decimetres behind what the photo shows
_KEPT_BRIGHTNESS, _KEPT_TINT = 0.45, 0.4
"""Shares of a photo's overall brightness and tint (logarithmic) that are the skin's own."""
_CAUCHY_ROUNDS = 6
_FIRST_MEAN = (0.60, 0.475, 0.41)


@dataclass(frozen=True, eq=False)
class Samples:
    """What photos show at the vertices.

    Attributes:
        colors: ``(n, v, 3)`` RGB in [0, 1].
        trust: ``(n, v)`` 0 where hidden or turned away, 1 where seen from the front.
        normals: ``(n, v, 3)`` in the photo's pose.
    """

    colors: Float32[np.ndarray, "n v 3"]
    trust: Float32[np.ndarray, "n v"]
    normals: Float32[np.ndarray, "n v 3"]


def sample_photos(
    labelled: Labelled,
    motion: Motion,
    frame: Frame,
    people: People,
    skin: Skin,
    landmarks: np.ndarray,
    progress: Callable[[], None],
) -> Samples:
    """Lay the mesh over every photo, exactly at its landmarks, and read the colours."""
    count, vertices = len(labelled.photos), skin.mesh.vertices
    samples = Samples(
        np.empty((count, vertices, 3), np.float32),
        np.empty((count, vertices), np.float32),
        np.empty((count, vertices, 3), np.float32),
    )
    triangles = torch.from_numpy(skin.mesh.triangles)
    incident = incident_triangles(triangles, vertices)
    tolerance = np.full(vertices, _HIDDEN)
    for eye in ("left eye", "right eye"):
        tolerance[skin.mesh.sheets[eye]] = _HIDDEN_EYE
    along, outward = spread_operators(skin, landmarks, noise=0.003)
    shapes = people.to_model(motion.shapes[:count])
    for index, path in enumerate(labelled.photos):
        moved = shapes[index] - skin.mean[landmarks]
        field = np.column_stack((along @ moved[:, :2], outward @ moved[:, 2]))
        dense = people.from_model(skin.mean + follow(skin, field[None])[0])
        posed = dense @ motion.rotation[index].T
        flat = motion.shift[index] + motion.scale[index] * posed[:, :2]
        pixels = frame.to_pixels(flat, index)
        left = along @ (labelled.points[index] - pixels[landmarks])
        pixels = pixels + follow(skin, np.column_stack((left, left[:, :1] * 0))[None])[0][:, :2]
        photo = read_image(path)
        away = Camera().distance - posed[:, 2]
        points = torch.from_numpy(np.column_stack((pixels, away))).float()[None]
        picture = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255
        height, width = photo.shape[:2]
        depth = rasterize(points, triangles, height, width).depth[0].numpy()
        column, row = np.round(pixels).astype(int).T
        inside = (column > 1) & (column < width - 2) & (row > 1) & (row < height - 2)
        nearest = depth[row.clip(0, height - 1), column.clip(0, width - 1)]
        seen = inside & (points[0, :, 2].numpy() <= nearest + tolerance)
        facing = vertex_normals(torch.from_numpy(posed).float()[None], triangles, incident)[0]
        samples.normals[index] = facing.numpy()
        samples.colors[index] = sample_photo(picture, points)[0].numpy()
        samples.trust[index] = seen * np.clip((samples.normals[index, :, 2] - 0.1) / 0.5, 0, 1)
        progress()
    return samples


def remove_light(samples: Samples, skin: Skin, rounds: int = 2) -> Float32[np.ndarray, "v 3"]:
    """Divide each photo by a light fitted to it; the samples' colours become albedo, in place.

    The light has nine spherical harmonics and no colour; it is fitted to the photo's brightness by
    that of the mean albedo, robustly, so that brows, beards and hands do not count. Of a photo's
    overall brightness and tint a part is kept: people differ in them too.

    Returns:
        The mean albedo.
    """
    plain = plain_skin(skin)
    some = np.flatnonzero(plain)[::7]
    mean = np.tile(np.array(_FIRST_MEAN, np.float32), (skin.mesh.vertices, 1))
    albedo = np.empty_like(samples.colors)
    for _ in range(rounds):
        for index in range(len(albedo)):
            albedo[index] = _unlit(samples, index, mean, some)
        mean = _robust_mean(albedo, samples.trust)
        outside = skin.mesh.skin
        mean[outside] = (mean[outside] + mean[skin.mesh.symmetry][outside]) / 2
    samples.colors[:] = albedo
    return mean


def plain_skin(skin: Skin) -> np.ndarray:
    """Vertices of forehead, cheeks, nose and chin: bare skin on most people."""
    longitude, latitude = np.degrees(to_angles(skin.mean)).T
    return skin.mesh.skin & (np.abs(longitude) < 50) & (latitude < 44) & (latitude > -48)


def _unlit(samples: Samples, index: int, mean: np.ndarray, some: np.ndarray) -> np.ndarray:
    colors, trust = samples.colors[index], samples.trust[index]
    used = some[trust[some] > 0.05]
    if len(used) < 50:
        return colors
    basis = harmonics(torch.from_numpy(samples.normals[index])).numpy().astype(np.float64)
    gain = (colors[used] @ _GREY) / np.maximum(mean[used] @ _GREY, 0.05)
    hold = np.diag([0.0, 1, 1, 1, 3, 3, 3, 3, 3]) * 0.01
    weight = trust[used].astype(np.float64)
    fitted = np.zeros(9)
    for _ in range(_CAUCHY_ROUNDS):
        weighted = basis[used] * (weight / weight.sum())[:, None]
        fitted = np.linalg.solve(weighted.T @ basis[used] + hold, weighted.T @ gain)
        error = gain - basis[used] @ fitted
        spread = 1.48 * np.median(np.abs(error)) + 1e-3
        weight = trust[used] / (1 + (error / (2 * spread)) ** 2) ** 2
    light = np.maximum(basis @ fitted, 0.15 * np.median(gain))
    overall = np.exp(np.average(np.log(light[used]), weights=trust[used]))
    even = colors / np.clip(light / overall, 0.35, 2.5)[:, None]
    ratio = np.maximum(even[used], 0.02) / np.maximum(mean[used], 0.02)
    channels = np.exp(np.average(np.log(ratio), axis=0, weights=weight))
    brightness = channels.prod() ** (1 / 3)
    tint = channels / brightness
    removed = brightness ** (1 - _KEPT_BRIGHTNESS) * tint ** (1 - _KEPT_TINT)
    return (even / removed).astype(np.float32)


def _robust_mean(albedo: np.ndarray, trust: np.ndarray) -> np.ndarray:
    weight = trust[..., None]
    mean = (albedo * weight).sum(0) / np.maximum(weight.sum(0), 1e-3)
    far = np.square(albedo - mean).sum(-1, keepdims=True)
    weight = weight / (1 + far / 0.02)
    robust = (albedo * weight).sum(0) / np.maximum(weight.sum(0), 1e-3)
    return np.where(trust.sum(0)[:, None] > 2, robust, 0.5).astype(np.float32)


def distrust_others(samples: Samples, mean: np.ndarray, skin: Skin) -> None:
    """Lower the trust, in place, in what is not this person's skin: hair, hands, hats, glasses.

    Outside the face's core a colour counts the less the further it is, in CIE Lab, from the mean
    face in this person's own tone; on the chin, where beards grow, it may be further.
    """
    longitude, latitude = np.degrees(to_angles(skin.mean)).T
    core = np.exp(-((longitude / 34) ** 6) - ((latitude - 2) / 38) ** 6)
    chin = (latitude < -25) & (np.abs(longitude) < 45)
    reach = 14 + 60 * core + 10 * chin
    plain = plain_skin(skin) & (core > 0.5)
    usual = rgb2lab(mean.clip(0, 1)[None])[0]
    for colors, trust in zip(samples.colors, samples.trust, strict=True):
        away = rgb2lab(colors.clip(0, 1)[None])[0] - usual
        seen = plain & (trust > 0.3)
        if seen.any():
            away = away - np.median(away[seen], axis=0)
        far = np.linalg.norm(away * (0.6, 1, 1), axis=1)
        trust *= np.where(skin.mesh.skin, np.exp(-((far / reach) ** 4)), 1.0).astype(np.float32)


def make_symmetric(samples: Samples, skin: Skin) -> None:
    """Average both halves of each face's skin, in place, by trust; the eyes stay as they are."""
    mirrored = np.flatnonzero(skin.mesh.skin)
    other = skin.mesh.symmetry[mirrored]
    for colors, trust in zip(samples.colors, samples.trust, strict=True):
        one, two = trust[mirrored, None], trust[other, None]
        blended = (one * colors[mirrored] + two * colors[other]) / np.maximum(one + two, 1e-4)
        colors[mirrored] = blended
        trust[mirrored] = np.minimum(one + two, 1)[:, 0]
