"""Fig. 5: (a) rotation and de-occlusion at once, in several poses; (b) de-occlusion alone."""

import math

import numpy as np

from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.frontalizers.poses import Pose
from cfr.pictures import resized, resized_mask
from results.export.work import Show
from results.pictures.grid import Part, Row
from results.pictures.networks import called, painting
from results.pictures.options import Fig5
from results.pictures.types import CLEAR, Chosen, Drawing, Face


def draw(config: Fig5, chosen: Chosen, device: str, show: Show) -> Drawing:
    """Turn each face to every pose, and clear its photo.

    Raises:
        DatasetUnavailable: Weights are absent.
        BadInput: They are damaged.
    """
    ours = painting(config.weights, device, config.size)
    turned, cleared = [], []
    with show("restoring", len(chosen.faces)) as advance:
        for face in chosen.faces:
            turned.append(_turned(ours, face, config))
            cleared.append(_cleared(ours, face, config.size))
            advance(1)
    return Drawing(
        title="Rotation and de-occlusion by CFR-GAN (after the paper's Fig. 5)",
        parts=[
            Part("(a) Rotation and de-occlusion at once", turned),
            Part("(b) De-occlusion alone, in the photo's own pose", cleared),
        ],
        told=[
            "(a) Pitch 5°; beside the face the network's picture means nothing. (b) G: what the "
            "network paints in the photo's own pose; M: what it takes for hidden; the result is "
            "M · G + (1 − M) · I, with soft edges."
        ],
        weights=called(ours, config.weights),
    )


def _turned(ours: CfrGanFrontalizer, face: Face, config: Fig5) -> Row:
    poses = [Pose(math.radians(one), ours.pitch) for one in config.yaws]
    many = [face.photo] * len(poses), [face.points] * len(poses)
    found = ours.restore_many(*many, poses)
    pictures = {"photo": face.crop(config.size)}
    for yaw, one in zip(config.yaws, found, strict=True):
        pictures[f"yaw {yaw:+g}°".replace("-", "−") if yaw else "yaw 0°"] = one.image
    return Row(face.name, pictures)


def _cleared(ours: CfrGanFrontalizer, face: Face, size: int) -> Row:
    one = ours.in_place([face.photo], [face.points])[0]
    result = ours.deocclude(face.photo, face.points)
    pictures = {
        "photo I": face.crop(size),
        "render R_p": resized(one.projected, size),
        "painted G": resized(one.painted, size),
    }
    if one.occlusion is not None:
        mask = resized_mask(one.occlusion, size)
        pictures["mask M"] = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    pictures["M · G + (1 − M) · I"] = face.alignment(size).crop(result.photo)
    truths = face.truths(size)
    if CLEAR in truths:
        pictures[CLEAR] = truths[CLEAR]
    return Row(face.name, pictures)
