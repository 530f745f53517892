"""A linear face model: mean plus modes, for shape and for texture (Eq. 1)."""

import hashlib
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor, nn

from cfr.coefficients import Layout, WrongFaceModel
from cfr.normals import incident_triangles
from cfr.precision import full_precision
from cfr.types import Coefficients

REGIONS = ("skin", "nose", "eyes", "brows", "lips", "mouth", "teeth")
"""What a vertex may belong to; ``mouth`` is the inside."""


@dataclass(frozen=True, eq=False)
class ModelArrays:
    """What a source of face models delivers; ``v`` vertices, ``f`` triangles.

    Attributes:
        mean_shape: ``(v, 3)`` decimetres, x image right, y up, z towards the camera; placed so
            that an aligned crop needs no translation.
        identity: ``(i, v, 3)`` decimetres for a weight of one standard deviation.
        expression: ``(e, v, 3)`` decimetres.
        mean_texture: ``(v, 3)`` RGB in [0, 1].
        texture: ``(t, v, 3)`` RGB for a weight of one standard deviation; ``t`` may be 0.
        triangles: ``(f, 3)`` vertex indices, anticlockwise seen from outside.
        landmarks: ``(68,)`` vertex indices of the iBUG-68 points.
        skin: ``(v,)`` where the photo should show bare skin of one colour.
        symmetry: ``(v,)`` the vertex across the face's middle, where the source has it.
        regions: ``(v,)`` positions in :data:`REGIONS`, where the source has them.
    """

    mean_shape: Float32[np.ndarray, "v 3"]
    identity: Float32[np.ndarray, "i v 3"]
    expression: Float32[np.ndarray, "e v 3"]
    mean_texture: Float32[np.ndarray, "v 3"]
    texture: Float32[np.ndarray, "t v 3"]
    triangles: Int64[np.ndarray, "f 3"]
    landmarks: Int64[np.ndarray, "68"]
    skin: Bool[np.ndarray, " v"]
    symmetry: Int64[np.ndarray, " v"] | None = None
    regions: Int64[np.ndarray, " v"] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of every array with its name and shape, 64 hexadecimal digits."""
        content = hashlib.sha256()
        for one in fields(self):
            if getattr(self, one.name) is None:
                continue
            array = np.ascontiguousarray(getattr(self, one.name))
            content.update(f"{one.name} {array.dtype.str} {array.shape};".encode())
            content.update(array.data)
        return content.hexdigest()


class MorphableModel(nn.Module):
    """A face model, ready to be evaluated on any device.

    Its arrays are buffers that no checkpoint holds: a trained network names its model by digest,
    and a licensed model never travels with weights.

    Attributes:
        name: The source, for people.
        digest: The content, for machines: what was made with one model refuses another.
        expression_names: Names of the expression modes, where the source has them.
        blendshapes: Whether an expression's weight runs from 0 to 1 (else one is a deviation).
        expression_low: ``(e,)`` lowest weight of each expression mode, −∞ without a limit.
        expression_high: ``(e,)`` highest weight.
        incident: ``(v, k)`` the triangles around each vertex, padded with ``f``.
        symmetry: ``(v,)`` the vertex across the face's middle; empty if the source has none.
        regions: ``(v,)`` positions in :data:`REGIONS`; empty if the source has none.
    """

    mean_shape: Float[Tensor, "v 3"]
    mean_texture: Float[Tensor, "v 3"]
    triangles: Tensor
    landmarks: Tensor
    skin: Tensor
    incident: Tensor
    symmetry: Tensor
    regions: Tensor
    expression_low: Tensor
    expression_high: Tensor
    _shape_modes: Tensor
    _texture_modes: Tensor

    def __init__(
        self,
        name: str,
        arrays: ModelArrays,
        *,
        expression_names: tuple[str, ...] = (),
        blendshapes: bool = False,
        expression_range: tuple[np.ndarray, np.ndarray] | None = None,
        digest: str | None = None,
    ) -> None:
        super().__init__()
        _check(arrays)
        self.name, self.digest = name, digest or arrays.digest
        self.expression_names, self.blendshapes = expression_names, blendshapes
        self._counts = len(arrays.identity), len(arrays.expression), len(arrays.texture)
        modes = np.concatenate((arrays.identity, arrays.expression))
        constants = {
            name: torch.from_numpy(np.array(getattr(arrays, name)))
            for name in ("mean_shape", "mean_texture", "triangles", "landmarks", "skin")
        }
        constants["incident"] = incident_triangles(constants["triangles"], len(arrays.mean_shape))
        constants["_shape_modes"] = torch.from_numpy(modes.reshape(len(modes), -1))
        constants["_texture_modes"] = torch.from_numpy(
            np.array(arrays.texture).reshape(len(arrays.texture), arrays.mean_texture.size)
        )
        none = np.zeros(0, np.int64)
        for name in ("symmetry", "regions"):
            values = getattr(arrays, name)
            constants[name] = torch.from_numpy(none if values is None else np.array(values))
        widest = (0.0, 1.0) if blendshapes else (-np.inf, np.inf)
        low, high = expression_range or (np.full(self._counts[1], limit) for limit in widest)
        constants["expression_low"] = torch.from_numpy(np.float32(low))
        constants["expression_high"] = torch.from_numpy(np.float32(high))
        for name, tensor in constants.items():
            self.register_buffer(name, tensor, persistent=False)

    def __str__(self) -> str:
        """Name, start of the digest, and sizes."""
        identity, expression, texture = self._counts
        return (
            f"{self.name} {self.digest[:12]} ({len(self.mean_shape):,} vertices, "
            f"{len(self.triangles):,} triangles, {identity}/{expression}/{texture} modes)"
        )

    def layout(self, *, mono_light: bool = False) -> Layout:
        """The vector that describes a face with this model; 257 numbers for 80/64/80 modes.

        Args:
            mono_light: One light for the three channels, as the paper counts (239 numbers).
        """
        return Layout(*self._counts, lighting=9 if mono_light else 27, model=self.digest)

    def modes(
        self, name: Literal["shape", "identity", "expression", "texture"]
    ) -> Float[Tensor, "m n"]:
        """The modes of one kind, flat: ``(modes, 3 · v)``; shape is identity, then expression."""
        if name == "texture":
            return self._texture_modes
        if name == "shape":
            return self._shape_modes
        identity, expression, _ = self._counts
        first, number = (0, identity) if name == "identity" else (identity, expression)
        return self._shape_modes[first : first + number]

    def limited(self, expression: Float[Tensor, "b e"]) -> Float[Tensor, "b e"]:
        """Expression weights, cut to the range in which the modes mean something."""
        return expression.clamp(self.expression_low, self.expression_high)

    def require(self, digest: str, what: str) -> None:
        """Refuse what was made with another model.

        Args:
            digest: The model that it was made with.
            what: What it is, for the message.

        Raises:
            WrongFaceModel: The digests differ.
        """
        if digest != self.digest:
            raise WrongFaceModel(what, digest, f"{self.name} {self.digest[:12]}…")

    @full_precision
    def shape(self, coefficients: Coefficients) -> Float[Tensor, "b v 3"]:
        """S = S̄ + B_id α + B_exp β, in decimetres (Eq. 1).

        Raises:
            WrongFaceModel: The coefficients belong to another face model.
        """
        self.require(coefficients.model, "these coefficients")
        weights = torch.cat((coefficients.identity, coefficients.expression), dim=1)
        flat = torch.addmm(self.mean_shape.view(-1), weights, self._shape_modes)
        return flat.unflatten(1, (-1, 3))

    @full_precision
    def albedo(self, coefficients: Coefficients) -> Float[Tensor, "b v 3"]:
        """T = T̄ + B_tex δ: RGB of the unlit skin (Eq. 1); may leave [0, 1].

        Raises:
            WrongFaceModel: The coefficients belong to another face model.
        """
        self.require(coefficients.model, "these coefficients")
        flat = torch.addmm(self.mean_texture.view(-1), coefficients.texture, self._texture_modes)
        return flat.unflatten(1, (-1, 3))


def _check(arrays: ModelArrays) -> None:
    """Refuse arrays that do not belong together: an error of the source, not of a user."""
    vertices = len(arrays.mean_shape)
    surface = (vertices, 3)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "mean_shape": (surface, np.float32),
        "identity": ((len(arrays.identity), *surface), np.float32),
        "expression": ((len(arrays.expression), *surface), np.float32),
        "mean_texture": (surface, np.float32),
        "texture": ((len(arrays.texture), *surface), np.float32),
        "triangles": ((len(arrays.triangles), 3), np.int64),
        "landmarks": ((68,), np.int64),
        "skin": ((vertices,), np.bool_),
    }
    for name in ("symmetry", "regions"):
        if getattr(arrays, name) is not None:
            shapes[name] = ((vertices,), np.int64)
    for name, (shape, dtype) in shapes.items():
        array = getattr(arrays, name)
        if array.shape != shape or array.dtype != dtype:
            found = f"{array.dtype} {array.shape}"
            raise ValueError(f"{name}: expected {np.dtype(dtype)} {shape}, found {found}")
        if dtype is np.float32 and not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers, found NaN or infinity")
        if dtype is np.int64 and array.size and not 0 <= array.min() <= array.max() < vertices:
            found = f"{array.min()} to {array.max()}"
            raise ValueError(f"{name}: expected indices below {vertices}, found {found}")
