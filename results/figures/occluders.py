"""Every kind of occluder on faces of a face model: nobody's photo is needed."""

from dataclasses import replace

import numpy as np
import torch
from matplotlib.figure import Figure

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.occluders.erasing import Erasing
from cfr.occluders.glasses import Glasses
from cfr.occluders.hair import Hair
from cfr.occluders.hand import Hand
from cfr.occluders.kinds import occlude
from cfr.occluders.mask import Mask
from cfr.occluders.phone import Phone
from cfr.occluders.placement import Placement
from cfr.occluders.scarf import Scarf
from cfr.occluders.supplied import Cutout, Silhouette
from cfr.occluders.types import FittedFace, Occluder
from cfr.render.shading import render

YAWS = (-38.0, 12.0)
_ACROSS = 7
_LIGHT = (-0.15, -0.2, 0.3, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0)


def draw_kinds(model: MorphableModel, camera: Camera, seed: int) -> Figure:
    """Draw all kinds of occluders on two random faces.

    Args:
        model: The face model.
        camera: How large the pictures are.
        seed: Of the faces and of what covers them.
    """
    titles = ["face", *_examples()]
    bands = -(-len(titles) // _ACROSS)
    figure = Figure(
        figsize=(1.6 * _ACROSS, bands * (1.6 * len(YAWS) + 0.25)), layout="constrained", dpi=110
    )
    axes = figure.subplots(bands * len(YAWS), _ACROSS, squeeze=False)
    for row, yaw in enumerate(YAWS):
        photo, points, fitted = _face(model, camera, yaw, seed + row)
        pictures = [photo]
        for index, (kind, options) in enumerate(_examples().values()):
            own_seed = seed + 100 * row + index
            pictures.append(occlude(photo, points, kind, own_seed, fitted, options).image)
        for index, (title, picture) in enumerate(zip(titles, pictures, strict=True)):
            band, column = divmod(index, _ACROSS)
            axis = axes[band * len(YAWS) + row, column]
            axis.imshow(picture)
            if row == 0:
                axis.set_title(title, fontsize="medium")
    for axis in axes.flat:
        axis.set_axis_off()
    return figure


def _examples() -> dict[str, tuple[str, Occluder]]:
    """Title → kind and options."""
    across, down = np.meshgrid(np.linspace(-1, 1, 96), np.linspace(-1, 1, 96))
    star = np.hypot(across, down) < 0.62 + 0.38 * np.cos(5 * np.arctan2(across, -down))
    ring = np.clip((0.30 - np.abs(np.hypot(across, down) - 0.66)) / 0.06, 0, 1)
    colors = np.stack((200 + 40 * across, 120 + 80 * down, 90 - 60 * across), -1)
    sticker = np.concatenate((colors, 255 * ring[..., None]), -1).clip(0, 255).astype(np.uint8)
    small = Placement(smallest=70.0, largest=110.0, turn_degrees=30.0, keep_aspect=True)
    return {
        "hand, flat": ("hand", Hand()),
        "hand, shaded": ("hand", Hand(style="shaded")),
        "mask": ("mask", Mask(color="surgical-blue")),
        "nose out": ("mask", Mask(worn="nose-uncovered")),
        "chin out": ("mask", Mask(worn="chin-uncovered", color="patterned")),
        "glasses": ("glasses", Glasses(lenses="clear")),
        "sunglasses": ("glasses", Glasses(lenses="sun")),
        "scarf": ("scarf", Scarf()),
        "hair": ("hair", Hair()),
        "phone": ("phone", Phone()),
        "erasing": ("erasing", Erasing(boxes="crop", fill="release")),
        "silhouette": ("silhouette", Silhouette((star,), placement=small)),
        "cutout": ("cutout", Cutout((sticker,), small)),
    }


@torch.no_grad()
def _face(
    model: MorphableModel, camera: Camera, yaw: float, seed: int
) -> tuple[np.ndarray, np.ndarray, FittedFace]:
    """A picture of a random face before a graded background, its points, its coefficients."""
    generator = torch.Generator().manual_seed(seed)
    mean = model.layout(mono_light=True).zeros(1)
    face = replace(
        mean,
        identity=0.7 * torch.randn(mean.identity.shape, generator=generator),
        texture=0.7 * torch.randn(mean.texture.shape, generator=generator),
        rotation=torch.tensor([[0.05, np.radians(yaw), 0.03]], dtype=torch.float32),
        lighting=torch.tensor([_LIGHT]),
    )
    mesh = reconstruct(model, face)
    image, coverage = render(mesh, camera.resized(2 * camera.size))
    shade = torch.linspace(0.75, 0.45, 2 * camera.size)[None, None, :, None]
    image = torch.where(coverage[:, None], image.clamp(0, 1), shade)
    image = torch.nn.functional.avg_pool2d(image, 2)[0].permute(1, 2, 0)
    points = camera.project(mesh.vertices[:, model.landmarks])[0, :, :2]
    photo = (255 * image).round().to(torch.uint8).numpy()
    return photo, points.double().numpy(), FittedFace(model, face, camera)
