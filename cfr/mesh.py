"""From coefficients to a lit mesh: shape, pose, normals, light (Eq. 1)."""

from jaxtyping import Float
from torch import Tensor

from cfr.camera import place, turn
from cfr.lighting import shade
from cfr.morphable.model import MorphableModel
from cfr.normals import vertex_normals
from cfr.types import Coefficients, FaceMesh


def reconstruct(
    model: MorphableModel,
    coefficients: Coefficients,
    shape: Float[Tensor, "b v 3"] | None = None,
) -> FaceMesh:
    """The faces that coefficients describe, in their pose and under their light.

    Args:
        model: The face model.
        coefficients: Of its faces.
        shape: What :meth:`MorphableModel.shape` makes of them, if it is known already.

    Raises:
        WrongFaceModel: The coefficients belong to another face model.
    """
    if shape is None:
        shape = model.shape(coefficients)
    normals = vertex_normals(shape, model.triangles, model.incident)
    normals = turn(normals, coefficients.rotation)
    return FaceMesh(
        vertices=place(shape, coefficients.rotation, coefficients.translation),
        colors=shade(model.albedo(coefficients), normals, coefficients.lighting),
        triangles=model.triangles,
    )
