"""Turn a face by a fitted face model alone: no network, no training.

Two renders in the new pose, as the paper's Swap-R&R takes them: R_p wears the photo's own colours,
whatever hid the face included; R_e the model's estimated texture under the estimated light, which
knows nothing of what hid the face, and little of the person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, UInt8
from torch import Tensor

from cfr.align import Alignment, align_deep3d, five_from_68
from cfr.camera import Camera, place
from cfr.fit import FitSettings, fit, fit_points
from cfr.frontalizers.coefficients import AlignedFaces, align_faces
from cfr.frontalizers.poses import Pose, check_numbers, rotations
from cfr.frontalizers.types import Restored
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.pictures import to_float, to_uint8
from cfr.render.shading import render
from cfr.texture import sample_photo
from cfr.types import Coefficients, FaceMesh

_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class TurnedFace:
    """A face in a new pose, and what it was made from; pictures are uint8 RGB, square.

    Attributes:
        crop: The aligned crop.
        fitted: The crop with the fitted, lit model over it.
        projected: The photo's colours in the new pose (the paper's R_p).
        estimated: The estimated texture in the new pose (R_e).
        coverage: Where these two show the face; black elsewhere.
        points: ``(68, 2)`` landmarks in the new pose, pixels of these pictures.
        coefficients: Of the face in the crop.
        alignment: From the photo to the crop.
    """

    crop: UInt8[np.ndarray, "s s 3"]
    fitted: UInt8[np.ndarray, "s s 3"]
    projected: UInt8[np.ndarray, "s s 3"]
    estimated: UInt8[np.ndarray, "s s 3"]
    coverage: Bool[np.ndarray, "s s"]
    points: Float64[np.ndarray, "68 2"]
    coefficients: Coefficients
    alignment: Alignment


@dataclass(frozen=True, eq=False)
class RenderFrontalizer:
    """Fits a face model and draws it in one pose.

    Attributes:
        model: The face model.
        yaw: Radians, positive turns the nose to the image's right.
        pitch: Radians, positive lowers it.
        size: Pixels along each side of crop and pictures.
        settings: Of the fit; the points come from a detector, so the outline's slide.
        texture: What :meth:`restore` draws: the photo's own colours (R_p) or the estimated (R_e).
    """

    model: MorphableModel
    yaw: float = 0.0
    pitch: float = 0.0
    size: int = 224
    settings: FitSettings = FitSettings(contour="sliding")  # noqa: RUF009 (frozen)
    texture: Literal["photo", "estimated"] = "photo"

    @property
    def name(self) -> str:
        """What tables call it."""
        return "render" if self.texture == "photo" else "render-estimated"

    @property
    def identity(self) -> Mapping[str, str]:
        """The face model, the pose and the settings."""
        return {
            "method": self.name,
            "model": self.model.digest,
            "yaw": repr(self.yaw),
            "pitch": repr(self.pitch),
            "size": str(self.size),
            "settings": repr(asdict(self.settings)),
            "torch": str(torch.__version__),
        }

    def restore(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Restored:
        """Turn one face, drawing no more than what was asked for.

        The photo's own colours need no texture and no light, so that only the shape is fitted.

        Raises:
            ValueError: The points are not finite, or lie in one place.
        """
        return self.restore_many([photo], [points])[0]

    def restore_many(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        points: Sequence[Float64[np.ndarray, "68 2"]],
        poses: Sequence[Pose] | None = None,
    ) -> list[Restored]:
        """:meth:`restore` of many; see :class:`cfr.frontalizers.poses.Turner`."""
        check_numbers(len(photos), len(points), poses)
        found: list[Restored] = []
        for first in range(0, len(photos), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            device = self.model.mean_shape.device
            faces = align_faces(photos[some], points[some], self.size, device)
            found += self._restored(faces, None if poses is None else poses[some])
        return found

    @torch.no_grad()
    def _restored(self, faces: AlignedFaces, poses: Sequence[Pose] | None) -> list[Restored]:
        coefficients, vertices, colors = self._colored(faces)
        turned = self._turned(coefficients, poses)
        image, covered = render(FaceMesh(turned, colors, self.model.triangles), self._camera)
        misses = faces.misses(self._camera.project(vertices[:, self.model.landmarks]))
        parts = zip(
            to_uint8(image), self._points(turned), covered.cpu().numpy(), misses, strict=True
        )
        return [Restored(one, at, shown, miss=miss) for one, at, shown, miss in parts]

    def _colored(
        self, faces: AlignedFaces
    ) -> tuple[Coefficients, Float[Tensor, "b v 3"], Float[Tensor, "b v 3"]]:
        """What faces are, where their vertices stand in the crops, and the colours of these."""
        if self.texture == "estimated":
            found = fit(self.model, faces.at, faces.picture, self._camera, self.settings)
            mesh = reconstruct(self.model, found)
            return found, mesh.vertices, mesh.colors
        found = fit_points(self.model, faces.at, self._camera, self.settings)
        placed = place(self.model.shape(found), found.rotation, found.translation)
        return found, placed, sample_photo(faces.picture, self._camera.project(placed))

    @torch.no_grad()
    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> TurnedFace:
        """Align, fit, turn.

        The light stays as it fell on the face in its own pose, as in the authors' code; the new
        pose has no roll, and the face stands in the middle.

        Args:
            photo: RGB.
            points: iBUG-68 points in its pixels.

        Raises:
            ValueError: The points are not finite, or lie in one place.
        """
        alignment, camera = align_deep3d(five_from_68(points), self.size), self._camera
        crop = alignment.crop(photo)
        picture, at = self._inputs(crop, alignment.to_crop(points))
        coefficients = fit(self.model, at, picture, camera, self.settings)
        mesh = reconstruct(self.model, coefficients)
        seen = sample_photo(picture, camera.project(mesh.vertices))
        turned = self._turned(coefficients)
        pictures = []
        for colors in (seen, mesh.colors):
            image, coverage = render(FaceMesh(turned, colors, mesh.triangles), camera)
            pictures.append(to_uint8(image)[0])
        own, covered = render(mesh, camera)
        fitted = np.where(covered[0, ..., None].cpu().numpy(), to_uint8(own)[0], crop)
        return TurnedFace(
            crop=crop,
            fitted=fitted,
            projected=pictures[0],
            estimated=pictures[1],
            coverage=coverage[0].cpu().numpy(),
            points=self._points(turned)[0],
            coefficients=coefficients,
            alignment=alignment,
        )

    @property
    def _camera(self) -> Camera:
        return Camera().resized(self.size)

    def _inputs(
        self, crop: UInt8[np.ndarray, "s s 3"], points: Float64[np.ndarray, "68 2"]
    ) -> tuple[Float[Tensor, "1 3 s s"], Float[Tensor, "1 68 2"]]:
        """Crop and points as a batch of one, on the model's device."""
        device = self.model.mean_shape.device
        picture = to_float(crop[None], device)
        return picture, torch.from_numpy(points).to(device)[None].float()

    def _turned(
        self, coefficients: Coefficients, poses: Sequence[Pose] | None = None
    ) -> Float[Tensor, "b v 3"]:
        """The shapes in the new poses, in the middle."""
        pitches = torch.full_like(coefficients.rotation[:, 0], self.pitch)
        pose = rotations(pitches, self.yaw, poses)
        still = torch.zeros_like(coefficients.translation)
        return place(self.model.shape(coefficients), pose, still)

    def _points(self, turned: Float[Tensor, "b v 3"]) -> Float64[np.ndarray, "b 68 2"]:
        """The landmarks of shapes that stand before the camera."""
        at = self._camera.project(turned[:, self.model.landmarks])[..., :2]
        return at.double().cpu().numpy()
