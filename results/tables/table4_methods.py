"""What places the 68 points in Table 4: regressors, 3DDFA-V2, the fit, and two controls.

A method is given views alone (:class:`results.tables.table4_crops.View`): pixels, a crop, and what
a detector found. It never meets a label; the second control, which has to, is no method.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64

from cfr.align import align_deep3d, five_from_68
from cfr.camera import Camera
from cfr.fit import FitSettings, fit_points
from cfr.landmarks.face import FoundFace
from cfr.landmarks.tddfa import Regressor, square_of_points
from cfr.landmarks.with_dlib import Predictor68
from cfr.morphable.model import MorphableModel
from cfr.regressor.landmarks import points_in_photos, project_landmarks
from protocols.errors import BadInput
from results.tables.table4_crops import CROP_SIZE, View

if TYPE_CHECKING:
    from cfr.regressor.network import RNet

IN_CROP = "mean face in the crop"
FITTED_TO_FIVE = "mean face fitted to five ground-truth points"
TDDFA = "3DDFA-V2"
TDDFA_TO_FIVE = f"{TDDFA}'s {FITTED_TO_FIVE}"


@runtime_checkable
class Method(Protocol):
    """Places 68 points.

    Attributes:
        name: The row.
        identity: What decides its answers, beside the code and the views.
        files: Its weights.
    """

    @property
    def name(self) -> str:
        """The row."""
        ...

    @property
    def identity(self) -> Mapping[str, str]:
        """What decides its answers, beside code, weights and views."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """Its weights."""
        ...

    def __call__(self, views: Sequence[View]) -> Float64[np.ndarray, "n 68 2"]:
        """The points in the photos' pixels, not clamped to anything."""
        ...


@dataclass(frozen=True, eq=False)
class OfRegressor:
    """A regressor in its crop.

    Attributes:
        name: The row.
        net: In evaluation mode.
        model: The face model that it speaks of, on the same device.
        files: Its weight file.
    """

    name: str
    net: "RNet"
    model: MorphableModel
    files: tuple[Path, ...]

    @property
    def identity(self) -> Mapping[str, str]:
        """The face model and the device."""
        device = next(self.net.parameters()).device.type
        return {"method": "regressor", "face model": self.model.digest, "device": device}

    def __call__(self, views: Sequence[View]) -> Float64[np.ndarray, "n 68 2"]:
        """Crop, regress, project.

        Raises:
            BadInput: The network gives NaN or infinity.
        """
        photos = [view.photo for view in views]
        alignments = [view.alignment for view in views]
        found = points_in_photos(self.net, self.model, photos, alignments)
        if not np.isfinite(found).all():
            raise BadInput(self.files[0], "", "weights that place points", "NaN or infinity")
        return found


@dataclass(frozen=True, eq=False)
class MeanInCrop:
    """Control: the model's mean face, frontal, untranslated, whatever the photo shows.

    Attributes:
        model: The face model.
    """

    model: MorphableModel
    name: str = IN_CROP
    files: tuple[Path, ...] = ()

    @property
    def identity(self) -> Mapping[str, str]:
        """The face model."""
        return {"method": "mean in crop", "face model": self.model.digest}

    def __call__(self, views: Sequence[View]) -> Float64[np.ndarray, "n 68 2"]:
        """The same points of every crop."""
        mean = self.model.layout().zeros(1, self.model.mean_shape.device)
        points = project_landmarks(self.model, mean, Camera(CROP_SIZE))[0].double().cpu().numpy()
        return np.stack([view.alignment.to_photo(points) for view in views])


def mean_fitted(
    mean: Float64[np.ndarray, "68 3"], labelled: Float64[np.ndarray, "n 68 2"]
) -> Float64[np.ndarray, "n 68 2"]:
    """Control: a mean face, moved by the affine map that fits its five points to the labels' best.

    It is told five labelled points and nothing else: no photo is looked at. What it scores is how
    much those points give away.

    Args:
        mean: The 68 points of the mean face, in any unit.
        labelled: The ground truth, in pixels.
    """
    five = five_from_68(mean)
    design, every = (np.column_stack((one, np.ones(len(one)))) for one in (five, mean))
    maps = np.linalg.lstsq(design, np.hstack(list(five_from_68(labelled))), rcond=None)[0]
    return np.stack(np.split(every @ maps, len(labelled), axis=1))


@dataclass(frozen=True, eq=False)
class OfTddfa:
    """3DDFA-V2 in the detector's box, then around its own points; never in the labels' crop.

    Where the detector has no face, it looks at the whole photo first.

    Attributes:
        regressor: Network and 68-point basis.
        files: Its files.
    """

    regressor: Regressor
    files: tuple[Path, ...]
    name: str = TDDFA

    @property
    def identity(self) -> Mapping[str, str]:
        """The device."""
        device = next(self.regressor.network.parameters()).device.type
        return {"method": TDDFA, "device": device}

    @property
    def mean(self) -> Float64[np.ndarray, "68 3"]:
        """The points of its mean face."""
        return self.regressor.basis[:, 0].reshape(68, 3)

    def place(self, view: View) -> Float64[np.ndarray, "68 2"]:
        """The points of one photo."""
        if view.face is not None:
            return self.regressor.points_of(view.photo, view.face)
        first = self.regressor.points_in_square(view.photo, view.whole)
        return self.regressor.points_in_square(view.photo, square_of_points(first))

    def __call__(self, views: Sequence[View]) -> Float64[np.ndarray, "n 68 2"]:
        """Photo by photo."""
        return np.stack([self.place(view) for view in views])


@dataclass(frozen=True, eq=False)
class OfDlib:
    """dlib's 68 points in the detector's face, or in the whole photo.

    Attributes:
        predictor: Places them.
    """

    predictor: Predictor68

    def place(self, view: View) -> Float64[np.ndarray, "68 2"]:
        """The points of one photo."""
        face: FoundFace | None = view.face
        if face is None:
            return self.predictor.points_in_box(view.photo, view.whole)
        return (
            face.points if face.points is not None else self.predictor.points_of(view.photo, face)
        )


@dataclass(frozen=True, eq=False)
class OfFit:
    """The fit of the face model to detected points, in the crop that these points place.

    Attributes:
        model: The face model.
        place: Detects 68 points.
        name: The row.
        identity: Of the points' source, and how their contour is read.
        files: Weights of the points' source.
        settings: Of the fit.
    """

    model: MorphableModel
    place: Callable[[View], Float64[np.ndarray, "68 2"]]
    name: str
    identity: Mapping[str, str]
    files: tuple[Path, ...]
    settings: FitSettings = field(default_factory=FitSettings)

    def __call__(self, views: Sequence[View]) -> Float64[np.ndarray, "n 68 2"]:
        """Detect, fit, project."""
        import torch

        points = [self.place(view) for view in views]
        crops = [align_deep3d(five_from_68(one), CROP_SIZE) for one in points]
        inside = np.stack([crop.to_crop(one) for crop, one in zip(crops, points, strict=True)])
        batch = torch.from_numpy(inside).float().to(self.model.mean_shape.device)
        camera = Camera(CROP_SIZE)
        found = fit_points(self.model, batch, camera, self.settings)
        placed = project_landmarks(self.model, found, camera).double().cpu().numpy()
        return np.stack([crop.to_photo(one) for crop, one in zip(crops, placed, strict=True)])
