"""Single photos of made-up people, of which everything is stated that a data set has shares of.

A scene (:mod:`cfr.synthetic.scene`) draws pose and occluder by chance; here they are asked for, as
are expression and quality. What a shot shows follows from it and its person alone, to the byte.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float64, UInt8

from cfr.camera import Camera
from cfr.morphable.model import MorphableModel
from cfr.occluders.kinds import occlude
from cfr.occluders.types import FittedFace
from cfr.synthetic.backgrounds import draw_background
from cfr.synthetic.drawing import composite, draw_light, draw_movements, photograph
from cfr.synthetic.expressions import draw_expression
from cfr.synthetic.identity import Identity
from cfr.synthetic.quality import Quality, spoil
from cfr.types import Coefficients

ANY = "any"
"""Expression of a shot that has none of the seven: a few movements at random."""
_SETTING, _MOMENT = 5, 6  # streams of a seed that no scene draws from


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo that is asked for."""

    person: int
    """Seed of the person."""
    setting: int
    """Seed of light, background and expression: frames of one video share it."""
    moment: int
    """Seed of the face's place, of what is spoiled, and of grain."""
    pose_degrees: tuple[float, float, float]
    """Pitch, yaw, roll (:func:`cfr.camera.rotation_matrix`)."""
    expression: str = ANY
    """One of :data:`cfr.synthetic.expressions.RECIPES`, or any."""
    lively: float = 0.2
    """Share of a full random expression, where it is any."""
    occluder: str = ""
    """Kind of occluder; empty for none."""
    occluder_seed: int = 0
    light: float = 0.35
    """How much of the light comes from one direction, at most."""
    size: int = 160
    """Pixels along each side."""
    zoom: float = 0.8
    """Of the camera: below 1 there is more room around the face."""
    shift: float = 0.08
    """The face's place varies by so many decimetres, and ten times that in depth."""
    quality: Quality = field(default_factory=Quality)

    @property
    def camera(self) -> Camera:
        """What the photo is taken with."""
        whole = Camera().resized(self.size)
        return Camera(whole.size, whole.focal * self.zoom, whole.distance)


@dataclass(frozen=True, eq=False)
class Shown:
    """A photo and its ground truth.

    Attributes:
        photo: What a camera saw, RGB.
        points: ``(68, 2)`` the landmarks' pixels, hidden ones included.
        depth: ``(68,)`` how far they lie behind the nearest of them, in pixels of the photo.
        face: ``(h, w)`` which pixels would show the face if nothing covered it.
        occlusion: ``(h, w)`` which pixels an occluder changed by half or more.
        coefficients: Of the face; the person's detail is not in them.
    """

    photo: UInt8[np.ndarray, "h w 3"]
    points: Float64[np.ndarray, "68 2"]
    depth: Float64[np.ndarray, "68"]
    face: Bool[np.ndarray, "h w"]
    occlusion: Bool[np.ndarray, "h w"]
    coefficients: Coefficients

    @property
    def hidden(self) -> float:
        """Share of the face that an occluder hides."""
        return float((self.face & self.occlusion).sum() / max(1, self.face.sum()))


@torch.no_grad()
def draw_shot(model: MorphableModel, person: Identity, shot: Shot) -> Shown:
    """Take one photo.

    Args:
        model: The face model that the person was drawn for.
        person: Whose photo it is.
        shot: What is asked for.

    Raises:
        ValueError: The shot is of another person, or of an unknown expression or occluder.
    """
    if person.seed != shot.person:
        raise ValueError(f"person {person.seed}, a shot of {shot.person}")
    setting, moment = (
        np.random.default_rng((seed, stream))
        for seed, stream in ((shot.setting, _SETTING), (shot.moment, _MOMENT))
    )
    behind = draw_background(setting, shot.size, float(setting.uniform(0.2, 0.9)))
    camera, coefficients = shot.camera, _coefficients(model, person, shot, setting, moment)
    mesh, seen = photograph(model, [person], coefficients, camera)
    at = camera.project(mesh.vertices[:, model.landmarks])[0].double().cpu().numpy()
    picture = composite(seen, 0, behind)
    occlusion = np.zeros(picture.shape[:2], bool)
    points = np.ascontiguousarray(at[:, :2])
    if shot.occluder:
        fitted = FittedFace(model, coefficients, camera)
        drawn = occlude(picture, points, shot.occluder, shot.occluder_seed, fitted)
        picture, occlusion = drawn.image, drawn.mask
    nearest = at[:, 2].min()
    return Shown(
        photo=spoil(moment, picture, shot.quality),
        points=points,
        depth=(at[:, 2] - nearest) * camera.focal / nearest,
        face=seen.coverage[0].cpu().numpy(),
        occlusion=occlusion,
        coefficients=coefficients,
    )


def _coefficients(
    model: MorphableModel,
    person: Identity,
    shot: Shot,
    setting: np.random.Generator,
    moment: np.random.Generator,
) -> Coefficients:
    light = draw_light(setting, shot.light)
    if shot.expression == ANY:
        highest = model.expression_high.cpu().numpy()
        expression = draw_movements(setting, highest, shot.lively)
    else:
        expression = draw_expression(setting, model, shot.expression)
    translation = moment.uniform(-1, 1, 3) * shot.shift * (1, 1, 10)
    parts = (expression, np.radians(shot.pose_degrees), light, translation)
    weights, rotation, lighting, moved = (
        torch.tensor(part[None], dtype=torch.float32, device=model.mean_shape.device)
        for part in parts
    )
    return Coefficients(
        identity=person.identity[None],
        expression=model.limited(weights),
        texture=person.texture[None],
        rotation=rotation,
        lighting=lighting,
        translation=moved,
        model=model.digest,
    )
