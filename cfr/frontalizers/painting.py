"""Restore a face by a generator: renders in the wanted pose, and a network that paints a face.

What all such methods share: the fit, both renders (R_p wears the photo's own colours, R_e the
estimated ones), batches, sizes. A method says which pose it turns to and how R_p takes its colours.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, UInt8
from torch import Tensor

from cfr.align import Alignment
from cfr.camera import place
from cfr.frontalizers.coefficients import AlignedFaces, ByFit, CoefficientSource, align_faces
from cfr.frontalizers.deocclusion import Deoccluded, blend, soft_share
from cfr.frontalizers.poses import Pose, check_numbers, rotations
from cfr.frontalizers.regions import hidden_regions
from cfr.frontalizers.types import InPlace, Restored
from cfr.gan.sources import Painter
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.pictures import resized, resized_mask, to_uint8
from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate
from cfr.types import Coefficients, FaceMesh

_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Look:
    """A restored face, and what it was made from.

    Attributes:
        restored: The result, of the size that was asked for.
        crop: The aligned crop, of the generator's size.
        projected: R_p in the new pose.
        estimated: R_e in the new pose.
        coefficients: Of the face in the crop.
        alignment: From the photo to the crop.
    """

    restored: Restored
    crop: UInt8[np.ndarray, "s s 3"]
    projected: UInt8[np.ndarray, "s s 3"]
    estimated: UInt8[np.ndarray, "s s 3"]
    coefficients: Coefficients
    alignment: Alignment


class _Fitted(NamedTuple):
    """Faces of photos with their meshes, and the colours of R_p and R_e at each vertex."""

    faces: AlignedFaces
    coefficients: Coefficients
    mesh: FaceMesh
    colors: Float[Tensor, "b v 6"]


class _Drawn(NamedTuple):
    """Renders and what the generator makes of them, of its own size."""

    projected: Float[Tensor, "b 3 s s"]
    estimated: Float[Tensor, "b 3 s s"]
    face: Bool[Tensor, "b s s"]
    image: Float[Tensor, "b 3 s s"]
    mask: Float[Tensor, "b s s"]


@dataclass(frozen=True, eq=False)
class PaintingFrontalizer(ABC):
    """Fits a face model, draws it twice in one pose, and paints the face by the generator.

    Attributes:
        model: The face model, on the painter's device.
        painter: The generator.
        yaw: Radians, positive turns the nose to the image's right.
        pitch: Radians, positive lowers it; None for what the method does by itself.
        keep_pitch: Instead of that, each face keeps the pitch that was estimated.
        size: Pixels along each side of the results. The generator works at the size that it was
            trained with; its picture is resized.
        source: Where coefficients come from: the fit by default.
    """

    model: MorphableModel
    painter: Painter
    yaw: float = 0.0
    pitch: float | None = None
    keep_pitch: bool = False
    size: int = 224
    source: CoefficientSource = ByFit()  # noqa: RUF009 (frozen)

    @property
    @abstractmethod
    def name(self) -> str:
        """What tables call it."""

    @abstractmethod
    def _pitches(self, own: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Where faces are turned to that have these pitches, in radians."""

    @abstractmethod
    def _seen(
        self, picture: Float[Tensor, "b 3 s s"], at: Float[Tensor, "b v 3"]
    ) -> Float[Tensor, "b v 3"]:
        """The colours of R_p at the vertices, which stand there in the crops."""

    @property
    def identity(self) -> Mapping[str, str]:
        """The weights, the face model, the pose, and what decides the coefficients."""
        return {
            "method": self.name,
            "weights": self.painter.weights,
            "side": str(self.painter.side),
            "model": self.model.digest,
            "yaw": repr(self.yaw),
            "pitch": "kept" if self.keep_pitch else repr(self.pitch),
            "size": str(self.size),
            **{f"coefficients: {name}": one for name, one in self.source.identity.items()},
            "torch": str(torch.__version__),
        }

    def restore(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Restored:
        """Restore one face; see :class:`cfr.frontalizers.types.Frontalizer`.

        Raises:
            ValueError: The points are not finite, or lie in one place.
        """
        return self.look(photo, points).restored

    def restore_many(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        points: Sequence[Float64[np.ndarray, "68 2"]],
        poses: Sequence[Pose] | None = None,
    ) -> list[Restored]:
        """Restore the faces of many photos; see :class:`cfr.frontalizers.poses.Turner`."""
        check_numbers(len(photos), len(points), poses)
        found: list[Restored] = []
        for some in self._some_at_once(photos, points):
            own = None if poses is None else poses[len(found) : len(found) + len(some.faces.photos)]
            found += [look.restored for look in self._looks(some, own)]
        return found

    def in_place(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        points: Sequence[Float64[np.ndarray, "68 2"]],
    ) -> list[InPlace]:
        """Paint faces in their own poses; see :class:`cfr.frontalizers.types.Recoverer`.

        The occlusion mask is of the occlusion path; without it there is none.
        """
        return [one for some in self._some_at_once(photos, points) for one in self._in_place(some)]

    def look(self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]) -> Look:
        """Restore one face, and keep what it was made from; errors as of :meth:`restore`."""
        return self._looks(self._fit([photo], [points]))[0]

    def deocclude(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Deoccluded:
        """Paint what hides a face, in its own pose, and leave the rest of the photo as it is.

        Args:
            photo: RGB.
            points: iBUG-68 points in its pixels.

        Raises:
            ValueError: The points are not finite, or lie in one place.
        """
        return self.deocclude_many([photo], [points])[0]

    def deocclude_many(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        points: Sequence[Float64[np.ndarray, "68 2"]],
    ) -> list[Deoccluded]:
        """:meth:`deocclude` of many photos, some dozens at once."""
        return [
            one for some in self._some_at_once(photos, points) for one in self._deoccluded(some)
        ]

    def look_and_deocclude(
        self, photo: UInt8[np.ndarray, "h w 3"], points: Float64[np.ndarray, "68 2"]
    ) -> tuple[Look, Deoccluded]:
        """Both :meth:`look` and :meth:`deocclude`, fitted once."""
        fitted = self._fit([photo], [points])
        return self._looks(fitted)[0], self._deoccluded(fitted)[0]

    def _some_at_once(
        self, photos: Sequence[np.ndarray], points: Sequence[np.ndarray]
    ) -> Iterator[_Fitted]:
        check_numbers(len(photos), len(points), None)
        for first in range(0, len(photos), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            yield self._fit(photos[some], points[some])

    @torch.no_grad()
    def _fit(self, photos: Sequence[np.ndarray], points: Sequence[np.ndarray]) -> _Fitted:
        faces = align_faces(photos, points, self.painter.side, self.model.mean_shape.device)
        coefficients = self.source(self.model, faces)
        mesh = reconstruct(self.model, coefficients)
        seen = self._seen(faces.picture, faces.camera.project(mesh.vertices))
        return _Fitted(faces, coefficients, mesh, torch.cat((seen, mesh.colors), dim=-1))

    @torch.no_grad()
    def _looks(self, fitted: _Fitted, poses: Sequence[Pose] | None = None) -> list[Look]:
        faces, coefficients, _, _ = fitted
        turned, misses = self._turned(coefficients, poses), self._misses(fitted)
        drawn = self._draw(fitted, turned)
        landmarks = faces.camera.project(turned[:, self.model.landmarks])[..., :2]
        zoom = self.size / self.painter.side
        points = (landmarks.double().cpu().numpy() + 0.5) * zoom - 0.5
        projected, estimated, image = (
            to_uint8(one) for one in (drawn.projected, drawn.estimated, drawn.image)
        )
        covered, occlusion = drawn.face.cpu().numpy(), self._hidden(drawn)
        return [
            Look(
                restored=Restored(
                    image=resized(image[at], self.size),
                    points=points[at],
                    covered=resized_mask(covered[at], self.size),
                    occlusion=resized_mask(occlusion[at], self.size) if occlusion else None,
                    miss=misses[at],
                ),
                crop=faces.crops[at],
                projected=projected[at],
                estimated=estimated[at],
                coefficients=coefficients.rows([at]),
                alignment=faces.alignments[at],
            )
            for at in range(len(image))
        ]

    @torch.no_grad()
    def _in_place(self, fitted: _Fitted) -> list[InPlace]:
        drawn, faces = self._draw(fitted, fitted.mesh.vertices), fitted.faces
        projected, estimated, image = (
            to_uint8(one) for one in (drawn.projected, drawn.estimated, drawn.image)
        )
        face, occlusion = drawn.face.cpu().numpy(), self._hidden(drawn)
        return [
            InPlace(
                crop=faces.crops[at],
                projected=projected[at],
                estimated=estimated[at],
                painted=image[at],
                face=face[at],
                occlusion=occlusion[at] if occlusion else None,
                alignment=faces.alignments[at],
            )
            for at in range(len(image))
        ]

    def _hidden(self, drawn: _Drawn) -> list[Bool[np.ndarray, "s s"]]:
        """What is hidden of each face; empty for a generator without an occlusion path."""
        if not self.painter.net.size.occlusion_path:
            return []
        pairs = zip(drawn.mask.float().cpu().numpy(), drawn.face.cpu().numpy(), strict=True)
        return [hidden_regions(mask, face) for mask, face in pairs]

    def _deoccluded(self, fitted: _Fitted) -> list[Deoccluded]:
        found = []
        faces = zip(fitted.faces.photos, self._in_place(fitted), self._misses(fitted), strict=True)
        for photo, one, miss in faces:
            hidden = np.zeros_like(one.face) if one.occlusion is None else one.occlusion
            share = soft_share(hidden, one.face)
            found.append(replace(blend(photo, one.painted, share, one.alignment), miss=miss))
        return found

    def _misses(self, fitted: _Fitted) -> list[float]:
        own = fitted.mesh.vertices[:, self.model.landmarks]
        return fitted.faces.misses(fitted.faces.camera.project(own))

    def _turned(
        self, coefficients: Coefficients, poses: Sequence[Pose] | None
    ) -> Float[Tensor, "b v 3"]:
        """The shapes in the new poses, in the middle."""
        own = coefficients.rotation
        pitches = own[:, 0] if self.keep_pitch else self._pitches(own[:, 0])
        pose = rotations(pitches, self.yaw, poses)
        return place(self.model.shape(coefficients), pose, torch.zeros_like(own))

    def _draw(self, fitted: _Fitted, vertices: Float[Tensor, "b v 3"]) -> _Drawn:
        """Both renders by one pass over the triangles, and the generator's pictures."""
        camera, triangles = fitted.faces.camera, self.model.triangles
        at = camera.project(vertices)
        fragments = rasterize(at, triangles, camera.size, camera.size)
        both = interpolate(fragments, triangles, fitted.colors).clamp(0, 1)
        projected, estimated = both[:, :3].contiguous(), both[:, 3:].contiguous()
        image, mask = self.painter.net(projected, estimated)
        face = fragments.coverage
        return _Drawn(projected, estimated, face, image, mask[:, 0])
