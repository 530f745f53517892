"""From fragments to pictures: attributes of the vertices, interpolated.

Unlit: the authors place their shader's lamp where it lights nothing, so that the vertex colours
come out as they are; here there is no lamp.
"""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor

from cfr.camera import Camera
from cfr.render.rasterizer import covered_corners, rasterize
from cfr.types import FaceMesh, Fragments


@runtime_checkable
class Rasterizer(Protocol):
    """What :func:`cfr.render.rasterizer.rasterize` and its equals look like."""

    def __call__(
        self,
        points: Float[Tensor, "b v 3"],
        triangles: Int[Tensor, "f 3"],
        height: int,
        width: int,
        *,
        cull_backfaces: bool = True,
    ) -> Fragments:
        """Find the nearest triangle at every pixel's centre."""
        ...


class Rendered(NamedTuple):
    """A picture of meshes.

    Attributes:
        image: ``(b, 3, h, w)`` RGB, black where there is no mesh; not clamped.
        coverage: ``(b, h, w)`` where there is one.
    """

    image: Float[Tensor, "b 3 h w"]
    coverage: Bool[Tensor, "b h w"]


def render(
    mesh: FaceMesh,
    camera: Camera | None = None,
    rasterizer: Rasterizer = rasterize,
    *,
    cull_backfaces: bool = True,
) -> Rendered:
    """Draw meshes with their vertex colours, differentiable in vertices and colours.

    Args:
        mesh: What to draw.
        camera: The default camera if it is None.
        rasterizer: Ours, or one of the same signature (``cfr.render.pytorch3d.rasterize``).
        cull_backfaces: Leave out what is seen from inside.
    """
    camera = camera or Camera()
    points = camera.project(mesh.vertices)
    fragments = rasterizer(
        points, mesh.triangles, camera.size, camera.size, cull_backfaces=cull_backfaces
    )
    return Rendered(interpolate(fragments, mesh.triangles, mesh.colors), fragments.coverage)


def interpolate(
    fragments: Fragments, triangles: Int[Tensor, "f 3"], values: Float[Tensor, "b v c"]
) -> Float[Tensor, "b c h w"]:
    """Spread values of the vertices over the pixels; 0 where there is no triangle.

    Differentiable in the values and, through the barycentric weights, in the vertices' positions.

    Raises:
        ValueError: There are values for more or fewer images than fragments.
    """
    if len(values) != len(fragments.face):
        raise ValueError(f"fragments of {len(fragments.face)} images, values of {len(values)}")
    face, (_, vertices, channels) = fragments.face, values.shape
    pixel, corners = covered_corners(face, triangles, vertices)
    at = values.reshape(-1, channels).index_select(0, corners).view(-1, 3, channels)
    weights = fragments.barycentric.reshape(-1, 3).index_select(0, pixel)
    blended = (at * weights[..., None]).sum(1)
    flat = blended.new_zeros(face.numel(), channels).index_copy(0, pixel, blended)
    return flat.view(*face.shape, channels).permute(0, 3, 1, 2)
