"""From a photo and a placed shape to texture and light, whatever covers a part of the face.

The photo is compared at a few thousand visible vertices. Light is linear given the texture, the
texture given the light: they are solved in turn, with the model's own prior, and every round each
vertex counts by how well it was explained (iteratively reweighted least squares with the function
of Geman and McClure). So an occluder loses its say, as in Egger et al., Occlusion-Aware 3D
Morphable Models and an Illumination Prior for Face Image Analysis, IJCV 2018.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cfr.camera import Camera, place, turn
from cfr.fit.parts import Part, cut, kept, spread_vertices
from cfr.fit.settings import FitSettings
from cfr.lighting import AMBIENT, harmonics
from cfr.morphable.model import MorphableModel
from cfr.normals import vertex_normals
from cfr.precision import full_precision
from cfr.render.rasterizer import rasterize
from cfr.texture import inside_photo, sample_photo
from cfr.types import Coefficients

_BEHIND = 0.03  # a vertex this much deeper than what its pixel shows is hidden; decimetres
_BANDS = (1, 3, 5)  # weights of each band of the light
_STARTS = (0.3, 0.5, 0.7)  # quantiles of brightness that may be bare skin
_ONE_BRIGHTNESS = 0.3  # what is brighter by this share is less likely the same


@dataclass(frozen=True, eq=False)
class PhotoFit:
    """Texture and light found in photos, and what they were found from.

    Attributes:
        coefficients: Those given, with texture and lighting.
        vertices: ``(n,)`` the vertices that were compared.
        weights: ``(b, n)`` how much each counted at last, from 0 to 1: 0 where it is hidden or
            outside the photo, near 0 where something else than the face is seen.
    """

    coefficients: Coefficients
    vertices: Int[Tensor, " n"]
    weights: Float[Tensor, "b n"]


@torch.no_grad()
@full_precision
def fit_photo(
    model: MorphableModel,
    coefficients: Coefficients,
    photo: Float[Tensor, "b 3 s s"],
    camera: Camera | None = None,
    settings: FitSettings | None = None,
    trusted: Bool[Tensor, "b s s"] | None = None,
) -> PhotoFit:
    """Texture and light of faces whose shape and pose are known.

    Args:
        model: The face model; one without texture modes gets its light only.
        coefficients: Shape and pose (:func:`cfr.fit.points.fit_points`); the rest is ignored.
        photo: RGB in [0, 1], the crop of the camera.
        camera: The default camera if it is None.
        settings: The defaults if it is None.
        trusted: Where the photo may show the face, if something is known about that.

    Raises:
        WrongFaceModel: The coefficients belong to another face model.
        ValueError: The photo is not the camera's size, or not finite.
    """
    camera, settings = camera or Camera(), settings or FitSettings()
    if photo.shape[-1] != camera.size:
        raise ValueError(f"photo: expected {camera.size} pixels a side, found {photo.shape[-1]}")
    if not photo.isfinite().all():
        raise ValueError("photo: expected finite numbers, found NaN or infinity")
    count = settings.vertices
    part = kept(model, "photo", count, lambda: cut(model, spread_vertices(model, count)))
    points, normals, seen = _look(model, coefficients, part, camera, settings)
    if trusted is not None:
        seen = seen * sample_photo(trusted[:, None].to(points), points, "nearest")[..., 0]
    sampled = sample_photo(photo.to(points), points)
    texture, light, weights = _alternate(part, sampled, harmonics(normals), seen, settings)
    found = replace(coefficients, texture=texture, lighting=light)
    return PhotoFit(found, part.vertices, weights)


def _look(
    model: MorphableModel,
    coefficients: Coefficients,
    part: Part,
    camera: Camera,
    settings: FitSettings,
) -> tuple[Tensor, Tensor, Tensor]:
    """Where a part's vertices are on the photo, their normals, and how well each is seen."""
    shape = model.shape(coefficients)
    normals = vertex_normals(shape, model.triangles, model.incident)[:, part.vertices]
    normals = turn(normals, coefficients.rotation)
    placed = place(shape, coefficients.rotation, coefficients.translation)
    points = camera.project(placed)
    depth = rasterize(points, model.triangles, camera.size, camera.size).depth
    points, placed = points[:, part.vertices], placed[:, part.vertices]
    towards = placed.new_tensor([0.0, 0.0, camera.distance]) - placed
    facing = (normals * torch.nn.functional.normalize(towards, dim=-1)).sum(-1)
    shown = sample_photo(depth[:, None], points, "nearest")[..., 0]
    seen = (facing > settings.facing) & inside_photo(points, camera.size, camera.size)
    seen &= points[..., 2] < shown + _BEHIND
    return points, normals, seen * facing


def _alternate(
    part: Part, sampled: Tensor, basis: Tensor, seen: Tensor, settings: FitSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """Rounds of light, texture and weights.

    Args:
        part: Mean texture and modes, ``n`` vertices.
        sampled: ``(b, n, 3)`` what the photo shows there.
        basis: ``(b, n, 9)`` harmonics of the normals.
        seen: ``(b, n)`` how much each may count.
        settings: Noise, priors and rounds.

    Returns:
        ``(b, t)`` texture, ``(b, 27)`` light, ``(b, n)`` weights.
    """
    albedo = part.texture.expand_as(sampled)
    texture = sampled.new_zeros(len(sampled), len(part.texture_modes))
    prior = _light_prior(sampled, settings)
    weights = _first_weights(sampled, albedo, basis, seen, prior, settings)
    light = sampled.new_zeros(len(sampled), 3, 9)
    for _ in range(settings.photo_steps):
        light = _solve_light(sampled, albedo, basis, weights, prior, settings)
        shade = _shade(basis, light)
        if texture.shape[1]:
            texture = _solve_texture(part, sampled, shade, weights, settings)
            albedo = part.texture + torch.einsum("bt,tnc->bnc", texture, part.texture_modes)
        weights = seen * _trust(sampled - albedo * shade, seen, settings)
    return texture, light.flatten(1), weights


def _shade(basis: Tensor, light: Tensor) -> Tensor:
    """``(b, n, 3)`` what ``(b, 3, 9)`` light makes of white skin (:func:`cfr.lighting.shade`)."""
    ambient = AMBIENT * basis[..., :1]
    return basis @ light.mT + ambient


def _first_weights(
    sampled: Tensor,
    albedo: Tensor,
    basis: Tensor,
    seen: Tensor,
    prior: Tensor,
    settings: FitSettings,
) -> Tensor:
    """Which vertices show the mean face in some light: from dark, middling and bright starts.

    Each start takes the vertices of one brightness for skin and follows its light for some rounds;
    the one that explains the photo best, with a likely light, decides.
    """
    count, starts = len(sampled), len(_STARTS)
    ratio = (sampled / albedo.clamp(min=0.05)).mean(-1)
    known = torch.where(seen > 0, ratio, torch.nan)
    level = known.nanquantile(ratio.new_tensor(_STARTS), dim=1).nan_to_num(1.0)
    near = (ratio / level[..., None].clamp(min=0.05) - 1) / _ONE_BRIGHTNESS
    weights = (seen * torch.exp(-near.square())).flatten(0, 1)
    sampled, albedo, basis, seen = (
        one.repeat(starts, *[1] * (one.ndim - 1)) for one in (sampled, albedo, basis, seen)
    )
    limit = settings.first_outlier
    cost, light = seen.new_zeros(len(seen)), sampled.new_zeros(len(sampled), 3, 9)
    for _ in range(settings.first_steps):
        light = _solve_light(sampled, albedo, basis, weights, prior, settings)
        square = (sampled - albedo * _shade(basis, light)).square().mean(-1) / limit**2
        weights = seen / (1 + square).square()
        cost = (seen * square / (1 + square)).sum(1) * 3 * (limit / settings.photo_noise) ** 2
    flat = light.flatten(1)
    cost = cost + settings.likely_light * ((flat @ prior) * flat).sum(1)
    best = cost.view(starts, count).argmin(0)
    return weights.view(starts, count, -1)[best, torch.arange(count, device=best.device)]


def _trust(residual: Tensor, seen: Tensor, settings: FitSettings) -> Tensor:
    """Geman's and McClure's weight of each vertex, by its residual in robust deviations."""
    length = residual.square().mean(-1).sqrt()
    known = torch.where(seen > 0, length, torch.nan)
    spread = known.nanquantile(settings.clean / 2, dim=1, keepdim=True).nan_to_num(0.0)
    limit = (settings.outlier * spread).clamp(min=settings.least_outlier)
    return 1 / (1 + (length / limit).square()).square()


def _light_prior(sampled: Tensor, settings: FitSettings) -> Tensor:
    """``(27, 27)`` precision: each band has its deviation, and the colours go together."""
    bands = [band for band, count in enumerate(_BANDS) for _ in range(count)]
    precision = torch.zeros(3, 9, 3, 9, dtype=torch.float64)
    for weight, band in enumerate(bands):
        colours = torch.ones(3, 3).double() + settings.tint[band] ** 2 * torch.eye(3).double()
        precision[:, weight, :, weight] = torch.linalg.inv(settings.light[band] ** 2 * colours)
    return precision.view(27, 27).to(sampled)


def _solve_light(
    sampled: Tensor,
    albedo: Tensor,
    basis: Tensor,
    weights: Tensor,
    prior: Tensor,
    settings: FitSettings,
) -> Tensor:
    """``(b, 3, 9)`` light, given the texture."""
    precision = weights / settings.photo_noise**2
    square = prior.expand(len(sampled), -1, -1).clone()
    slopes = []
    for colour in range(3):
        design = albedo[..., colour, None] * basis
        target = sampled[..., colour] - AMBIENT * design[..., 0]
        weighted = design * precision[..., None]
        block = slice(9 * colour, 9 * colour + 9)
        square[:, block, block] += weighted.mT @ design
        slopes.append((weighted.mT @ target[..., None])[..., 0])
    slope = torch.cat(slopes, dim=1)[..., None]
    return torch.cholesky_solve(slope, torch.linalg.cholesky(square))[..., 0].unflatten(1, (3, 9))


def _solve_texture(
    part: Part, sampled: Tensor, shade: Tensor, weights: Tensor, settings: FitSettings
) -> Tensor:
    """``(b, t)`` texture, given the light."""
    root = (weights.sqrt() / settings.photo_noise)[..., None]
    target = ((sampled - part.texture * shade) * root).flatten(1)
    design = (part.texture_modes * (shade * root)[:, None]).flatten(2)
    square = design @ design.mT
    torch.diagonal(square, dim1=1, dim2=2).add_(settings.texture**-2)
    slope = design @ target[..., None]
    return torch.cholesky_solve(slope, torch.linalg.cholesky(square))[..., 0]
