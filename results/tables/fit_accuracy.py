"""How well a fit without a network finds pose, and what it says about covered skin.

Two worlds: renders of the model's own random faces, whose truth is known, and photos of
AFLW2000-3D with their labelled points, whose ``Pose_Para`` is itself the result of a fit.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from protocols.aflw2000 import HOW_IMAGES, image_folder, load_folder
from protocols.errors import BadOption, DatasetUnavailable
from protocols.roots import require_root
from protocols.types import LandmarkProtocol
from results.environment import current_environment
from results.record import Cell, RunRecord
from results.tables.result import Result

if TYPE_CHECKING:  # PyTorch is imported when something is computed
    from torch import Generator, Tensor

    from cfr.morphable.model import MorphableModel
    from cfr.types import Coefficients

RENDERS = "renders"
ROWS = (
    "yaw, median",
    "yaw, 95th percentile",
    "pitch, median",
    "pitch without its offset",
    "roll, median",
    "whole rotation, median",
)
CLOSER = "R_e closer than R_p, %"
_BATCH = 50
_NOISE = 1.0
_NO_PHOTO = "no photo of this bin is there"


@dataclass(frozen=True)
class FitAccuracy:
    """Errors of the fit (degrees) on renders and on AFLW2000-3D by yaw bin; covered skin."""

    model: str = "builtin"
    """The face model, as draw_model.py knows it; without a texture it gets a made-up one."""
    model_root: Path | None = None
    """Its folder or file; beats CFR_DATA, data.toml and data/NAME."""
    root: Path | None = None
    """Folder of AFLW2000-3D; beats CFR_DATA, data.toml and data/aflw2000."""
    subset: Path | None = None
    """Photos of AFLW2000-3D, one name a line; a partial copy of the folder needs it."""
    renders: int = 500
    """Random faces, yaw within ±60°, pitch within ±20°, roll within ±15°."""
    seed: int = 0
    """Seed of the random faces and of what covers them."""

    def __post_init__(self) -> None:
        """Refuse what no median could be taken of."""
        if self.renders < 1:
            raise BadOption(f"--renders {self.renders}", "at least 1")
        if self.seed < 0:
            raise BadOption(f"--seed {self.seed}", "a number that is not negative")


def compute(config: FitAccuracy) -> Result:
    """Fit and compare.

    Raises:
        DatasetUnavailable: The face model is absent.
        BadInput: Labels or model are broken.
    """
    from cfr.morphable.sources import load_model
    from results.bench.faces import textured

    started = time.perf_counter()
    model = load_model(config.model, config.model_root)
    made_up = not model.layout().texture
    if made_up:
        model = textured(model, seed=config.seed)
    bins = ["0–30", "30–60", "60–90"]
    cells = list(_render_cells(model, config))
    inputs: dict[str, str] = {}
    status = "complete"
    try:
        root = require_root("aflw2000", "AFLW2000-3D", HOW_IMAGES, config.root)
        protocol = load_folder(root, subset=config.subset)
    except DatasetUnavailable as error:
        cells += _absent(bins, (*ROWS, CLOSER), str(error))
        status = "without AFLW2000-3D"
    else:
        cells += _photo_cells(model, protocol)
        if made_up:
            cells += _absent(bins, (CLOSER,), "the model has no texture of its own")
        else:
            cells += _covered_cells(model, protocol, image_folder(root), config)
        # Thousands of small files: the protocol's digest names their content.
        inputs = {"AFLW2000-3D (points and subset)": protocol.digest}
        status = status if protocol.complete else f"a subset of {len(protocol.images)} images"
    record = RunRecord(
        table="fit",
        title="Fit without a network: absolute error, degrees",
        rule=f"renders: random faces of the model, their projected points with "
        f"{_NOISE:g} pixel of noise at 224²; photos: the 68 labelled points against Pose_Para, "
        f"bins by its |yaw|",
        columns=(RENDERS, *bins),
        rows=(*ROWS, CLOSER),
        cells=tuple(cells),
        notes=_notes(model, made_up=made_up),
        config={
            "model": config.model.partition(":")[0],
            "renders": config.renders,
            "seed": config.seed,
        },
        inputs=inputs | {"face model": model.digest},
        seed=config.seed,
        seconds=time.perf_counter() - started,
        environment=current_environment(),
        status=status,
    )
    return Result(record)


def _render_cells(model: "MorphableModel", config: FitAccuracy) -> Iterator[Cell]:
    """Known faces: the errors of their angles, and what the fit says under an occluder."""
    import torch

    from cfr.camera import rotation_matrix
    from results.bench.faces import photographed, projected_points, random_faces

    generator = torch.Generator().manual_seed(config.seed)
    found, true, closer = [], [], []
    for first in range(0, config.renders, _BATCH):
        count = min(_BATCH, config.renders - first)
        faces = random_faces(model, count, generator)
        points = projected_points(model, faces)
        points = points + _NOISE * torch.randn(points.shape, generator=generator)
        photo, there = photographed(model, faces, generator)
        fitted, better = _closer(model, points, photo, there, generator)
        found.append(fitted.rotation.double())
        true.append(faces.rotation.double())
        closer.append(better)
    origin = "measured on the synthetic world"
    angles = torch.cat(found), torch.cat(true)
    turned, expected = (rotation_matrix(one).numpy() for one in angles)
    errors = _errors(angles[0].numpy(), angles[1].numpy())
    for row, value in _summary(errors, _between(turned, expected)).items():
        yield Cell(row, RENDERS, value, origin, n=config.renders)
    share = 100 * float(np.concatenate(closer).mean())
    yield Cell(CLOSER, RENDERS, share, origin, n=config.renders)


def _closer(
    model: "MorphableModel",
    points: "Tensor",
    photo: "Tensor",
    there: "Tensor",
    generator: "Generator",
) -> "tuple[Coefficients, np.ndarray]":
    """Fit to covered photos; whether R_e is closer than R_p to the clean face under the cover.

    R_p has the covered photo's own colours, R_e the lit texture that was estimated. Both have the
    same shape and pose, so only colours are compared: mean absolute difference, all channels.
    """
    from cfr.camera import Camera
    from cfr.fit import fit
    from cfr.mesh import reconstruct
    from cfr.render.shading import render
    from cfr.texture import sample_photo
    from results.bench.faces import occluded

    covered, cover = occluded(photo, there, generator)
    found = fit(model, points, covered)
    estimated = reconstruct(model, found)
    colors = sample_photo(covered, Camera().project(estimated.vertices))
    drawn = render(estimated)
    area = cover & there & drawn.coverage
    far = [
        ((image - photo).abs().mean(1) * area).sum((1, 2))
        for image in (drawn.image, render(replace(estimated, colors=colors)).image)
    ]
    return found, (far[0] < far[1]).numpy()


def _photo_cells(model: "MorphableModel", protocol: LandmarkProtocol) -> Iterator[Cell]:
    """Labelled points of photos: the errors against their published pose, by yaw bin."""
    import torch

    from cfr.align import align_deep3d, five_from_68
    from cfr.camera import rotation_matrix
    from cfr.fit import fit_points

    points = [align_deep3d(five_from_68(one)).to_crop(one) for one in protocol.landmarks]
    batches = torch.from_numpy(np.stack(points)).float().split(_BATCH)
    rotation = torch.cat([fit_points(model, batch).rotation for batch in batches])
    if protocol.pose is None:
        raise ValueError("the protocol holds no pose")
    found, published = rotation_matrix(rotation.double()).numpy(), pose_rotation(protocol.pose)
    errors, apart = _errors(published_angles(found), protocol.pose), _between(found, published)
    # What a model calls a level head is one offset for all bins.
    offset = float(np.median(errors[:, 0]))
    for name, rows in protocol.subsets.items():
        if not len(rows):
            yield from _absent([name], ROWS, _NO_PHOTO)
            continue
        for row, value in _summary(errors[rows], apart[rows], offset).items():
            yield Cell(row, name, value, "measured on real data", n=len(rows))


def _covered_cells(
    model: "MorphableModel", protocol: LandmarkProtocol, folder: Path, config: FitAccuracy
) -> Iterator[Cell]:
    """Photos with something put in front of the face: how often R_e is closer, by yaw bin."""
    import torch

    from cfr.align import align_deep3d, five_from_68
    from cfr.fit import fit_points
    from cfr.mesh import reconstruct
    from cfr.render.shading import render
    from protocols.images import read_image

    generator = torch.Generator().manual_seed(config.seed)
    closer = np.zeros(len(protocol.images))
    for row, (name, labelled) in enumerate(zip(protocol.images, protocol.landmarks, strict=True)):
        alignment = align_deep3d(five_from_68(labelled))
        crop = alignment.crop(read_image(folder / f"{name}.jpg"))
        photo = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
        points = torch.from_numpy(alignment.to_crop(labelled)).float()[None]
        there = render(reconstruct(model, fit_points(model, points))).coverage
        closer[row] = _closer(model, points, photo, there, generator)[1].item()
    for name, rows in protocol.subsets.items():
        if not len(rows):
            yield from _absent([name], (CLOSER,), _NO_PHOTO)
            continue
        share = 100 * float(closer[rows].mean())
        yield Cell(CLOSER, name, share, "measured on real data", n=len(rows))


def pose_rotation(pose: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """What ``Pose_Para`` means, for column vectors, y up: Rx(−pitch) · Ry(−yaw) · Rz(−roll).

    Source: ``RotationMatrix.m`` of the 3DDFA release, whose elementary rotations are transposed.
    The other signs, and the other order, are two to eighteen times as far from fits of the labelled
    points.

    Args:
        pose: Pitch, yaw, roll in radians.
    """
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("XYZ", -pose).as_matrix()


def published_angles(rotation: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "n 3"]:
    """Pitch, yaw, roll in radians as ``Pose_Para`` counts them: the inverse, yaw within ±90°."""
    yaw = -np.arcsin(rotation[:, 0, 2].clip(-1, 1))
    pitch = np.arctan2(rotation[:, 1, 2], rotation[:, 2, 2])
    roll = np.arctan2(rotation[:, 0, 1], rotation[:, 0, 0])
    return np.stack((pitch, yaw, roll), axis=1)


def _errors(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """``(n, 3)`` differences of angles in degrees, within ±180."""
    return (np.degrees(found - true) + 180) % 360 - 180


def _between(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """``(n,)`` angles in degrees between rotations."""
    cosine = (np.einsum("nij,nij->n", found, true) - 1) / 2
    return np.degrees(np.arccos(cosine.clip(-1, 1)))


def _summary(errors: np.ndarray, apart: np.ndarray, offset: float = 0.0) -> dict[str, float]:
    """The rows of one column, by name."""
    size = np.abs(errors)
    values = (
        np.median(size[:, 1]),
        np.percentile(size[:, 1], 95),
        np.median(size[:, 0]),
        np.median(np.abs(errors[:, 0] - offset)),
        np.median(size[:, 2]),
        np.median(apart),
    )
    return {row: float(value) for row, value in zip(ROWS, values, strict=True)}


def _absent(columns: list[str], rows: tuple[str, ...], reason: str) -> list[Cell]:
    return [
        Cell(row, column, None, "unavailable", reason=reason) for row in rows for column in columns
    ]


def _notes(model: "MorphableModel", *, made_up: bool) -> tuple[str, ...]:
    notes = [
        f"Face model: {model}.",
        "Pose_Para is the result of a fit of another model: an error is a disagreement. Its "
        "rotation is Rx(−pitch) · Ry(−yaw) · Rz(−roll); ours are compared in the same angles, "
        "which near ±90° of yaw say little about pitch and roll: see the whole rotation.",
        "The offset of pitch is its median over all photos: what a model calls a level head.",
        f"'{CLOSER}': a patch of any colour or a hand of the skin's colour hides 10 to 40 % of "
        "each face; mean absolute difference to the clean picture under it. Both are drawn in the "
        "fitted shape and pose.",
        "Renders come from the model that is fitted, so they show what the method can do at best; "
        "their skin has detail that the model does not know.",
    ]
    if made_up:
        notes.append("This model has no texture: smooth made-up modes stand for it.")
    return tuple(notes)
