"""Where a frontalizer's coefficients come from: a fit to the points, or the regressor."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from cfr.align import Alignment, align_deep3d, five_from_68
from cfr.camera import Camera
from cfr.fit import FitSettings, fit
from cfr.fit.contour import JAW
from cfr.morphable.model import MorphableModel
from cfr.pictures import to_float
from cfr.regressor.network import RNet
from cfr.regressor.weights import load
from cfr.types import Coefficients
from protocols.errors import DatasetUnavailable
from protocols.roots import is_file, project_root
from protocols.types import InputFile

_REGRESSOR = "regressor-stage2.safetensors"


@dataclass(frozen=True, eq=False)
class AlignedFaces:
    """Faces of photos, each with its crop.

    Attributes:
        photos: uint8 RGB, of any sizes.
        points: ``(68, 2)`` each, in the photos' pixels.
        alignments: From each photo to its crop.
        crops: The crops.
        picture: The same as a batch, RGB in [0, 1].
    """

    photos: Sequence[UInt8[np.ndarray, "_ _ 3"]]
    points: Sequence[Float64[np.ndarray, "68 2"]]
    alignments: Sequence[Alignment]
    crops: Sequence[UInt8[np.ndarray, "s s 3"]]
    picture: Float[Tensor, "b 3 s s"]

    @property
    def camera(self) -> Camera:
        """What the crops were taken by."""
        return Camera().resized(self.picture.shape[-1])

    @property
    def at(self) -> Float[Tensor, "b 68 2"]:
        """The points in the crops."""
        pairs = zip(self.alignments, self.points, strict=True)
        inside = np.stack([alignment.to_crop(points) for alignment, points in pairs])
        return torch.from_numpy(inside).to(self.picture)

    def misses(self, landmarks: Float[Tensor, "b 68 _"]) -> list[float]:
        """How far each face's points lie from these on average, in pixels of a 224 crop.

        The jaw's do not count: detectors disagree on where a turned head's outline is.

        Args:
            landmarks: Where a fitted face model has its landmarks in the crops; x and y first.
        """
        apart = (landmarks[:, JAW:, :2] - self.at[:, JAW:]).norm(dim=-1).mean(dim=-1)
        return (apart * 224 / self.picture.shape[-1]).tolist()

    def resized(self, size: int) -> "AlignedFaces":
        """The same faces, cut again at another size."""
        if size == self.picture.shape[-1]:
            return self
        return align_faces(self.photos, self.points, size, self.picture.device)


def align_faces(
    photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    points: Sequence[Float64[np.ndarray, "68 2"]],
    size: int,
    device: torch.device,
) -> AlignedFaces:
    """Cut faces out of photos as Deep3D does.

    Args:
        photos: RGB.
        points: iBUG-68 points in their pixels.
        size: Pixels along each side of the crops.
        device: Where the batch goes.

    Raises:
        ValueError: Points are not finite, or lie in one place.
    """
    alignments = [align_deep3d(five_from_68(one), size) for one in points]
    crops = [one.crop(photo) for one, photo in zip(alignments, photos, strict=True)]
    picture = to_float(np.stack(crops), device)
    return AlignedFaces(photos, points, alignments, crops, picture)


@runtime_checkable
class CoefficientSource(Protocol):
    """What finds the coefficients of faces."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that decides what it answers, but the face model."""
        ...

    def __call__(self, model: MorphableModel, faces: AlignedFaces) -> Coefficients:
        """The coefficients of each face, for the default camera resized to the crops.

        Raises:
            ValueError: It cannot be done from these points.
        """
        ...


@dataclass(frozen=True)
class ByFit:
    """Fits the face model to the 68 points, and its texture and light to the crop.

    Attributes:
        settings: Of the fit; the points come from a detector, so the outline's slide.
    """

    settings: FitSettings = FitSettings(contour="sliding")  # noqa: RUF009 (frozen)

    @property
    def identity(self) -> Mapping[str, str]:
        """The settings."""
        return {"by": "fit", "settings": repr(asdict(self.settings))}

    def __call__(self, model: MorphableModel, faces: AlignedFaces) -> Coefficients:
        """See :class:`CoefficientSource`."""
        return fit(model, faces.at, faces.picture, faces.camera, self.settings)


@dataclass(frozen=True, eq=False)
class ByRegressor:
    """Asks a trained regressor; the points serve to cut its crop alone.

    Attributes:
        net: In evaluation mode, of the same face model, on its device.
        weights: sha256 of its file.

    Raises:
        ValueError: The network counts pixels otherwise, as published ones do.
    """

    net: RNet
    weights: str

    def __post_init__(self) -> None:
        """Refuse what would draw every face half a pixel off."""
        if self.net.offset != (0.0, 0.0):
            raise ValueError(f"a regressor with offset {self.net.offset}: expected none")

    @property
    def identity(self) -> Mapping[str, str]:
        """The weights."""
        return {"by": "regressor", "weights": self.weights}

    @torch.no_grad()
    def __call__(self, model: MorphableModel, faces: AlignedFaces) -> Coefficients:
        """See :class:`CoefficientSource`; a pixel's size is no part of coefficients."""
        return model.layout().split(self.net(faces.resized(self.net.size).picture))


def load_regressor(model: MorphableModel) -> ByRegressor:
    """The project's own regressor, on the face model's device.

    Raises:
        DatasetUnavailable: Its weights are absent.
        BadInput: They are damaged.
        WrongFaceModel: It was trained with another face model.
    """
    path = project_root() / "assets" / _REGRESSOR
    if not is_file(path):
        how = "It is trained by: python scripts/train_regressor.py stage2."
        raise DatasetUnavailable("the regressor stage2", path, how)
    net = load(path, model.layout()).to(model.mean_shape.device)
    return ByRegressor(net, InputFile.of(path).sha256)
