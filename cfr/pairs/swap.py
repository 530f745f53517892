"""Swap-R&R: pairs for training from single photos (Ju et al., WACV 2022, Section 3.2, Eq. 6).

What hides the face is exchanged between the photo and the estimated face: the photo loses it, the
guide gets it. The photo, turned to a random pose and back, is what the generator repairs; the photo
as it was is what it should become. Steps and numbers: ``generate_pairs.py`` of yeongjoonJu/CFR-GAN.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cfr.camera import Camera, place
from cfr.filters import box
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.pairs.covering import Cover, hidden_too, put_over
from cfr.pairs.masks import object_mask, target_mask
from cfr.pairs.rules import RULES, PairRule
from cfr.parsing.from_model import parse_drawn
from cfr.parsing.types import FaceParser, FittedFaces
from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate, render
from cfr.texture import inside_photo, sample_photo
from cfr.types import Coefficients, FaceMesh

_FARTHEST = (math.pi / 6, math.pi / 2, math.pi / 6)  # pitch, yaw, roll of the first rotation
_STEP = (math.pi / 12, math.pi / 2, math.pi / 12)  # how far it may be from the photo's pose


@dataclass(frozen=True, eq=False)
class SwapPairs:
    """Pairs of a batch, and the stages on the way to them; RGB in [0, 1], black outside the face.

    Attributes:
        photo: ``(b, 3, s, s)`` the aligned crops I, with their background.
        projected: R_p, the photo's own colours on the face.
        estimated: R_e, the estimated face.
        objects: ``(b, 1, s, s)`` M_obj, from 0 to 1.
        swapped: R_ps, the photo without what hid the face; what was drawn over it is there.
        guide: R_es, the estimated face with what hid the photo's.
        turned: R_ps in the random pose.
        damaged: R_psr, turned back.
        target: ``(b, 1, s, s)`` what has to be repaired, from 0 to 1.
        face: ``(b, s, s)`` where the face is.
        rotation: ``(b, 3)`` the random pose: pitch, yaw, roll in radians.
    """

    photo: Float[Tensor, "b 3 s s"]
    projected: Float[Tensor, "b 3 s s"]
    estimated: Float[Tensor, "b 3 s s"]
    objects: Float[Tensor, "b 1 s s"]
    swapped: Float[Tensor, "b 3 s s"]
    guide: Float[Tensor, "b 3 s s"]
    turned: Float[Tensor, "b 3 s s"]
    damaged: Float[Tensor, "b 3 s s"]
    target: Float[Tensor, "b 1 s s"]
    face: Bool[Tensor, "b s s"]
    rotation: Float[Tensor, "b 3"]


@torch.no_grad()
def make_pairs(
    model: MorphableModel,
    photo: Float[Tensor, "b 3 s s"],
    coefficients: Coefficients,
    rotation: Float[Tensor, "b 3"],
    *,
    parser: FaceParser | None = None,
    rule: PairRule = RULES["release"],
    swap: bool = True,
    cover: Cover | None = None,
) -> SwapPairs:
    """Make a pair of each photo.

    Args:
        model: The face model.
        photo: Aligned crops, on the model's device.
        coefficients: Of the faces in them, by the regressor or the fit, in the default camera
            resized to the photos.
        rotation: Where the photos are turned to and back from (:func:`draw_rotations`).
        parser: Tells face and objects apart; by default the fitted face itself.
        rule: Of the paper or of its code.
        swap: Without, nothing is exchanged: the ablation of Section 4.
        cover: Occluders in front of the faces, in the renders of the photos and nowhere else.

    Raises:
        WrongFaceModel: The coefficients belong to another face model.
        ValueError: There are more or fewer faces than photos.
    """
    camera = Camera().resized(photo.shape[-1])
    shape = model.shape(coefficients)
    mesh = reconstruct(model, coefficients, shape)
    at = camera.project(mesh.vertices)
    fragments = rasterize(at, model.triangles, camera.size, camera.size)
    faces = FittedFaces(model, coefficients, camera)
    drawn = parse_drawn(fragments, faces)
    labels = drawn if parser is None else parser.parse(photo, faces)
    face, mode = fragments.coverage, rule.sampling

    def draw(colors: Tensor) -> Tensor:
        return interpolate(fragments, model.triangles, colors).contiguous().clamp_(0, 1)

    projected, estimated = draw(sample_photo(photo, at, mode)), draw(mesh.colors)
    clean = estimated if cover is None else draw(reconstruct(model, cover.coefficients).colors)
    objects = object_mask(photo, clean, face, labels, drawn, rule)
    if swap:
        swapped, guide = exchange(photo, projected, estimated, objects, face)
    else:
        swapped, guide = photo, estimated
    if cover is not None:
        swapped = put_over(swapped, photo, cover)
    away = place(shape, rotation, torch.zeros_like(coefficients.translation))
    colors = sample_photo(swapped, at, mode)
    turned = render(FaceMesh(away, colors, model.triangles), camera).image.clamp(0, 1)
    damaged = draw(_colors_again(turned, camera.project(away), mode))
    target = target_mask(damaged, guide, photo, objects, face, labels, drawn, rule)
    if cover is not None:
        target = hidden_too(target, face, cover)
    return SwapPairs(
        photo=photo,
        projected=projected,
        estimated=estimated,
        objects=objects,
        swapped=swapped,
        guide=guide,
        turned=turned,
        damaged=damaged,
        target=target,
        face=face,
        rotation=rotation,
    )


def exchange(
    photo: Float[Tensor, "b 3 s s"],
    projected: Float[Tensor, "b 3 s s"],
    estimated: Float[Tensor, "b 3 s s"],
    objects: Float[Tensor, "b 1 s s"],
    face: Bool[Tensor, "b s s"],
) -> tuple[Float[Tensor, "b 3 s s"], Float[Tensor, "b 3 s s"]]:
    """Exchange what hides the face (Eq. 6).

    Args:
        photo: I.
        projected: R_p.
        estimated: R_e.
        objects: M_obj.
        face: Where R_p and R_e are drawn: nothing is pasted beside it.

    Returns:
        R_ps, the photo with the estimated face where objects were, and R_es, the estimated face
        with the objects, smoothed where the mask is.
    """
    from kornia.morphology import dilation

    square = torch.ones(3, 3, device=objects.device)
    soft = box(dilation(objects, square), 3) * face[:, None]
    swapped = photo * (1 - soft) + estimated * soft
    guide = estimated * (1 - objects) + projected * objects
    return swapped, guide * (1 - soft) + soft * box(guide, 3)


def draw_rotations(
    fitted: Float[Tensor, "b 3"], rngs: "list[np.random.Generator]"
) -> Float[Tensor, "b 3"]:
    """Draw the pose that each photo is turned to: up to 90° of yaw away, 15° of pitch and roll.

    Args:
        fitted: Pitch, yaw, roll of the photos in radians.
        rngs: One a photo.

    Returns:
        No more than 90° of yaw and 30° of the others.
    """
    step = np.stack([one.uniform(-1, 1, 3) for one in rngs]) * _STEP
    limit = fitted.new_tensor(_FARTHEST)
    return (fitted + torch.from_numpy(step).to(fitted)).clamp(-limit, limit)


def _colors_again(
    picture: Float[Tensor, "b 3 s s"], at: Float[Tensor, "b v 3"], mode: str
) -> Float[Tensor, "b v 3"]:
    """The vertices' colours in a picture of themselves, black where they are outside of it."""
    size = picture.shape[-1]
    inside = inside_photo(at, size, size)[..., None]
    return sample_photo(picture, at, "nearest" if mode == "nearest" else "bilinear") * inside
