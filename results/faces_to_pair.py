"""Faces of photos, ready for pairs to be made of them: found, aligned, fitted."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from cfr.pictures import to_float
from cfr.regressor.landmarks import project_landmarks, rescaled
from cfr.regressor.network import RNet
from cfr.types import Coefficients
from protocols.errors import BadInput
from protocols.images import decode_image
from results.pair_orders import PairOrder, PhotoToPair, face_model, landmarker, regressor
from results.pair_renders import draw_person

WORST = 4.0
"""A photo whose points the fit misses by more pixels of a 224 crop, on average, is left out; a jaw
that slides does not count."""
_ON_THE_HEAD = ("tddfa",)  # whose jaw points stay on the same spot of the head
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


def find_face(
    order: PairOrder, photo: PhotoToPair, source: int, report: ShardReport
) -> FaceInPhoto:
    """Read a photo and align the face nearest to its middle.

    Raises:
        ValueError: It has no face, or its points are not finite or in one place.
        BadInput: It is damaged, or its source gives five points alone.
    """
    contour: Contour = "fixed"
    if photo.person is not None:
        with report.spent("rendering"):
            image, points = draw_person(order, photo.person)
            content = image.tobytes()
    else:
        with report.spent("reading"):
            content = _read(photo.path)
            image = decode_image(content, photo.path)
        points = photo.points
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
    found, camera = fit_faces(order, faces), Camera().resized(order.size)
    points = torch.from_numpy(np.stack([face.points for face in faces])).float().to(order.device)
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


def fit_faces(order: PairOrder, faces: Sequence[FaceInPhoto]) -> Coefficients:
    """The face model fitted to the crops, on the order's device.

    Args:
        order: With the face model.
        faces: At least one.
    """
    model, camera = face_model(order.model, order.device), Camera().resized(order.size)
    photos = to_float(np.stack([face.crop for face in faces]), order.device)
    points = torch.from_numpy(np.stack([face.points for face in faces])).float().to(order.device)
    return _fitted(model, points, photos, camera, [face.contour for face in faces])


def _estimated(order: PairOrder, image: np.ndarray, path: Path) -> Float64[np.ndarray, "68 2"]:
    with _ONE_AT_A_TIME:
        faces = landmarker(order)(image, path)
    if not faces:
        raise ValueError("no face was found")
    return choose(faces, (image.shape[0], image.shape[1]), "centre", path)[0].require_68(path)


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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(path, "", "a photo", error.strerror or str(error)) from error
