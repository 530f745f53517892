"""A face model from five sides: the mean, and what its modes do."""

from dataclasses import replace

import numpy as np
import torch
from matplotlib.figure import Figure

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.render.shading import render
from cfr.types import Coefficients

YAWS = (-90, -45, 0, 45, 90)
# A soft light from above and the image's left, the same for the three channels.
_LIGHT = (-0.1, -0.25, 0.35, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0)


def draw_views(model: MorphableModel, camera: Camera, seed: int) -> Figure:
    """Draw the mean face, a random identity and a random expression, each from five sides.

    Args:
        model: The face model.
        camera: How large, and from where.
        seed: Of the random coefficients.
    """
    faces = {"mean": _mean(model), **_random(model, seed)}
    figure = Figure(
        figsize=(2.2 * len(YAWS), 2.3 * len(faces) + 0.4), layout="constrained", dpi=110
    )
    axes = figure.subplots(len(faces), len(YAWS), squeeze=False)
    for row, (name, face) in enumerate(faces.items()):
        for column, picture in enumerate(_views(model, face, camera)):
            axis = axes[row, column]
            axis.imshow(picture)
            axis.set_xticks([])
            axis.set_yticks([])
            if row == 0:
                axis.set_title(f"yaw {YAWS[column]}°", fontsize="medium")
            if column == 0:
                axis.set_ylabel(name)
    figure.suptitle(str(model), fontsize="medium")
    return figure


def _mean(model: MorphableModel) -> Coefficients:
    layout = model.layout(mono_light=True)
    return replace(layout.zeros(1), lighting=torch.tensor([_LIGHT]))


def _random(model: MorphableModel, seed: int) -> dict[str, Coefficients]:
    generator = torch.Generator().manual_seed(seed)
    mean = _mean(model)

    def draw(part: torch.Tensor) -> torch.Tensor:
        return torch.randn(part.shape, generator=generator)

    identity = replace(mean, identity=draw(mean.identity), texture=draw(mean.texture))
    weights = draw(mean.expression)
    if model.blendshapes:  # a few at a time, as on a face
        chosen = torch.rand(weights.shape, generator=generator) < 0.15
        weights = weights.abs() * chosen
    return {"identity": identity, "expression": replace(mean, expression=model.limited(weights))}


def _views(model: MorphableModel, face: Coefficients, camera: Camera) -> list[np.ndarray]:
    turned = torch.zeros(len(YAWS), 3)
    turned[:, 1] = torch.deg2rad(torch.tensor(YAWS, dtype=torch.float32))
    parts = {name: part.expand(len(YAWS), -1) for name, part in face.parts().items()}
    mesh = reconstruct(model, Coefficients(**{**parts, "rotation": turned}, model=face.model))
    image, coverage = render(mesh, camera)
    image = torch.where(coverage[:, None], image.clamp(0, 1), 1.0)  # a white background
    return list(image.permute(0, 2, 3, 1).numpy())
