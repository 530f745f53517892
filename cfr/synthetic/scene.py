"""Photos of made-up people, with everything that is known about them.

A scene is drawn from its own seed alone: expression, pose, light, background, camera noise and
occluder. The same seed and person are the same photo, whatever else is drawn; in a batch of another
size a few pixels may differ in their last bit, and through JPEG by a level or two.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Float64, UInt8
from torch import Tensor

from cfr.camera import Camera
from cfr.morphable.model import MorphableModel
from cfr.occluders.kinds import occlude
from cfr.occluders.types import FittedFace, OccluderRecord
from cfr.synthetic.backgrounds import draw_background, take_photo
from cfr.synthetic.drawing import composite, draw_light, draw_movements, photograph
from cfr.synthetic.identity import Identity
from cfr.types import Coefficients


@dataclass(frozen=True)
class SceneSettings:
    """How scenes are drawn; each angle is uniform between minus and plus the value."""

    size: int = 224
    """Pixels along each side."""
    zoom: float = 1.0
    """Of the camera: below 1 there is more room around the face."""
    yaw_degrees: float = 30.0
    pitch_degrees: float = 10.0
    roll_degrees: float = 8.0
    shift: float = 0.08
    """The face's place varies by so many decimetres, and ten times that in depth."""
    expression: float = 0.2
    """Share of a full random expression; 0 for a neutral face."""
    light: float = 0.35
    """How much of the light comes from one direction, at most."""
    background: float = 1.0
    """Contrast of the background; 0 for plain grey."""
    noise: float = 1.0
    """Blur, grain and compression of the camera; 0 for none."""
    occluders: tuple[str, ...] = ()
    """Kinds to draw from."""
    occluded: float = 1.0
    """Share of scenes with one of these occluders."""

    @property
    def camera(self) -> Camera:
        """What the photos are taken with."""
        whole = Camera().resized(self.size)
        return Camera(whole.size, whole.focal * self.zoom, whole.distance)


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo and its ground truth; pictures are uint8 RGB of the camera's size.

    Attributes:
        seed: Of the scene.
        person: Seed of the person.
        photo: What a camera saw, occluder and noise included.
        unoccluded: The same without occluder and noise.
        frontal: The same face, expression and light from the front, on the same background.
        coefficients: Of one face; the person's detail is not in them.
        points: ``(68, 2)`` the landmarks' pixels, hidden ones included.
        occlusion: ``(h, w)`` which pixels the occluder changed by half or more.
        coverage: ``(h, w)`` which pixels show the face or what lies on it.
        occluder: What was drawn, None without.
    """

    seed: int
    person: int
    photo: UInt8[np.ndarray, "h w 3"]
    unoccluded: UInt8[np.ndarray, "h w 3"]
    frontal: UInt8[np.ndarray, "h w 3"]
    coefficients: Coefficients
    points: Float64[np.ndarray, "68 2"]
    occlusion: Bool[np.ndarray, "h w"]
    coverage: Bool[np.ndarray, "h w"]
    occluder: OccluderRecord | None = field(default=None)


@torch.no_grad()
def draw_scenes(
    model: MorphableModel,
    people: list[Identity],
    seeds: list[int],
    settings: SceneSettings | None = None,
) -> list[Scene]:
    """Photograph people, one scene each.

    Args:
        model: The face model that the people were drawn for.
        people: Who; the same person may come several times.
        seeds: Of the scenes, as many.
        settings: How.

    Raises:
        ValueError: Not as many seeds as people.
    """
    if len(people) != len(seeds):
        raise ValueError(f"{len(people)} people, {len(seeds)} seeds")
    settings = settings or SceneSettings()
    camera = settings.camera
    coefficients = _coefficients(model, people, seeds, settings)
    facing = replace(
        coefficients,
        rotation=torch.zeros_like(coefficients.rotation),
        translation=torch.zeros_like(coefficients.translation),
    )
    mesh, seen = photograph(model, people, coefficients, camera)
    _, front = photograph(model, people, facing, camera)
    points = camera.project(mesh.vertices[:, model.landmarks])[..., :2].double().cpu().numpy()
    found = []
    for index, (person, seed) in enumerate(zip(people, seeds, strict=True)):
        rng = np.random.default_rng((seed, 3))
        behind = draw_background(rng, settings.size, settings.background)
        clean, frontal = (composite(one, index, behind) for one in (seen, front))
        one = _row(coefficients, index)
        covered = clean, np.zeros(clean.shape[:2], bool), None
        if settings.occluders and rng.uniform() < settings.occluded:
            kind = str(rng.choice(settings.occluders))
            drawn = occlude(
                clean,
                points[index],
                kind,
                int(rng.integers(2**31)),
                fitted=FittedFace(model, one, camera),
            )
            covered = drawn.image, drawn.mask, drawn.record
        found.append(
            Scene(
                seed=seed,
                person=person.seed,
                photo=take_photo(rng, covered[0], settings.noise),
                unoccluded=clean,
                frontal=frontal,
                coefficients=one,
                points=points[index],
                occlusion=covered[1],
                coverage=seen.coverage[index].cpu().numpy(),
                occluder=covered[2],
            )
        )
    return found


def _coefficients(
    model: MorphableModel, people: list[Identity], seeds: list[int], settings: SceneSettings
) -> Coefficients:
    layout, device = model.layout(), model.mean_shape.device
    highest = model.expression_high.cpu().numpy()
    rows = []
    for seed in seeds:
        rng = np.random.default_rng((seed, 2))
        expression = draw_movements(rng, highest, settings.expression)
        largest = (settings.pitch_degrees, settings.yaw_degrees, settings.roll_degrees)
        rotation = rng.uniform(-1, 1, 3) * np.radians(largest)
        translation = rng.uniform(-1, 1, 3) * settings.shift * (1, 1, 10)
        rows.append((expression, rotation, draw_light(rng, settings.light), translation))
    expression, rotation, lighting, translation = (
        torch.tensor(np.stack(part), dtype=torch.float32, device=device)
        for part in zip(*rows, strict=True)
    )
    return Coefficients(
        identity=torch.stack([person.identity for person in people]),
        expression=model.limited(expression),
        texture=torch.stack([person.texture for person in people]),
        rotation=rotation,
        lighting=lighting,
        translation=translation,
        model=layout.model,
    )


def _row(coefficients: Coefficients, index: int) -> Coefficients:
    def part(values: Tensor) -> Tensor:
        return values[index : index + 1]

    parts = {name: part(values) for name, values in coefficients.parts().items()}
    return Coefficients(**parts, model=coefficients.model)
