"""Made-up faces for measuring: known coefficients, their pictures, and things in front of them."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cfr.camera import Camera, place
from cfr.mesh import reconstruct
from cfr.morphable.model import ModelArrays, MorphableModel
from cfr.render.shading import render
from cfr.types import Coefficients
from results.bench.meshes import head

_SKIN, _DARK, _LIP = (0.78, 0.58, 0.48), (-0.45, -0.4, -0.35), (-0.1, -0.22, -0.18)
# How strongly each of the 68 points darkens (brows, eyes) or reddens (lips) the skin around it.
_PAINT = (
    ("dark", range(17, 27), 0.05),
    ("dark", range(36, 48), 0.05),
    ("lip", range(48, 68), 0.06),
)
_DETAIL, _VARIATION = 0.04, 0.12


def made_up_model(
    side: int = 190, modes: tuple[int, int, int] = (80, 64, 80), seed: int = 0
) -> MorphableModel:
    """A bumpy half egg with smooth modes: the size of a face model, and nothing to download.

    Args:
        side: Square root of the number of vertices.
        modes: Identity, expression, texture.
        seed: Of the modes.
    """
    mean, triangles = head(side)
    rng = np.random.default_rng(seed)
    identity, expression, _ = modes
    shape = _fields(mean.numpy(), identity + expression, 0.5, 0.02, rng)
    seen = np.flatnonzero(mean[:, 2].numpy() > 0.2)
    arrays = ModelArrays(
        mean_shape=mean.numpy(),
        identity=shape[:identity],
        expression=shape[identity:],
        mean_texture=np.tile(np.array(_SKIN, np.float32), (len(mean), 1)),
        texture=np.zeros((0, len(mean), 3), np.float32),
        triangles=triangles.numpy(),
        landmarks=seen[np.linspace(0, len(seen) - 1, 68).astype(int)],
        skin=np.ones(len(mean), bool),
    )
    return textured(MorphableModel("made up", arrays), modes[2], seed)


def textured(model: MorphableModel, modes: int = 80, seed: int = 0) -> MorphableModel:
    """The same shape with a made-up texture: brows, eyes and lips painted, smooth modes.

    Args:
        model: Its own texture is dropped.
        modes: Texture modes.
        seed: Of the modes.
    """
    rng = np.random.default_rng(seed)
    identity = model.layout().identity
    shape_modes = model.modes("shape").unflatten(1, (-1, 3)).cpu().numpy()
    mean = model.mean_shape.cpu().numpy()
    landmarks = model.landmarks.cpu().numpy()
    arrays = ModelArrays(
        mean_shape=mean,
        identity=shape_modes[:identity],
        expression=shape_modes[identity:],
        mean_texture=_painted(mean, landmarks),
        texture=_fields(mean, modes, 0.35, _VARIATION / max(modes, 1) ** 0.5, rng),
        triangles=model.triangles.cpu().numpy(),
        landmarks=landmarks,
        skin=model.skin.cpu().numpy(),
    )
    return MorphableModel(
        f"{model.name}, made-up texture",
        arrays,
        expression_names=model.expression_names,
        blendshapes=model.blendshapes,
        expression_range=(
            model.expression_low.cpu().numpy(),
            model.expression_high.cpu().numpy(),
        ),
    )


def random_faces(
    model: MorphableModel, count: int, generator: torch.Generator, yaw_degrees: float = 60.0
) -> Coefficients:
    """Random people, expressions, poses and lights; pitch within ±20° and roll within ±15°.

    Args:
        model: The face model.
        count: Faces.
        generator: Of every draw.
        yaw_degrees: Yaw is uniform within ± this.
    """
    layout = model.layout()

    def normal(size: int) -> Tensor:
        return torch.randn(count, size, generator=generator).clamp(-2.5, 2.5)

    expression = 0.6 * normal(layout.expression)
    if model.blendshapes:  # one in seven expressions is there, to some degree
        drawn = torch.rand(2, count, layout.expression, generator=generator)
        expression = 0.7 * drawn[0] * (drawn[1] < 1 / 7)
    turn = 2 * torch.rand(count, 3, generator=generator) - 1
    light = normal(9)[:, None] * torch.tensor([0.1] + [0.18] * 3 + [0.06] * 5)
    tint = 0.1 * normal(27).view(count, 3, 9) * light.abs()
    return Coefficients(
        identity=normal(layout.identity),
        expression=model.limited(expression.to(model.expression_low.device)).cpu(),
        texture=normal(layout.texture),
        rotation=torch.deg2rad(turn * torch.tensor([20.0, yaw_degrees, 15.0])),
        lighting=(light + tint).flatten(1),
        translation=normal(3) * torch.tensor([0.03, 0.03, 0.2]),
        model=model.digest,
    )


def projected_points(
    model: MorphableModel, coefficients: Coefficients, camera: Camera | None = None
) -> Float[Tensor, "b 68 2"]:
    """Where the 68 points are in the crop."""
    shape = model.shape(coefficients)[:, model.landmarks]
    placed = place(shape, coefficients.rotation, coefficients.translation)
    return (camera or Camera()).project(placed)[..., :2]


def photographed(
    model: MorphableModel, coefficients: Coefficients, generator: torch.Generator
) -> tuple[Float[Tensor, "b 3 s s"], Bool[Tensor, "b s s"]]:
    """Pictures of faces, with what no model knows: skin detail, noise, a background.

    Returns:
        RGB in [0, 1], and where the face is.
    """
    rng = np.random.default_rng(int(torch.randint(1 << 31, (1,), generator=generator)))
    mesh = reconstruct(model, coefficients)
    detail = _fields(model.mean_shape.cpu().numpy(), len(coefficients.rotation), 0.06, _DETAIL, rng)
    mesh = replace(mesh, colors=mesh.colors * (1 + torch.from_numpy(detail).to(mesh.colors)))
    drawn = render(mesh)
    noise = 0.02 * torch.randn(drawn.image.shape, generator=generator)
    coarse = torch.rand(len(noise), 3, 8, 8, generator=generator)
    behind = torch.nn.functional.interpolate(coarse, noise.shape[-2:], mode="bicubic")
    photo = torch.where(drawn.coverage[:, None], drawn.image, behind.to(drawn.image))
    return (photo + noise.to(photo)).clamp(0, 1), drawn.coverage


def occluded(
    photo: Float[Tensor, "b 3 s s"], face: Bool[Tensor, "b s s"], generator: torch.Generator
) -> tuple[Float[Tensor, "b 3 s s"], Bool[Tensor, "b s s"]]:
    """Put something in front of each face: a patch of any colour, or a hand of the face's colour.

    It hides 10 to 40 % of the face.

    Returns:
        The pictures, and where something was put.
    """
    pictures, covers = photo.clone(), torch.zeros_like(face)
    for index, (picture, there) in enumerate(zip(pictures, face, strict=True)):
        drawn = torch.rand(10, generator=generator)
        share = 0.1 + 0.3 * float(drawn[0])
        hand = bool(drawn[1] < 0.5)
        cover = _cover(there, share, hand, drawn[2:6])
        at = (there & cover).nonzero()
        one = at[int(drawn[6] * len(at))]
        around = [slice(max(0, int(p) - 20), int(p) + 20) for p in one]
        skin = picture[:, around[0], around[1]].mean((1, 2))
        colour = skin if hand else drawn[7:]
        picture[:, cover] = colour[:, None].to(picture)
        covers[index] = cover
    return pictures, covers


def _cover(face: Tensor, share: float, hand: bool, drawn: Tensor) -> Tensor:
    """A rectangle, or a palm with fingers, that hides a share of a face."""
    rows, columns = face.nonzero().T.float()
    pick = int(drawn[0] * len(rows))
    turn = float(drawn[1]) * np.pi
    y, x = torch.meshgrid(*(torch.arange(n) for n in face.shape), indexing="ij")
    x, y = x - columns[pick].cpu(), y - rows[pick].cpu()
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    shape = 0.6 + 0.8 * float(drawn[2])
    patch = torch.maximum(along.abs(), across.abs() / shape)
    distance = (_hand(along, across) if hand else patch).to(face.device)
    # The size at which it hides the share asked for.
    return distance <= distance[face].quantile(share)


def _hand(along: Tensor, across: Tensor) -> Tensor:
    """How large a hand has to be to reach each pixel: palm at the origin, fingers along x."""
    radius = torch.hypot(along, across)
    angle = torch.atan2(across, along)
    # It reaches further in a few narrow directions of its front.
    front = (angle.abs() < 1.2).to(radius)
    fingers = front * torch.cos(8 * angle).clamp(min=0).square()
    return radius / (1 + 1.5 * fingers)


def _fields(
    shape: np.ndarray, count: int, length: float, deviation: float, rng: np.random.Generator
) -> np.ndarray:
    """``(count, v, 3)`` smooth random fields over a surface: sums of waves, mostly of one sign.

    Args:
        shape: ``(v, 3)`` where the vertices are.
        count: Fields.
        length: How far apart two vertices have to be to differ, in decimetres.
        deviation: Of each value.
        rng: Of every draw.
    """
    waves = 16
    found = np.empty((count, *shape.shape), np.float32)
    for index in range(count):
        frequency = rng.normal(0, 1 / length, (3, waves))
        phase = rng.uniform(0, 2 * np.pi, waves)
        # One grey field and a little of its own for each channel.
        mix = rng.normal(size=(waves, 1)) + 0.3 * rng.normal(size=(waves, 3))
        found[index] = np.cos(shape @ frequency + phase) @ mix * (2 / waves / 1.09) ** 0.5
    return found * np.float32(deviation)


def _painted(shape: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """``(v, 3)`` skin with dark brows and eyes and red lips around the 68 points."""
    colour = np.tile(np.array(_SKIN), (len(shape), 1))
    for paint, points, width in _PAINT:
        near = np.full(len(shape), np.inf)
        for point in points:
            near = np.minimum(near, np.square(shape - shape[landmarks[point]]).sum(1))
        strength = np.exp(-near / (2 * width**2))[:, None]
        colour += strength * np.array(_DARK if paint == "dark" else _LIP)
    return colour.clip(0, 1).astype(np.float32)
