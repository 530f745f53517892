"""The rasterizer against PyTorch3D's on the same mesh, and how much memory an image takes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch

from cfr.camera import Camera, place
from cfr.render import pytorch3d, reference
from cfr.render.rasterizer import rasterize
from cfr.render.shading import Rasterizer, interpolate
from cfr.texture import visible_vertices
from cfr.types import Fragments
from results.bench import memory
from results.bench.meshes import head
from results.bench.timing import Timing, time_pairs

SIZE, IN_A_ROW, CPU_BATCH, DEVICE_BATCH = 224, 20, 8, 32


def time_rasterizer(repeats: int, side: int = 190) -> Iterator[Timing]:
    """36,100 vertices, 71,442 triangles, 224²; PyTorch3D if it is installed, else the oracle.

    Args:
        repeats: Timed pairs.
        side: Another size of mesh, with its square as vertices.
    """
    installed = pytorch3d.available()
    name = "PyTorch3D, CPU" if installed else "cfr.render.reference (PyTorch3D is not installed)"
    theirs = _call(pytorch3d.rasterize if installed else reference.rasterize, 1, side)
    ours, alone = "rasterize, one image", _call(rasterize, 1, side)

    def in_a_row() -> None:  # one call is too short for a clock beside seconds
        for _ in range(IN_A_ROW):
            alone()

    one = time_pairs(f"{ours} ({IN_A_ROW} in a row)", in_a_row, name, theirs, repeats)
    same = (theirs().face == alone().face).double().mean().item()
    agreement = f"same triangle at {100 * same:.3f} % of the pixels"
    yield replace(one.divided(IN_A_ROW), note=f"{agreement}; {_memory(1)}")
    batch = _call(rasterize, CPU_BATCH, side)
    many = time_pairs(f"rasterize, an image of {CPU_BATCH}", batch, name, theirs, repeats)
    yield replace(many.divided(CPU_BATCH), note=_memory(CPU_BATCH))
    backward = _backward(side)
    yield time_pairs("rasterize, interpolate, backward", backward, ours, alone, repeats)
    visible = partial(visible_vertices, *_heads(1, side))
    yield time_pairs("visible_vertices, one image", visible, ours, alone, repeats)
    if torch.cuda.is_available():
        batch = _call(rasterize, DEVICE_BATCH, side, "cuda")
        subject = f"rasterize, an image of {DEVICE_BATCH}, {torch.cuda.get_device_name()}"
        device = time_pairs(subject, batch, f"{ours}, CPU", alone, repeats)
        yield device.divided(DEVICE_BATCH)


def peak_memory(batch: int, screens: int = 0) -> float | None:
    """How far this process's memory rises while it rasterizes a batch, in megabytes.

    None where the system does not tell (only Linux does, and lets the peak be reset).

    Args:
        batch: Images of a head.
        screens: Instead of heads, as many triangles each of which fills the image.
    """
    if screens:
        corners = torch.tensor([(-9.0, -9.0, 7.0), (-9.0, 999.0, 8.0), (999.0, -9.0, 9.0)])
        triangles = torch.tensor([[0, 1, 2]]).expand(screens, -1)
        call = partial(rasterize, corners.expand(batch, -1, -1), triangles, SIZE, SIZE)
    else:
        call = _call(rasterize, batch, 190)
    _call(rasterize, 1, 20)()  # what the libraries take once, for themselves
    try:
        memory.reset_peak()
        before = memory.resident()
        call()
        return (memory.peak() - before) / 1024
    except OSError:
        return None


def _heads(batch: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Heads on the screen, each turned another way, and their triangles."""
    vertices, triangles = head(side)
    turned = torch.linspace(-0.6, 0.6, batch + 1)[1:]
    rotation = torch.stack((0.1 * turned, turned, 0 * turned), dim=1)
    at = place(vertices.expand(batch, -1, -1), rotation, torch.zeros_like(rotation))
    return Camera().project(at), triangles


def _call(
    rasterizer: Rasterizer, batch: int, side: int, device: str = "cpu"
) -> Callable[[], Fragments]:
    """A call that rasterizes a batch of heads."""
    points, triangles = (one.to(device) for one in _heads(batch, side))
    draw = partial(rasterizer, points, triangles, SIZE, SIZE)

    def call() -> Fragments:
        found = draw()
        if device == "cuda":
            torch.cuda.synchronize()
        return found

    return call


def _backward(side: int) -> Callable[[], None]:
    points, triangles = _heads(1, side)
    points.requires_grad_()
    colors = torch.full_like(points, 0.5, requires_grad=True)

    def call() -> None:
        found = rasterize(points, triangles, SIZE, SIZE)
        interpolate(found, triangles, colors).square().sum().backward()

    return call


def peak_memory_apart(batch: int, screens: int = 0) -> float | None:
    """:func:`peak_memory` in a process of its own, whose memory nobody has used before."""
    told = memory.in_own_process(f"peak_memory({batch}, {screens})", __name__)
    return None if told == "None" else float(told)


def _memory(batch: int) -> str:
    risen = peak_memory_apart(batch)
    return "memory unknown" if risen is None else f"{risen / batch:.0f} MB an image"
