"""From a photo with 68 points to training samples in many poses."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor

from cfr.align import Alignment, align_deep3d, five_from_68
from cfr.camera import place, turn
from cfr.fit import FitSettings, fit
from cfr.fit.contour import JAW
from cfr.fit.parts import cut, kept
from cfr.fit.settings import Contour
from cfr.morphable.model import MorphableModel
from cfr.occluders.kinds import occlude
from cfr.occluders.mask import Mask
from cfr.occluders.types import FittedFace
from cfr.regressor.moving import aligned_translation
from cfr.regressor.samples import Frame, Kind, Sample
from cfr.regressor.turned import raise_relief, turn_relief
from cfr.synthetic.backgrounds import draw_background
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from cfr.types import Coefficients

MIRRORED = np.concatenate(
    (
        [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)],
        [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48],
        [59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65],
    )
)
"""The iBUG-68 point that each becomes in a mirror."""
_RENDERS = 1_000_003  # seeds of made-up people for training start here


@dataclass(frozen=True)
class Preparing:
    """How photos become samples.

    Angles in degrees.
    """

    views: int = 12
    """Poses of each photo, half of them mirrored, besides the photo itself and its mirror image."""
    yaw: tuple[float, float, float] = (30.0, 60.0, 95.0)
    """A turned face's yaw is evenly within one of three ranges that end here, either side."""
    shares: tuple[float, float, float] = (0.4, 0.3, 0.3)
    """How often each range."""
    pitch: float = 14.0
    """Standard deviation."""
    roll: float = 12.0
    """Standard deviation."""
    identity: float = 0.5
    """Deviation of what is added to half of the turned faces' identity."""
    expression: float = 0.15
    """Strength of what is added to half of the turned faces' expression."""
    contour: Contour = "fixed"
    """Whether the points' jaw stays on the same spot of the head (3DDFA, 300W-LP), or slides along
    the visible outline (dlib, iBUG)."""
    worst: float = 4.0
    """A photo whose points the fit misses by more pixels of a 224 crop, on average, is left out;
    a jaw that slides does not count."""
    masks: float = 0.5
    """Share of photos, and of batches of renders, with masked pictures as well."""
    mirrored: bool = True
    """Whether a mirror image of each photo goes the same way."""


class BadFit(ValueError):
    """A photo's points are not those of a face: the fit misses them."""


def prepare_photo(
    model: MorphableModel,
    photo: UInt8[np.ndarray, "h w 3"],
    points: Float64[np.ndarray, "68 2"],
    settings: Preparing,
    frame: Frame,
    *,
    seed: int,
    source: int,
    estimated: bool,
    masked: UInt8[np.ndarray, "_ _ 3"] | None = None,
) -> list[Sample]:
    """The photo, its mirror image, and both in other poses.

    Args:
        model: The face model.
        photo: RGB.
        points: iBUG-68 points in its pixels.
        settings: How.
        frame: How large.
        seed: Of everything drawn.
        source: The photo's number.
        estimated: Whether the points are a network's.
        masked: The same photo with a mask on, if there is one; other views get a drawn mask.

    Raises:
        ValueError: The points are not finite, or lie in one place; or the masked photo has
            another size.
        BadFit: They are not those of a face.
    """
    if masked is not None and masked.shape != photo.shape:
        raise ValueError(f"expected a masked photo of {photo.shape}, found {masked.shape}")
    rng = np.random.default_rng((seed, source))
    with_masks = bool(rng.uniform() < settings.masks)
    alignment = _wide_alignment(points, frame)
    crop, at = alignment.crop(photo), alignment.to_crop(points)
    worn = None if masked is None else alignment.crop(masked)
    found = []
    for mirrored in (False, True) if settings.mirrored else (False,):
        image = _mirror(crop) if mirrored else crop
        marks = at if not mirrored else (at[MIRRORED] * (-1, 1) + (frame.wide - 1, 0))
        for view in _views(model, image, marks, settings, frame, rng):
            picture, coefficients, seen, kind = view
            partner = None
            if worn is not None and kind == "photo":
                partner = _mirror(worn) if mirrored else worn
            elif with_masks:
                partner = _masked(model, picture, seen, coefficients, frame, rng)
            vector = model.layout().join(coefficients)[0].numpy()
            found.append(
                Sample(picture, partner, seen.astype(np.float32), vector, kind, estimated, source)
            )
    return found


def prepare_renders(
    model: MorphableModel, settings: Preparing, frame: Frame, *, seed: int, first: int, count: int
) -> list[Sample]:
    """Photos of made-up people; the people of each number are always the same.

    Args:
        model: The face model.
        settings: How.
        frame: How large.
        seed: Of everything drawn.
        first: Number of the first person.
        count: People, a photo each.
    """
    sampler = IdentitySampler(model)
    numbers = [first + index for index in range(count)]
    people = [sampler.draw(_RENDERS + number) for number in numbers]
    rng = np.random.default_rng((seed, first, 7))
    with_masks = bool(rng.uniform() < settings.masks)
    scenes = draw_scenes(
        model,
        people,
        [seed * _RENDERS + number for number in numbers],
        SceneSettings(
            size=frame.wide,
            zoom=frame.crop / frame.wide,
            yaw_degrees=settings.yaw[2],
            pitch_degrees=2 * settings.pitch,
            roll_degrees=2 * settings.roll,
        ),
    )
    found = []
    for scene, number in zip(scenes, numbers, strict=True):
        masked = None
        if with_masks:
            masked = _masked(model, scene.photo, scene.points, scene.coefficients, frame, rng)
        vector = model.layout().join(scene.coefficients)[0].numpy()
        points = scene.points.astype(np.float32)
        found.append(Sample(scene.photo, masked, points, vector, "render", False, number))
    return found


def _wide_alignment(points: np.ndarray, frame: Frame) -> Alignment:
    """Cuts the wide picture around the aligned crop."""
    matrix = align_deep3d(five_from_68(points), frame.crop).matrix
    margin = (frame.wide - frame.crop) / 2
    return Alignment(matrix + [[0, 0, margin]] * 2, frame.wide)


def _mirror(picture: np.ndarray) -> UInt8[np.ndarray, "s s 3"]:
    return np.ascontiguousarray(picture[:, ::-1])


def _views(
    model: MorphableModel,
    picture: np.ndarray,
    points: np.ndarray,
    settings: Preparing,
    frame: Frame,
    rng: np.random.Generator,
) -> Iterator[tuple[np.ndarray, Coefficients, np.ndarray, Kind]]:
    """A picture as it is and in half of the poses."""
    camera = frame.wide_camera
    photo = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    marks = torch.from_numpy(points)[None].float()
    fitted = fit(model, marks, photo, camera, FitSettings(contour=settings.contour))
    landmarks = kept(model, "landmarks", 68, lambda: cut(model, model.landmarks))
    weights = torch.cat((fitted.identity, fitted.expression), dim=1)
    shape = landmarks.shape + torch.einsum("bm,mnd->bnd", weights, landmarks.shape_modes)
    seen = camera.project(place(shape, fitted.rotation, fitted.translation))[..., :2]
    apart = (seen - marks).norm(dim=-1)[:, 0 if settings.contour == "fixed" else JAW :]
    miss = float(apart.mean()) * 224 / frame.crop
    if miss > settings.worst:
        raise BadFit(f"the fit misses the points by {miss:.1f} pixels of a 224 crop")
    yield picture, fitted, points, "photo"
    if not settings.views:
        return
    relief = raise_relief(model, fitted, photo, camera)
    for _ in range(settings.views // (2 if settings.mirrored else 1)):
        drawn = _pose(model, fitted, settings, rng)
        drawn = replace(drawn, translation=_centred(model, drawn, frame))
        behind = draw_background(rng, frame.wide, float(rng.uniform(0, 1)))
        view = turn_relief(relief, drawn, torch.from_numpy(behind).permute(2, 0, 1).float())
        yield view.image, view.coefficients, view.points, "turned"


def _pose(
    model: MorphableModel, fitted: Coefficients, settings: Preparing, rng: np.random.Generator
) -> Coefficients:
    """A random pose; in half of the draws another identity, in half another expression."""
    part = int(rng.choice(3, p=settings.shares))
    low = settings.yaw[part - 1] if part else 0.0
    yaw = rng.uniform(low, settings.yaw[part]) * rng.choice([-1, 1])
    degrees = rng.normal(0, settings.pitch), yaw, rng.normal(0, settings.roll)
    rotation = fitted.rotation.new_tensor(np.radians([degrees]))
    identity, expression = fitted.identity, fitted.expression
    if rng.uniform() < 0.5:
        added = rng.normal(0, settings.identity, identity.shape[1])
        identity = (identity + identity.new_tensor(added)).clamp(-3, 3)
    if rng.uniform() < 0.5:
        added = np.abs(rng.normal(0, settings.expression, expression.shape[1]))
        expression = model.limited(expression + expression.new_tensor(added))
    return replace(fitted, rotation=rotation, identity=identity, expression=expression)


def _centred(model: MorphableModel, drawn: Coefficients, frame: Frame) -> Tensor:
    """``(1, 3)`` the translation with which the face lies in the picture as a crop would cut it."""
    camera = frame.wide_camera
    points = kept(model, "landmarks", 68, lambda: cut(model, model.landmarks))
    weights = torch.cat((drawn.identity, drawn.expression), dim=1)
    shape = points.shape + torch.einsum("bm,mnd->bnd", weights, points.shape_modes)
    turned = turn(shape, drawn.rotation)
    seen = camera.project(turned)[0, :, :2].double().numpy()
    wanted = _wide_alignment(seen, frame).to_crop(seen)
    return aligned_translation(turned, torch.from_numpy(wanted)[None].float(), camera)


def _masked(
    model: MorphableModel,
    picture: np.ndarray,
    points: np.ndarray,
    coefficients: Coefficients,
    frame: Frame,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "s s 3"]:
    """The picture with a medical mask drawn over the fitted mesh."""
    fitted = FittedFace(model, coefficients, frame.wide_camera)
    seed = int(rng.integers(2**31))
    return occlude(picture, points.astype(np.float64), "mask", seed, fitted, Mask(worn="any")).image
