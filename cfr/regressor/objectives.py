"""What a batch costs: the losses of the baseline and stage 1, and those of stage 2."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from cfr.camera import Camera, place, turn
from cfr.lighting import shade
from cfr.morphable.model import MorphableModel
from cfr.normals import vertex_normals
from cfr.regressor import distillation, losses
from cfr.regressor.batches import Batch
from cfr.regressor.face_loss import SeenFaces, face_losses
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.network import Features, RNet
from cfr.regressor.presets import (
    FacePreset,
    FaceWeights,
    StudentPreset,
    point_weights,
    total,
    usable,
)
from cfr.regressor.skin import skin_colored
from cfr.render.shading import render
from cfr.types import Coefficients, FaceMesh


@dataclass(frozen=True)
class Cost:
    """What a batch costs.

    Attributes:
        total: What is minimised.
        terms: The losses by name, unweighted, for curves.
    """

    total: Float[Tensor, ""]
    terms: Mapping[str, Float[Tensor, ""]]


@runtime_checkable
class Looks(Protocol):
    """A regressor, or one that Lightning Fabric has wrapped."""

    def look(self, photo: Float[Tensor, "b 3 s s"]) -> Features:
        """As :meth:`cfr.regressor.network.RNet.look`."""
        ...


@runtime_checkable
class Objective(Protocol):
    """From a network and a batch to its cost."""

    def __call__(self, net: Looks, batch: Batch) -> Cost:
        """The cost of a batch."""
        ...


class FaceObjective:
    """The baseline and stage 1: Deep3D's losses on photos, and errors where the truth is known.

    Args:
        net: The regressor that is trained: its layout, size and pixel count are needed.
        model: The face model, on the device of training.
        preset: Weights.
        embed: A face recognizer for the identity loss, if there is one.

    Attributes:
        left_out: A sentence for each loss that is left out.
    """

    def __init__(
        self,
        net: RNet,
        model: MorphableModel,
        preset: FacePreset,
        embed: losses.Embed | None = None,
    ) -> None:
        self._layout, self._offset = net.layout, net.offset
        self._camera = Camera().resized(net.size)
        self._model, self._preset, self._embed = model, preset, embed
        self._weights, self.left_out = usable(
            preset.weights, recognizer=embed is not None, texture=bool(net.layout.texture)
        )

    def __call__(self, net: Looks, batch: Batch) -> Cost:
        """The cost of a batch."""
        found = self._layout.split(net.look(batch.given).vector)
        points = project_landmarks(self._model, found, self._camera)
        points = points + points.new_tensor(self._offset)
        known = self._preset.known
        terms: dict[str, Tensor] = {}
        summed = points.new_zeros(())
        if batch.photo.any():
            terms = self._of_photos(found, points, batch)
            faces = total(terms, self._weights)
            summed = summed + (faces if known is None else known.faces * faces)
        if known is not None:
            truth = self._layout.split(batch.vector)
            counts = dict.fromkeys(truth.parts(), batch.known) | {"lighting": batch.lit}
            errors = losses.coefficient_errors(found, truth, counts)
            near = losses.landmark_distance(points, batch.points, size=self._camera.size)
            summed = summed + known.landmarks * near
            for name, error in errors.items():
                summed = summed + getattr(known.parts, name) * error
            terms |= {f"error of {name}": error for name, error in errors.items()}
            terms["all landmarks"] = near
        return Cost(summed, terms)

    def _of_photos(self, found: Coefficients, points: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The losses of the photos among the samples; nothing else is rendered."""
        known = self._preset.known
        rows = batch.photo.nonzero()[: known.rendered if known else None, 0]
        parts = {name: part[rows] for name, part in found.parts().items()}
        of_photos = Coefficients(**parts, model=found.model)
        photo = batch.clean[rows]
        with torch.no_grad():
            mask = skin_colored(photo)
        seen = self._see(of_photos, points[rows], photo, batch.points[rows])
        seen = replace(seen, mask=mask, estimated=batch.estimated[rows])
        return face_losses(seen, self._model.skin, self._weights, self._embed)

    def _see(self, found: Coefficients, points: Tensor, photo: Tensor, truth: Tensor) -> SeenFaces:
        model = self._model
        shape, albedo = model.shape(found), model.albedo(found)
        normals = turn(vertex_normals(shape, model.triangles, model.incident), found.rotation)
        lit = shade(albedo, normals, found.lighting)
        placed = place(shape, found.rotation, found.translation)
        rendered = render(FaceMesh(placed, lit, model.triangles), self._camera)
        return SeenFaces(
            coefficients=found,
            points=points,
            albedo=albedo,
            lit=lit,
            rendered=rendered.image,
            coverage=rendered.coverage,
            photo=photo,
            mask=rendered.coverage,
            truth=truth,
            estimated=torch.zeros(len(photo), dtype=torch.bool, device=photo.device),
        )

    @property
    def weights(self) -> FaceWeights:
        """Those of the losses of photos that are not left out."""
        return self._weights


class StudentObjective:
    """Stage 2: the student sees occluded faces and learns what the teacher says of clean ones.

    Args:
        net: The student as it is now: its copy is the teacher.
        model: The face model, on the device of training.
        preset: Weights.
    """

    def __init__(self, net: RNet, model: MorphableModel, preset: StudentPreset) -> None:
        self._layout, self._preset, self._model = net.layout, preset, model
        self._camera = Camera().resized(net.size)
        self.teacher = distillation.teacher_of(net)
        self.left_out: tuple[str, ...] = ()

    def __call__(self, net: Looks, batch: Batch) -> Cost:
        """The cost of a batch."""
        weights = self._preset.weights
        with torch.no_grad():
            taught = self.teacher.look(batch.clean)
        student = net.look(batch.given)
        mine, theirs = self._layout.split(student.vector), self._layout.split(taught.vector)
        terms = {
            "features": distillation.features(
                (*student.maps, student.pooled), (*taught.maps, taught.pooled), weights
            ),
            "coefficients": distillation.coefficients(mine, theirs),
            "landmarks": distillation.landmarks(
                project_landmarks(self._model, mine, self._camera),
                project_landmarks(self._model, theirs, self._camera),
                point_weights(weights.points, student.vector.device),
                size=self._camera.size,
            ),
        }
        return Cost(total(terms, weights), terms)
