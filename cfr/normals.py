"""Unit normals of meshes, as Deep3D face reconstruction computes them: face normals count alike."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def vertex_normals(
    vertices: Float[Tensor, "b v 3"],
    triangles: Int[Tensor, "f 3"],
    incident: Int[Tensor, "v k"],
) -> Float[Tensor, "b v 3"]:
    """Unit normals: the sum of the unit normals of the triangles around each vertex.

    A degenerate triangle adds nothing; a vertex with no other has the normal 0. The gradients are
    finite everywhere.

    Args:
        vertices: In any unit.
        triangles: Vertex indices, anticlockwise seen from outside.
        incident: The triangles around each vertex, padded with ``f`` (:func:`incident_triangles`).
    """
    a, b, c = (vertices.index_select(1, triangles[:, corner]) for corner in range(3))
    faces = _unit(torch.linalg.cross(a - b, b - c))
    faces = torch.cat((faces, faces.new_zeros(len(faces), 1, 3)), dim=1)
    around = faces.index_select(1, incident.reshape(-1)).unflatten(1, incident.shape)
    return _unit(around.sum(2))


def incident_triangles(triangles: Int[Tensor, "f 3"], vertices: int) -> Int[Tensor, "v k"]:
    """The triangles around each of ``vertices`` vertices, in order, padded with ``f``.

    ``k`` is the largest number of triangles around any vertex.
    """
    corners = triangles.long().reshape(-1)
    order = torch.argsort(corners, stable=True)
    counts = torch.bincount(corners, minlength=vertices)
    starts = counts.cumsum(0) - counts
    owner = corners[order]
    slot = torch.arange(len(corners), device=corners.device) - starts[owner]
    widest = int(counts.max()) if len(corners) else 0
    table = corners.new_full((vertices, widest), len(triangles))
    table[owner, slot] = torch.div(order, 3, rounding_mode="floor")
    return table


def _unit(vectors: Tensor) -> Tensor:
    """Vectors of length one; zero, with a zero gradient, where there is no direction."""
    squared = vectors.square().sum(-1, keepdim=True)
    known = squared > torch.finfo(vectors.dtype).tiny
    length = torch.where(known, squared, 1.0).sqrt()
    return torch.where(known, vectors / length, 0.0)
