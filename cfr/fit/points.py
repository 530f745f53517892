"""From 68 points to pose, identity and expression: regularised least squares, no network.

Gauss–Newton steps, damped as Levenberg and Marquardt do, on what the points weigh against the
model's own prior (Blanz and Vetter, Face Recognition Based on Fitting a 3D Morphable Model, 2003),
under the perspective camera. Only a few rows of the modes are touched.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.camera import Camera
from cfr.fit.contour import JAW, ContourLines, contour_lines, outermost
from cfr.fit.parts import Part, cut, kept
from cfr.fit.pose import orthographic_pose, rotate_by, rotation_angles
from cfr.fit.settings import FitSettings
from cfr.morphable.model import MorphableModel
from cfr.precision import full_precision
from cfr.types import Coefficients

FEWEST_POINTS = 8
"""With fewer points that count, a pose is a guess."""
_POSE = 6
_NEAREST = 1.0  # no face comes nearer to the camera than this, in decimetres


@dataclass(frozen=True, eq=False)
class _Face:
    """``(b, 3, 3)`` rotation, ``(b, 3)`` translation, ``(b, m)`` weights of the shape's modes."""

    rotation: Tensor
    translation: Tensor
    weights: Tensor

    def where(self, taken: Tensor, other: "_Face") -> "_Face":
        """This face where ``taken``, the other elsewhere."""
        return _Face(
            torch.where(taken[:, None, None], self.rotation, other.rotation),
            torch.where(taken[:, None], self.translation, other.translation),
            torch.where(taken[:, None], self.weights, other.weights),
        )


@dataclass(frozen=True, eq=False)
class _Problem:
    """What stays the same during a fit; every tensor float64.

    Attributes:
        part: The vertices that may stand for points.
        lines: Where jaw points may be, or None where they stay.
        points: ``(b, 68, 2)`` pixels.
        precision: ``(b, 68)`` of each point: 1 / variance.
        prior: ``(3 + m,)`` precisions of translation and weights.
        low: ``(m,)`` bounds of the weights.
        high: ``(m,)`` likewise.
        camera: The camera.
    """

    part: Part
    lines: ContourLines | None
    points: Tensor
    precision: Tensor
    prior: Tensor
    low: Tensor
    high: Tensor
    camera: Camera


@torch.no_grad()
@full_precision
def fit_points(
    model: MorphableModel,
    points: Float[Tensor, "b 68 2"],
    camera: Camera | None = None,
    settings: FitSettings | None = None,
    weights: Float[Tensor, "b 68"] | None = None,
) -> Coefficients:
    """Pose, identity and expression of faces whose 68 points are known.

    Args:
        model: The face model.
        points: x and y in pixels of the camera's crop (:func:`cfr.align.align_deep3d`), y down.
        camera: The default camera if it is None.
        settings: The defaults if it is None.
        weights: How much each point counts, 1 as a rule. A point of weight 0 may be NaN.

    Returns:
        float32 coefficients; texture and lighting are 0.

    Raises:
        ValueError: A point that counts is not finite, a weight is negative or not finite, fewer
            than eight points of a face count, or they lie in one place.
    """
    camera, settings = camera or Camera(), settings or FitSettings()
    points, weights = _checked(points, weights)
    problem = _problem(model, points, weights, camera, settings)
    face = _start(problem)
    damping = points.new_full((len(points),), 1e-3)
    rows = _rows(problem, face)
    for step in range(settings.point_steps):
        if problem.lines is not None and step < settings.point_steps - 2:
            rows = _rows(problem, face)
        face, damping = _step(problem, face, rows, damping)
    return _coefficients(model, face)


def _checked(points: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Points and weights as float64; points that do not count are 0."""
    points = points.double()
    weights = torch.ones_like(points[..., 0]) if weights is None else weights.to(points)
    if not (weights.isfinite() & (weights >= 0)).all():
        raise ValueError("weights: expected finite numbers, none negative")
    counts = weights > 0
    points = torch.where(counts[..., None], points, 0.0)
    if not points.isfinite().all():
        image, point, _ = (~points.isfinite()).nonzero()[0].tolist()
        raise ValueError(f"points: expected finite numbers, found others in face {image}, {point}")
    fewest = int(counts.sum(1).min()) if len(points) else FEWEST_POINTS
    if fewest < FEWEST_POINTS:
        raise ValueError(f"points: expected at least {FEWEST_POINTS} that count, found {fewest}")
    for one, used in zip(points, counts, strict=True):
        if (one[used].amax(0) - one[used].amin(0)).max() < 1:
            raise ValueError("points: expected points apart, found all within a pixel")
    return points, weights


def _problem(
    model: MorphableModel, points: Tensor, weights: Tensor, camera: Camera, settings: FitSettings
) -> _Problem:
    sliding = settings.contour == "sliding"
    lines = kept(model, "lines", 0, lambda: contour_lines(model)) if sliding else None
    vertices = model.landmarks if lines is None else lines.vertices
    part = kept(model, "points", len(vertices), lambda: cut(model, vertices).double())
    layout = model.layout()
    free = points.new_full((layout.identity,), torch.inf)
    deviations = [
        *(settings.translation, settings.translation, settings.distance),
        *[settings.identity] * layout.identity,
        *[settings.blendshape if model.blendshapes else settings.expression] * layout.expression,
    ]
    noise = settings.point_noise * camera.size / 224
    precision = weights / noise**2
    if sliding:
        precision[:, :JAW] /= settings.jaw_noise**2
    return _Problem(
        part=part,
        lines=lines,
        points=points,
        precision=precision,
        prior=points.new_tensor(deviations) ** -2,
        low=torch.cat((-free, model.expression_low.to(points))),
        high=torch.cat((free, model.expression_high.to(points))),
        camera=camera,
    )


def _start(problem: _Problem) -> _Face:
    """The mean face in its best orthographic pose."""
    mean, points, camera = problem.part.shape[:68], problem.points, problem.camera
    rotation, translation = orthographic_pose(mean, points, problem.precision, camera)
    return _Face(rotation, translation, torch.zeros_like(problem.low).expand(len(rotation), -1))


def _rows(problem: _Problem, face: _Face) -> Tensor:
    """``(b, 68)`` which vertices of the part stand for the points."""
    if problem.lines is None:
        order = torch.arange(68, device=face.weights.device)
        return order.expand(len(face.weights), -1)
    shape = problem.part.shape + torch.einsum("bm,mnd->bnd", face.weights, problem.part.shape_modes)
    return outermost(shape @ face.rotation.mT, face.rotation, problem.lines)


def _residual(problem: _Problem, face: _Face, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Projection minus points; turned shape; turned modes ``(b, 68, 3, m)``."""
    modes = problem.part.shape_modes.permute(1, 2, 0)[rows]
    shape = problem.part.shape[rows] + (modes @ face.weights[:, None, :, None])[..., 0]
    turned = shape @ face.rotation.mT
    at = problem.camera.project(turned + face.translation[:, None])
    return at[..., :2] - problem.points, turned, face.rotation[:, None] @ modes


def _cost(problem: _Problem, face: _Face, residual: Tensor) -> Tensor:
    data = (problem.precision * residual.square().sum(-1)).sum(1)
    free = torch.cat((face.translation, face.weights), dim=1)
    return data + (problem.prior * free.square()).sum(1)


def _step(problem: _Problem, face: _Face, rows: Tensor, damping: Tensor) -> tuple[_Face, Tensor]:
    """One damped step of all faces; those that it makes worse stay, and are damped more."""
    residual, turned, modes = _residual(problem, face, rows)
    jacobian = _jacobian(problem.camera, turned + face.translation[:, None], turned, modes)
    weighted = jacobian * problem.precision[..., None, None]
    flat = jacobian.flatten(1, 2)
    square = weighted.flatten(1, 2).mT @ flat
    slope = (weighted.flatten(1, 2).mT @ residual.flatten(1)[..., None])[..., 0]
    free = torch.cat((face.translation, face.weights), dim=1)
    slope[:, 3:] += problem.prior * free
    diagonal = torch.diagonal(square, dim1=1, dim2=2)
    diagonal[:, 3:] += problem.prior
    # What lies at a bound and would leave it stays there.
    held = (face.weights <= problem.low) & (slope[:, _POSE:] > 0)
    held |= (face.weights >= problem.high) & (slope[:, _POSE:] < 0)
    slope[:, _POSE:][held] = 0
    diagonal[:, _POSE:][held] = 1e12
    diagonal *= 1 + damping[:, None]
    step = -torch.cholesky_solve(slope[..., None], torch.linalg.cholesky(square))[..., 0]
    tried = _moved(problem, face, step)
    before = _cost(problem, face, residual)
    after = _cost(problem, tried, _residual(problem, tried, rows)[0])
    better = after < before
    return tried.where(better, face), torch.where(better, damping / 10, damping * 10)


def _moved(problem: _Problem, face: _Face, step: Tensor) -> _Face:
    """After a step of (turn, translation, weights): in front of the camera, within the bounds."""
    translation = face.translation + step[:, 3:_POSE]
    limit = translation.new_tensor([torch.inf, torch.inf, problem.camera.distance - _NEAREST])
    return _Face(
        rotate_by(step[:, :3]) @ face.rotation,
        torch.minimum(translation, limit),
        (face.weights + step[:, _POSE:]).clamp(problem.low, problem.high),
    )


def _jacobian(camera: Camera, placed: Tensor, turned: Tensor, modes: Tensor) -> Tensor:
    """``(b, 68, 2, 6 + m)`` of column and row by turn, translation and weights."""
    x, y, z = placed.unbind(-1)
    depth = camera.distance - z
    zero, one = torch.zeros_like(depth), torch.ones_like(depth)
    lens = torch.stack((one, zero, x / depth, zero, -one, -y / depth), dim=-1)
    lens = lens.unflatten(-1, (2, 3)) * (camera.focal / depth)[..., None, None]
    x, y, z = turned.unbind(-1)
    # A small turn w moves a point p by w × p.
    turn = torch.stack((zero, z, -y, -z, zero, x, y, -x, zero), dim=-1).unflatten(-1, (3, 3))
    still = torch.eye(3, dtype=depth.dtype, device=depth.device).expand(*turn.shape)
    return lens @ torch.cat((turn, still, modes), dim=-1)


def _coefficients(model: MorphableModel, face: _Face) -> Coefficients:
    layout = model.layout()
    weights = face.weights.float()
    still = weights.new_zeros(len(weights), layout.texture + layout.lighting)
    return Coefficients(
        identity=weights[:, : layout.identity],
        expression=weights[:, layout.identity :],
        texture=still[:, : layout.texture],
        rotation=rotation_angles(face.rotation).float(),
        lighting=still[:, layout.texture :],
        translation=face.translation.float(),
        model=model.digest,
    )
