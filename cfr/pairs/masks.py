"""Which pixels of a face are hidden by an object, and which are to be repaired.

Ju et al., Complete Face Recovery GAN, WACV 2022, Section 3.2 and Eq. 5; ``generate_pairs.py`` of
yeongjoonJu/CFR-GAN. Pictures are RGB in [0, 1]. Where the published code takes dark grey for the
outside of the face, here the renderer says where the face is: dark skin, an open mouth and black
glasses are on it.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from cfr.filters import box
from cfr.occlusion import difference, look_at
from cfr.pairs.rules import PairRule
from cfr.parsing.types import FACE, Label

_EYES = (Label.LEFT_EYE, Label.RIGHT_EYE)
_SOFT = (Label.LEFT_BROW, Label.RIGHT_BROW, Label.UPPER_LIP, Label.LOWER_LIP)
_OF_SOFT = 0.6  # what a difference on brows and lips counts
_CLOSED = 0.5  # an eye is closed if so much of the drawn one is skin in the photo
_AROUND_EYES = 5
_CLEAN, _OF_CLEAN = 0.09, 0.1  # a face with less hidden is clean; its mask then counts so much
_NEARLY = 0.1  # added before a mask is rounded to be counted
_RIM, _RIM_BLUR, _RIM_MOST = 2, 7, 0.8


def object_mask(
    photo: Float[Tensor, "b 3 s s"],
    guide: Float[Tensor, "b 3 s s"],
    face: Bool[Tensor, "b s s"],
    labels: Int64[Tensor, "b s s"],
    drawn: Int64[Tensor, "b s s"],
    rule: PairRule,
) -> Float[Tensor, "b 1 s s"]:
    """Where objects hide the face in a photo, from 0 to 1: M_obj.

    The photo is compared with the estimated face pasted into it. Pixels that the parser calls an
    object count as well. A face of which less than 9 % would be hidden is taken for clean, and a
    tenth of its mask is left. A rule may leave the comparison out.

    Args:
        photo: The aligned crop.
        guide: The estimated face R_e in its own pose.
        face: Where that is drawn.
        labels: What a parser sees in the photo (:class:`cfr.parsing.types.Label`).
        drawn: What the guide shows.
        rule: Of the paper or of its code.
    """
    eyes = eye_region(labels, drawn)
    found, of = torch.zeros_like(photo[:, :1]), rule.difference
    if rule.compared:
        composite = torch.where(face[:, None], guide, photo)
        found = difference(photo, composite, of.alpha, graded=of.graded).round()
    found = found.masked_fill((eyes | (labels == Label.INNER_MOUTH))[:, None], 0)
    found = torch.where(_among(labels, _SOFT)[:, None], _OF_SOFT * found, found)
    found = found + _coarse(face, labels, eyes, rule)
    found = found.clamp(0, 1) * face[:, None]
    hidden = (found + _NEARLY).round().sum((1, 2, 3)) / face.sum((1, 2)).clamp_min(1)
    clean = hidden < _CLEAN
    return torch.where(clean[:, None, None, None], _OF_CLEAN * found, found)


def target_mask(
    damaged: Float[Tensor, "b 3 s s"],
    guide: Float[Tensor, "b 3 s s"],
    photo: Float[Tensor, "b 3 s s"],
    objects: Float[Tensor, "b 1 s s"],
    face: Bool[Tensor, "b s s"],
    labels: Int64[Tensor, "b s s"],
    drawn: Int64[Tensor, "b s s"],
    rule: PairRule,
) -> Float[Tensor, "b 1 s s"]:
    """What the generator has to repair: objects, and what turning has lost.

    Args:
        damaged: R_psr.
        guide: R_es, with the photo's objects in it.
        photo: The aligned crop; only its eyes are looked at.
        objects: Of :func:`object_mask`.
        face: Where the pair is drawn; 0 elsewhere, and in a narrow band along its border.
        labels: Of the photo.
        drawn: Of the estimated face.
        rule: Of the paper or of its code.

    Returns:
        0 or 1; with a rule that is not binary a quarter of the objects' mask joins three quarters
        of that: 0, 0.15, 0.25, 0.75, 0.9 or 1 as a rule.
    """
    eyes, of = eye_region(labels, drawn), rule.difference
    seen = look_at(damaged)
    apart = difference(seen, guide, of.alpha, graded=of.graded)
    apart_in_eyes = difference(seen, photo, of.alpha_of_eyes, graded=of.graded)
    found = torch.where(eyes[:, None], apart_in_eyes, apart) + _coarse(face, labels, eyes, rule)
    found = (found.clamp(0, 1) * face[:, None] * ~_rim(face)).round()
    return found if rule.binary else (3 * found + objects) / 4


def eye_region(
    labels: Int64[Tensor, "b s s"], drawn: Int64[Tensor, "b s s"]
) -> Bool[Tensor, "b s s"]:
    """The eyes of a photo, five pixels wide around them; where they are closed, the drawn ones'."""
    from kornia.morphology import dilation

    eyes, of_model = _among(labels, _EYES), _among(drawn, _EYES)
    lids = (of_model & (labels == Label.SKIN)).sum((1, 2)) / of_model.sum((1, 2)).clamp_min(1)
    eyes = eyes | (of_model & (lids >= _CLOSED)[:, None, None])
    around = torch.ones(_AROUND_EYES, _AROUND_EYES, device=eyes.device)
    return dilation(eyes[:, None].float(), around)[:, 0] > 0


def _coarse(
    face: Bool[Tensor, "b s s"],
    labels: Int64[Tensor, "b s s"],
    eyes: Bool[Tensor, "b s s"],
    rule: PairRule,
) -> Float[Tensor, "b 1 s s"]:
    """1 where the parser sees an object on the face."""
    if rule.objects is None:
        objects = ~_among(labels, tuple(FACE))
    else:
        objects = _among(labels, tuple(rule.objects))
    return (objects & face & ~eyes)[:, None].float()


def _rim(face: Bool[Tensor, "b s s"]) -> Bool[Tensor, "b 1 s s"]:
    """The border of the face, where a pair differs because it ends there."""
    from kornia.morphology import erosion

    outside = (~face)[:, None].float()
    near = box(erosion(outside, torch.ones(_RIM, _RIM, device=face.device)), _RIM_BLUR)
    return (near > 0) & (near < _RIM_MOST)


def _among(labels: Int64[Tensor, "b s s"], some: tuple[Label, ...]) -> Bool[Tensor, "b s s"]:
    table = torch.zeros(len(Label), dtype=torch.bool, device=labels.device)
    table[[one.value for one in some]] = True
    return table.index_select(0, labels.reshape(-1)).view(labels.shape)
