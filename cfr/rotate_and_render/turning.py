"""Pairs by Rotate-and-Render: a face turned away and back, and the photo that it should become.

Zhou et al., CVPR 2020, Section 3.2: what the photo shows is eroded, drawn in another pose, eroded
again and drawn in the photo's own pose. Steps and numbers are those of
``models/networks/render.py`` of Hangz-nju-cuhk/Rotate-and-Render; face model, fit, crop and
renderer are those of CFR-GAN's pairs.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cfr.camera import Camera, place
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate
from cfr.rotate_and_render.erosion import PHOTO, TURNED, Erosion, draw_erosion, eroded, filled
from cfr.texture import sample_photo
from cfr.types import Coefficients, Fragments

_AWAY = 0.8  # how often a face is turned away from the front
_YAW, _FARTHEST_YAW = (0.342, 0.965), 1.2  # how far, in radians
_PITCH, _FARTHEST_PITCH = 0.5, 1.0
_BEHIND = 0.05  # a vertex so many decimetres behind what is drawn there is out of sight
_NOTHING = 1e6  # deeper than any face


class Turn(NamedTuple):
    """What is drawn for the pairs of a batch.

    Attributes:
        rotation: ``(b, 3)`` where faces are turned to: pitch, yaw, roll in radians.
        photo: How the photo's render is eroded.
        turned: How the turned one is.
    """

    rotation: Float[Tensor, "b 3"]
    photo: Erosion
    turned: Erosion


class Eroded(NamedTuple):
    """A photo's render without its edge.

    Attributes:
        fragments: Where the face is.
        projected: R_p, the photo's own colours on the face, black outside.
        kept: What is left of the face.
        picture: R_p with everything else filled with the mean colour of what is left.
        colors: What the vertices wear of that.
    """

    fragments: Fragments
    projected: Float[Tensor, "b 3 s s"]
    kept: Bool[Tensor, "b s s"]
    picture: Float[Tensor, "b 3 s s"]
    colors: Float[Tensor, "b v 3"]


@dataclass(frozen=True, eq=False)
class TurnedPairs:
    """Pairs of a batch, and the stages on the way to them; RGB in [0, 1].

    Attributes:
        photo: ``(b, 3, s, s)`` the aligned crops I, with their background.
        projected: R_p, the photo's own colours on the face, black outside.
        eroded: The same without its edge, filled with its mean colour.
        turned: That in another pose, eroded and filled again.
        damaged: Turned back, black outside the face: what the generator sees.
        guide: R_e, the estimated face, black outside; Rotate-and-Render does not look at it.
        target: ``(b, 1, s, s)`` 1 where the damaged face does not wear the photo's own colour: it
            was eroded, or out of sight in the other pose.
        face: ``(b, s, s)`` where the face is.
        rotation: ``(b, 3)`` the other pose: pitch, yaw, roll in radians.
    """

    photo: Float[Tensor, "b 3 s s"]
    projected: Float[Tensor, "b 3 s s"]
    eroded: Float[Tensor, "b 3 s s"]
    turned: Float[Tensor, "b 3 s s"]
    damaged: Float[Tensor, "b 3 s s"]
    guide: Float[Tensor, "b 3 s s"]
    target: Float[Tensor, "b 1 s s"]
    face: Bool[Tensor, "b s s"]
    rotation: Float[Tensor, "b 3"]


def draw_turns(fitted: Float[Tensor, "b 3"], rngs: "list[np.random.Generator]") -> Turn:
    """Draw where each photo is turned to, and how it is eroded.

    The front, without roll, with the photo's own pitch or 0 if that is negative; four times of five
    0.342 to 0.965 radians of yaw to either side of it and up to 0.5 of pitch up or down, no more
    than 1.2 and 1 in all.

    Args:
        fitted: Pitch, yaw, roll of the photos in radians.
        rngs: One a photo.
    """
    poses = []
    for pitch, rng in zip(fitted[:, 0].tolist(), rngs, strict=True):
        yaw, pitch = 0.0, max(0.0, pitch)
        if rng.uniform() < _AWAY:
            side = 1 if rng.uniform() < 0.5 else -1
            yaw = float(np.clip(side * rng.uniform(*_YAW), -_FARTHEST_YAW, _FARTHEST_YAW))
            tilt = rng.uniform(-_PITCH, _PITCH)
            pitch = float(np.clip(pitch + tilt, -_FARTHEST_PITCH, _FARTHEST_PITCH))
        poses.append((pitch, yaw, 0.0))
    return Turn(fitted.new_tensor(poses), draw_erosion(rngs), draw_erosion(rngs))


@torch.no_grad()
def erode_photo(
    photo: Float[Tensor, "b 3 s s"],
    at: Float[Tensor, "b v 3"],
    triangles: Int[Tensor, "f 3"],
    pixels: int,
    erosion: Erosion,
) -> Eroded:
    """Draw faces in the photos' own poses, erode and fill them, and take their colours again.

    Args:
        photo: Aligned crops.
        at: The vertices there: x, y in pixels, depth.
        triangles: Vertex indices.
        pixels: Side of the window, for pictures of 256.
        erosion: What was drawn.
    """
    side = photo.shape[-1]
    fragments = rasterize(at, triangles, side, side)
    projected = interpolate(fragments, triangles, _nearest(photo, at)).clamp(0, 1).contiguous()
    kept = eroded(fragments.coverage, pixels, erosion)
    picture = filled(projected, kept)
    return Eroded(fragments, projected, kept, picture, _nearest(picture, at))


@torch.no_grad()
def turn_and_back(
    model: MorphableModel, photo: Float[Tensor, "b 3 s s"], coefficients: Coefficients, turn: Turn
) -> TurnedPairs:
    """Make a pair of each photo.

    Args:
        model: The face model.
        photo: Aligned crops, on the model's device.
        coefficients: Of the faces in them, in the default camera resized to the photos.
        turn: What was drawn (:func:`draw_turns`).

    Raises:
        WrongFaceModel: The coefficients belong to another face model.
        ValueError: There are more or fewer faces than photos.
    """
    camera, triangles = Camera().resized(photo.shape[-1]), model.triangles
    shape = model.shape(coefficients)
    mesh = reconstruct(model, coefficients, shape)
    own = camera.project(mesh.vertices)
    first = erode_photo(photo, own, triangles, PHOTO, turn.photo)
    face = first.fragments.coverage

    still = torch.zeros_like(coefficients.translation)
    away = camera.project(place(shape, turn.rotation, still))
    known = _nearest(first.kept[:, None].to(photo), own)
    colors = torch.cat((first.colors, known), dim=-1)
    seen = rasterize(away, triangles, camera.size, camera.size)
    drawn = interpolate(seen, triangles, colors).clamp(0, 1)
    left = eroded(seen.coverage, TURNED, turn.turned)
    turned = filled(drawn[:, :3].contiguous(), left)

    sure = drawn[:, 3:] * left[:, None]
    depth = _nearest(seen.depth.clamp(max=_NOTHING)[:, None], away)
    known = _nearest(sure, away) * (away[..., 2:] <= depth + _BEHIND)
    colors = torch.cat((_nearest(turned, away), mesh.colors, known), dim=-1)
    back = interpolate(first.fragments, triangles, colors).clamp(0, 1)
    return TurnedPairs(
        photo=photo,
        projected=first.projected,
        eroded=first.picture,
        turned=turned,
        damaged=back[:, :3].contiguous(),
        guide=back[:, 3:6].contiguous(),
        target=((back[:, 6:] < 0.5) & face[:, None]).to(photo),
        face=face,
        rotation=turn.rotation,
    )


def _nearest(
    picture: Float[Tensor, "b c s s"], at: Float[Tensor, "b v 3"]
) -> Float[Tensor, "b v c"]:
    """The vertices' colours, as the published code takes them."""
    return sample_photo(picture.contiguous(), at, "nearest")
