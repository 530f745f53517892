"""AFLW2000-3D of made-up people: photos of 450 × 450 with ``.mat`` files, one person each.

The complete set has the bins of the paper's Table 4, and the npy labels that table reads. A smaller
one is a part of it: its root lists all 2,000 names, and ``subset.txt`` those that are there.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from cfr.synthetic.quality import Quality
from cfr.synthetic.shots import Shot
from protocols.aflw2000 import IMAGES
from results.synthetic.casting import Cast, Look, some
from results.synthetic.options import Scale
from results.synthetic.plan import Photo, SetPlan, Truth, write_file, write_text
from results.synthetic.seeds import plan_rng
from results.synthetic.shares import AFLW2000, FEW_KINDS

SIZES = {"tiny": 40, "small": 120, "mini": 200, "full": IMAGES}
FOLDER = "AFLW2000-3D"
SUBSET = "subset.txt"
LOOK = Look(
    size=450,
    zoom=(0.5, 0.62),
    bins=AFLW2000,
    kinds=FEW_KINDS,
    quality=Quality(noise=1.0, kept=0.3, exposure=0.1),
    pitch=9.0,
    roll=8.0,
)


def plan(scale: Scale, world: int, why: str) -> SetPlan:
    """What is to be drawn; ``why`` has no place in this format."""
    count = SIZES[scale]
    shots = Cast("aflw2000", world, LOOK).shots(plan_rng("aflw2000", world), range(count))
    published = np.array([shot.pose_degrees for shot in shots])
    photos = [
        Photo(f"{FOLDER}/{_name(at)}.jpg", _turned(shot, pose))
        for at, (shot, pose) in enumerate(zip(shots, published, strict=True))
    ]
    return SetPlan(
        "aflw2000", photos, partial(_finish, np.radians(published)), {"": some(count, 32)}
    )


def _name(at: int) -> str:
    return f"image{2 * at + 2:05d}"


def _turned(shot: Shot, pose: Float64[np.ndarray, "3"]) -> Shot:
    """A shot whose pose, in degrees, was meant as ``Pose_Para`` counts angles."""
    from dataclasses import replace

    import torch

    from cfr.fit.pose import rotation_angles
    from results.tables.fit_accuracy import pose_rotation

    rotation = torch.from_numpy(pose_rotation(np.radians(pose)[None]))
    pitch, yaw, roll = np.degrees(rotation_angles(rotation)[0].numpy()).tolist()
    return replace(shot, pose_degrees=(pitch, yaw, roll))


def _finish(pose: Float64[np.ndarray, "n 3"], root: Path, truth: Truth) -> None:
    names = [_name(at) for at in range(IMAGES)]
    write_text(root / "AFLW2000-3D_crop.list", [f"{name}.jpg" for name in names])
    space = np.concatenate((truth.points, -truth.depth[..., None]), axis=2).transpose(0, 2, 1)
    for name, points, angles in zip(names, space, pose, strict=False):
        _write_mat(root / FOLDER / f"{name}.mat", points, angles)
    if len(pose) < IMAGES:
        write_text(root / SUBSET, names[: len(pose)])
        return
    labels = root / "labels"
    labels.mkdir(exist_ok=True)
    np.save(labels / "AFLW2000-3D.pts68.npy", space.astype(np.float32))
    yaw = np.degrees(pose[:, 1]).astype(np.float32)
    np.save(labels / "AFLW2000-3D-new.pose.npy", yaw)


def _write_mat(path: Path, points: np.ndarray, angles: Sequence[float] | np.ndarray) -> None:
    """As the official files have it: pitch, yaw, roll, place, scale; points with their depth."""
    import io

    from scipy.io import savemat

    low, high = points[:2].min(1), points[:2].max(1)
    middle, scale = (low + high) / 2, np.sqrt(np.prod(high - low)) / 1000
    para = np.array([[*angles, *middle, 0.0, scale]], np.float32)
    buffer = io.BytesIO()
    savemat(buffer, {"pt3d_68": points.astype(np.float32), "Pose_Para": para})
    content = buffer.getvalue()
    write_file(path, b"MATLAB 5.0 MAT-file, made up".ljust(116) + content[116:])
