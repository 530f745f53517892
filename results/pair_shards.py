"""Photos to pairs, a shard at a time: find the face, fit, exchange, turn, write."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from cfr.align import Alignment, align_deep3d, five_from_68
from cfr.camera import Camera
from cfr.fit import FitSettings, fit
from cfr.fit.contour import JAW
from cfr.fit.settings import Contour
from cfr.landmarks.policy import choose
from cfr.morphable.model import MorphableModel
from cfr.pairs.making import PairMaker, pair_rng
from cfr.pairs.pictures import pictures_of
from cfr.pairs.shards import MadePair, shard_name, write_shard
from cfr.pictures import to_float
from cfr.regressor.landmarks import project_landmarks, rescaled
from cfr.regressor.network import RNet
from cfr.types import Coefficients
from protocols.errors import BadInput
from protocols.images import decode_image
from results.export.ground import one_thread
from results.pair_orders import (
    PairOrder,
    PhotoBlock,
    PhotoToPair,
    face_model,
    face_parser,
    landmarker,
    regressor,
)

WORST = 4.0
"""A photo whose points the fit misses by more pixels of a 224 crop, on average, is left out; a jaw
that slides does not count."""
_ON_THE_HEAD = ("tddfa",)  # whose jaw points stay on the same spot of the head
_AT_ONCE = {"cpu": 8, "cuda": 64}  # faces
_THREADS = {"cpu": 1, "cuda": 16}  # that read photos and encode pictures, for a GPU not to wait
_ONE_COUNTS = Lock()
_ONE_AT_A_TIME = Lock()  # detectors may keep something from one call to the next


@dataclass
class ShardReport:
    """How a shard went: pairs that were written, and seconds by what they were spent on."""

    pairs: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def spent(self, on: str) -> Iterator[None]:
        """Count the seconds within."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - begun
            with _ONE_COUNTS:
                self.seconds[on] = self.seconds.get(on, 0.0) + passed


@dataclass(frozen=True, eq=False)
class FaceInPhoto:
    """A face that pairs are made of.

    Attributes:
        source: Number of the photo.
        name: Of the photo.
        sha256: Likewise.
        crop: Aligned, RGB.
        points: ``(68, 2)`` in the crop's pixels.
        contour: What its jaw points are.
        given: The crop that the regressor wants, if there is one.
    """

    source: int
    name: str
    sha256: str
    crop: UInt8[np.ndarray, "s s 3"]
    points: Float64[np.ndarray, "68 2"]
    contour: Contour
    given: UInt8[np.ndarray, "n n 3"] | None


def make_shard(out: Path, order: PairOrder, block: PhotoBlock) -> ShardReport:
    """Make and write a shard; the same photos are the same bytes in every process.

    Raises:
        BadInput: A photo is damaged, or its source gives five points alone.
    """
    report, left_out = ShardReport(), {}
    with nullcontext() if order.device == "cuda" else one_thread():
        faces = list(_found(order, block, report, left_out))
        made, kept = [], []
        at_once = _AT_ONCE[order.device]
        for start in range(0, len(faces), at_once):
            with report.spent("coefficients"):
                some, found = describe(order, faces[start : start + at_once], left_out)
            if some:
                with report.spent("pairs"):
                    made += pair_faces(order, some, found)
                kept.append(found.rows([at for at in range(len(some)) for _ in range(order.each)]))
        with report.spent("writing"):
            write_shard(
                out / shard_name(block.number),
                made,
                _joined(kept),
                left_out,
                _THREADS[order.device],
            )
    report.pairs = len(made)
    return report


def _found(
    order: PairOrder, block: PhotoBlock, report: ShardReport, left_out: dict[str, str]
) -> Iterator[FaceInPhoto]:
    """The faces of a block, in order; photos without one are added to ``left_out``."""

    def find(numbered: tuple[int, PhotoToPair]) -> FaceInPhoto | str:
        try:
            return find_face(order, numbered[1], numbered[0], report)
        except ValueError as error:  # no face, or points that are no numbers or in one place
            return str(error)

    numbered = enumerate(block.photos, block.first)
    # On a CPU in this very thread: PyTorch has been told how many others it may use.
    pool = ThreadPoolExecutor(_THREADS[order.device]) if order.device == "cuda" else nullcontext()
    with pool as threads:
        found = threads.map(find, numbered) if threads else map(find, numbered)
        for photo, face in zip(block.photos, found, strict=True):
            if isinstance(face, str):
                left_out[photo.name] = face
            else:
                yield face


def find_face(
    order: PairOrder, photo: PhotoToPair, source: int, report: ShardReport
) -> FaceInPhoto:
    """Read a photo and align the face nearest to its middle.

    Raises:
        ValueError: It has no face, or its points are not finite or in one place.
        BadInput: It is damaged, or its source gives five points alone.
    """
    with report.spent("reading"):
        content = _read(photo.path)
        image = decode_image(content, photo.path)
    points, contour = photo.points, "fixed"
    if points is None:
        with report.spent("landmarks"):
            points = _estimated(order, image, photo.path)
        contour = "fixed" if order.landmarks in _ON_THE_HEAD else "sliding"
    with report.spent("alignment"):
        alignment, net = align_deep3d(five_from_68(points), order.size), regressor(order)
        return FaceInPhoto(
            source=source,
            name=photo.name,
            sha256=hashlib.sha256(content).hexdigest(),
            crop=alignment.crop(image),
            points=alignment.to_crop(points),
            contour=contour,
            given=None if net is None else _for_network(alignment, net).crop(image),
        )


@torch.no_grad()
def describe(
    order: PairOrder, faces: Sequence[FaceInPhoto], left_out: dict[str, str]
) -> tuple[list[FaceInPhoto], Coefficients]:
    """The coefficients of faces, on the CPU; those that the fit misses are left out.

    Args:
        order: By what.
        faces: At least one.
        left_out: Photo → why; is added to.
    """
    model, net = face_model(order.model, order.device), regressor(order)
    if net is not None:
        crops = np.stack([face.given for face in faces if face.given is not None])
        return list(faces), net.layout.split(net(to_float(crops, order.device))).to("cpu")
    camera = Camera().resized(order.size)
    photos = to_float(np.stack([face.crop for face in faces]), order.device)
    points = torch.from_numpy(np.stack([face.points for face in faces])).float().to(order.device)
    found = _fitted(model, points, photos, camera, [face.contour for face in faces])
    apart = (project_landmarks(model, found, camera) - points).norm(dim=-1).cpu()
    good = []
    for at, face in enumerate(faces):
        first = 0 if face.contour == "fixed" else JAW
        miss = float(apart[at, first:].mean()) * 224 / order.size
        if miss <= WORST:
            good.append(at)
        else:
            left_out[face.name] = f"the fit misses the points by {miss:.1f} pixels of a 224 crop"
    return [faces[at] for at in good], found.to("cpu").rows(good)


def pair_faces(
    order: PairOrder, faces: Sequence[FaceInPhoto], coefficients: Coefficients
) -> list[MadePair]:
    """Turn each face to ``order.each`` random poses and back.

    Args:
        order: How.
        faces: At least one.
        coefficients: A row a face, on the CPU.
    """
    model, parser = face_model(order.model, order.device), face_parser(order)
    make = PairMaker(model, order.preset, order.swap, parser)
    photos = to_float(np.stack([face.crop for face in faces]), order.device)
    found, made = coefficients.to(order.device), {}
    for turn in range(order.each):
        rngs = [pair_rng(order.seed, face.source, turn) for face in faces]
        pairs = make(photos, found, rngs)
        degrees = np.degrees(pairs.rotation.cpu().double().numpy()).round(4)
        for face, pictures, angles in zip(faces, pictures_of(pairs), degrees, strict=True):
            number = face.source * order.each + turn
            pitch, yaw, roll = angles.tolist()
            made[number] = MadePair(
                pictures=pictures,
                name=f"{number:05d}",
                source=face.source,
                photo=face.name,
                photo_sha256=face.sha256,
                rotation_degrees=(pitch, yaw, roll),
            )
    return [made[number] for number in sorted(made)]


def _estimated(order: PairOrder, image: np.ndarray, path: Path) -> Float64[np.ndarray, "68 2"]:
    with _ONE_AT_A_TIME:
        faces = landmarker(order)(image, path)
    if not faces:
        raise ValueError("no face was found")
    face = choose(faces, (image.shape[0], image.shape[1]), "centre", path)[0]
    if face.points is None:
        raise BadInput(path, "", "68 points", f"five, by {face.found_by}")
    return face.points


def _for_network(alignment: Alignment, net: RNet) -> Alignment:
    """The network's crop, so moved that its pixels count as the camera's do."""
    own = rescaled(alignment, net.size)
    matrix = own.matrix + np.array([[0, 0, net.offset[0]], [0, 0, net.offset[1]]])
    return replace(own, matrix=matrix)


def _fitted(
    model: MorphableModel,
    points: Float[Tensor, "b 68 2"],
    photos: Float[Tensor, "b 3 s s"],
    camera: Camera,
    contours: Sequence[Contour],
) -> Coefficients:
    """The fit of each face; faces whose points mean the same are fitted at once."""
    rows: dict[int, Tensor] = {}
    layout = model.layout()
    for contour in dict.fromkeys(contours):
        at = [index for index, one in enumerate(contours) if one == contour]
        found = fit(model, points[at], photos[at], camera, FitSettings(contour=contour))
        rows |= dict(zip(at, layout.join(found), strict=True))
    return layout.split(torch.stack([rows[index] for index in range(len(contours))]))


def _joined(parts: Sequence[Coefficients]) -> Coefficients | None:
    if not parts:
        return None
    named = [part.parts() for part in parts]
    joined = {name: torch.cat([one[name] for one in named]) for name in named[0]}
    return Coefficients(**joined, model=parts[0].model)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(path, "", "a photo", error.strerror or str(error)) from error
