"""PyTorch3D as an alternative rasterizer, with the signature of ours.

Optional: it is not on the package index for Linux (docs/data.md says how to build it). On a CPU it
visits every triangle at every pixel and takes seconds an image; it serves as an oracle.
"""

import importlib.util

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cfr.camera import NEAR
from cfr.render import rasterizer
from cfr.types import Fragments
from protocols.errors import PackageUnavailable

HOW = "Build it from source as docs/data.md says; it is not on the package index for Linux."


def available() -> bool:
    """Whether PyTorch3D is installed."""
    return importlib.util.find_spec("pytorch3d") is not None


def rasterize(
    points: Float[Tensor, "b v 3"],
    triangles: Int[Tensor, "f 3"],
    height: int,
    width: int,
    *,
    cull_backfaces: bool = True,
) -> Fragments:
    """Find the nearest triangle at every pixel's centre, with PyTorch3D.

    A centre exactly on an edge belongs to no triangle here, and it computes in float32. See
    :func:`cfr.render.rasterizer.rasterize` for the arguments.

    Raises:
        PackageUnavailable: PyTorch3D is not installed.
    """
    if not available():
        raise PackageUnavailable("PyTorch3D", HOW)
    from pytorch3d.renderer.mesh.rasterize_meshes import (  # pyright: ignore[reportMissingImports]
        rasterize_meshes,
    )
    from pytorch3d.structures import Meshes  # pyright: ignore[reportMissingImports]

    # Its screen has x to the left and y up; the shorter side spans [−1, 1].
    scale = min(height, width)
    x = (width - 2 * points[..., 0] - 1) / scale
    y = (height - 2 * points[..., 1] - 1) / scale
    screen = torch.stack((x, y, points[..., 2]), dim=-1).float()
    # What ours drops would spoil its pictures: a NaN hides everything.
    known = ((points.abs() < rasterizer.FARTHEST) & (points[..., 2:] > NEAR)).all(-1)
    kept = [one[triangles.long()].all(1).nonzero().squeeze(1) for one in known]
    if not any(len(one) for one in kept):
        return rasterizer.rasterize(points, triangles[:0], height, width)
    meshes = Meshes(
        list(torch.where(known[..., None], screen, 1.0)), [triangles[one].long() for one in kept]
    )
    face, depth, weights, _ = rasterize_meshes(
        meshes,
        image_size=(height, width),
        blur_radius=0.0,
        faces_per_pixel=1,
        perspective_correct=True,
        cull_backfaces=cull_backfaces,
    )
    covered = face[..., 0] >= 0
    return Fragments(
        face=torch.where(covered, torch.cat(kept)[face[..., 0].clamp(min=0)], -1),
        barycentric=torch.where(covered[..., None], weights[..., 0, :], 0.0).to(points.dtype),
        depth=torch.where(covered, depth[..., 0], torch.inf).to(points.dtype),
    )
