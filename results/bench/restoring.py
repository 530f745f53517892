"""How long a restored face takes: the generator alone, and from an aligned crop to the result.

Weights are random. What is timed against what it was trained as has to paint the same picture.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from cfr.align import align_deep3d, five_from_68
from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.frontalizers.coefficients import ByFit, CoefficientSource, load_regressor
from cfr.gan.building import build_generator
from cfr.gan.generator import PUBLISHED, Generator, GeneratorSize
from cfr.gan.painting import FaceGenerator, for_inference
from cfr.gan.presets import PRESETS
from cfr.gan.sources import Painter
from cfr.gan.weights import PUBLISHED_SIDE
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes
from results.bench.timing import Timing, time_pairs

MINI, MINI_SIDE = PRESETS["mini"].generator, PRESETS["mini"].size
_AT_ONCE = 64
_CPU_BAR, _CUDA_PAINT_BAR, _CUDA_BAR = 0.1, 0.002, 0.005  # seconds an image
_ALIKE, _FASTER = 1e-4, 1.2


def time_restoring(
    repeats: int, size: GeneratorSize = PUBLISHED, side: int = PUBLISHED_SIDE["cfr-gan"]
) -> Iterator[Timing]:
    """The generator folded and as it is trained; a whole restoration; the same on CUDA.

    Args:
        repeats: Timed pairs.
        size: Another large generator than the published one.
        side: Pixels along each side of its pictures.

    Raises:
        RuntimeError: The folded generator paints something else.
    """
    yield _folded(repeats, size, side)
    model = load_model("builtin")
    (scene,) = _scenes(model, 1, MINI_SIDE)
    torch.manual_seed(0)
    net = for_inference(build_generator(MINI).eval())
    blank = torch.rand(1, 3, MINI_SIDE, MINI_SIDE)
    paint = partial(_paint, net, blank, blank)
    for source in (ByFit(), load_regressor(model)):
        ours = CfrGanFrontalizer(model, Painter(net, MINI_SIDE, ""), size=MINI_SIDE, source=source)
        name = f"mini, crop to restored image, by {source.identity['by']}"
        run = partial(ours.restore, scene.photo, scene.points)
        whole = time_pairs(name, run, "mini generator alone", paint, repeats)
        yield _told(whole, 1, _CPU_BAR)
    if torch.cuda.is_available():
        yield from _on_cuda(repeats, size, side)


def _folded(repeats: int, size: GeneratorSize, side: int) -> Timing:
    torch.manual_seed(0)
    trained = Generator(size).eval()
    folded, one, other = for_inference(trained), *torch.rand(2, 1, 3, side, side)
    pairs = zip(_paint(folded, one, other), _paint(trained, one, other), strict=True)
    apart = max(float((ours - theirs).abs().max()) for ours, theirs in pairs)
    if apart > _ALIKE:
        raise RuntimeError(f"the folded generator paints another picture: {apart:.1e} apart")
    timing = time_pairs(
        f"generator folded, width {size.width}, {side}²",
        partial(_paint, folded, one, other),
        "as it is trained",
        partial(_paint, trained, one, other),
        repeats,
    )
    note = f"{1 / timing.ratio:.2f} times as fast (bar {_FASTER:g}), within {apart:.0e}"
    return replace(timing, note=note)


def _on_cuda(repeats: int, size: GeneratorSize, side: int) -> Iterator[Timing]:
    """A batch of the published size on a GPU, and photos through all steps."""
    torch.manual_seed(0)
    device = torch.device("cuda")
    trained = Generator(size).eval().to(device)
    folded = for_inference(trained)
    one, other = torch.rand(2, _AT_ONCE, 3, side, side, device=device)
    alone = time_pairs(
        f"CUDA: generator folded, {_AT_ONCE} at once",
        _awaited(partial(_paint, folded, one, other)),
        "as it is trained",
        _awaited(partial(_paint, trained, one, other)),
        repeats,
    )
    yield _told(alone, _AT_ONCE, _CUDA_PAINT_BAR)
    model = load_model("builtin").to(device)
    scenes = _scenes(load_model("builtin"), _AT_ONCE, side)
    sources: tuple[CoefficientSource, ...] = (ByFit(), load_regressor(model))
    for source in sources:
        ours = CfrGanFrontalizer(model, Painter(folded, side, ""), size=side, source=source)
        run = partial(
            ours.restore_many, [one.photo for one in scenes], [one.points for one in scenes]
        )
        name = f"CUDA: crop to restored image, {_AT_ONCE} photos, by {source.identity['by']}"
        paint = _awaited(partial(_paint, folded, one, other))
        whole = time_pairs(name, _awaited(run), "generator alone", paint, repeats)
        yield _told(whole, _AT_ONCE, _CUDA_BAR)


def _scenes(model: MorphableModel, count: int, side: int) -> list[Scene]:
    """Photos that are aligned crops already, so that cutting them out costs next to nothing."""
    sampler = IdentitySampler(model)
    people = [sampler.draw(seed) for seed in range(count)]
    scenes = draw_scenes(model, people, list(range(count)), SceneSettings(size=side))
    found = []
    for one in scenes:
        alignment = align_deep3d(five_from_68(one.points), side)
        crop, points = alignment.crop(one.photo), alignment.to_crop(one.points)
        found.append(replace(one, photo=crop, points=points))
    return found


def _told(timing: Timing, images: int, bar: float) -> Timing:
    each = timing.seconds / images
    return replace(timing, note=f"{1000 * each:.2f} ms an image (bar {1000 * bar:g})")


@torch.no_grad()
def _paint(net: FaceGenerator, damaged: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
    painted = net(damaged, guide)
    return painted.image, painted.mask


def _awaited(run: Callable[[], object]) -> Callable[[], object]:
    """The same, and all that it started on the GPU is done."""

    def call() -> object:
        found = run()
        torch.cuda.synchronize()
        return found

    return call
