"""Random people of a face model, and its named expressions."""

from dataclasses import replace

import numpy as np
import torch
from matplotlib.figure import Figure

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.render.shading import render
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.errors import BadOption
from results.figures.sheet import draw_sheet

_PEOPLE = 10
# Movements that belong together, with their share of the full extent.
_EXPRESSIONS: dict[str, dict[str, float]] = {
    "jaw open": {"jaw open": 1},
    "blink": {"blink left": 1, "blink right": 1},
    "smile": {
        "smile left": 1,
        "smile right": 1,
        "upper lip up left": 0.4,
        "upper lip up right": 0.4,
    },
    "pucker": {"pucker": 1},
    "funnel": {"funnel": 1},
    "surprise": {
        **{
            f"brow {part} up {side}": 1 for part in ("inner", "outer") for side in ("left", "right")
        },
        **{"blink left": -0.3, "blink right": -0.3, "jaw open": 0.5},
    },
    "anger": {
        "brow down left": 1,
        "brow down right": 1,
        "frown": 1,
        "squint left": 1,
        "squint right": 1,
    },
    "sadness": {
        "mouth corner down left": 1,
        "mouth corner down right": 1,
        "brow inner up left": 1,
        "brow inner up right": 1,
    },
    "wink": {"blink left": 1, "smile left": 0.8, "squint left": 0.5},
    "jaw right": {"jaw right": 1, "jaw open": 0.3},
}


def draw_people(model: MorphableModel, camera: Camera, seed: int) -> Figure:
    """Ten random people: as they are, as a camera sees them, and from the side.

    Args:
        model: The face model; one without texture modes gives people of one complexion.
        camera: How large.
        seed: Of the people and of the photos.
    """
    sampler = IdentitySampler(model)
    people = [sampler.draw(_PEOPLE * seed + number) for number in range(_PEOPLE)]
    seeds = [_PEOPLE * seed + number for number in range(_PEOPLE)]
    rows = []
    for yaw in (0.0, 30.0, 60.0):
        settings = SceneSettings(size=camera.size, yaw_degrees=yaw) if yaw else _plain(camera)
        scenes = draw_scenes(model, people, seeds, settings)
        rows.append({str(one.person): one.photo for one in scenes})
    return draw_sheet(rows, f"{model}: people by seed; from the front, within ±30°, within ±60°")


def _plain(camera: Camera) -> SceneSettings:
    return SceneSettings(
        size=camera.size,
        yaw_degrees=0.0,
        pitch_degrees=0.0,
        roll_degrees=0.0,
        shift=0.0,
        expression=0.0,
        light=0.2,
        noise=0.0,
    )


def draw_expressions(model: MorphableModel, camera: Camera, seed: int) -> Figure:
    """Some named expressions at full extent, on the mean face and on a random person.

    Args:
        model: A face model with named expressions.
        camera: How large.
        seed: Of the person.

    Raises:
        BadOption: The model has no such names.
    """
    names = list(model.expression_names)
    missing = {part for parts in _EXPRESSIONS.values() for part in parts} - set(names)
    if missing:
        raise BadOption(f"expressions of {model.name}", "builtin, which has names for them")
    mean = model.layout(mono_light=True).zeros(1, model.mean_shape.device)
    light = mean.lighting.new_tensor([[0.1, -0.2, 0.25, 0.2, 0, 0, 0, 0, 0]])
    mean = replace(mean, lighting=light)
    person = IdentitySampler(model).draw(seed)
    known = {"identity": person.identity[None], "texture": person.texture[None]}
    rows = []
    for face in (mean, replace(mean, **known)):
        row = {}
        for title, parts in _EXPRESSIONS.items():
            weights = torch.zeros_like(face.expression)
            for name, share in parts.items():
                weights[0, names.index(name)] = share * model.expression_high[names.index(name)]
            image, coverage = render(reconstruct(model, replace(face, expression=weights)), camera)
            picture = torch.where(coverage[:, None], image.clamp(0, 1), 1.0)[0]
            row[title] = np.round(255 * picture.permute(1, 2, 0).cpu().numpy()).astype(np.uint8)
        rows.append(row)
    return draw_sheet(rows, f"{model}: expressions at their full extent")
