"""How many Swap-R&R pairs a process makes, from a photo and its points to PNGs on the disk."""

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from cfr.camera import Camera
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.pairs.live import LivePairs
from cfr.render.rasterizer import rasterize
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.images import save_image
from protocols.roots import project_root
from results.bench.timing import Timing, time_pairs
from results.export.ground import one_thread
from results.export.work import no_bar
from results.making_pairs import MakePairs, make_pairs_of
from results.pair_orders import FIT, PairOrder, PhotoBlock, PhotoToPair
from results.pair_shards import make_shard

BAR, CORES, BAR_ON_CUDA = 5, 2, 200
"""Pairs a second at 224: with the fit on two cores, and on a GPU."""
_SIZE, _FACES, _ON_CUDA = 224, 8, 64
_REGRESSOR = "assets/regressor-stage2.safetensors"


def time_making(repeats: int, size: int = _SIZE, faces: int = _FACES) -> Iterator[Timing]:
    """Pairs of made-up people against drawing one of their faces once.

    Args:
        repeats: Timed pairs.
        size: Pixels a side.
        faces: Photos at a time.
    """
    with tempfile.TemporaryDirectory() as folder, one_thread():
        root = Path(folder)
        photos = _photograph(root / "photos", faces)
        model = load_model("builtin")
        draw = partial(draw_once, model, size)
        for name, coefficients in (("fitted", FIT), ("by a regressor", _path(_REGRESSOR))):
            order = _order(size, coefficients, "cpu")
            make = _shards(root / name, order, photos)
            subject = f"a pair of {size}² from photo and points to PNG, {name}"
            timing = time_pairs(subject, make, "one face drawn", draw, repeats).divided(faces)
            yield replace(timing, note=_note(timing.seconds, cpu_seconds(make) / faces, name))
        live = _live(root, model, size, photos)
        numbers = itertools.count()
        read = partial(_read, live, numbers)
        yield time_pairs("a pair on the fly", read, "one face drawn", draw, repeats)
        if torch.cuda.is_available():
            yield _on_cuda(root, photos, draw, repeats, size)


def _note(seconds: float, cpu: float, name: str) -> str:
    told = f"{1 / seconds:.1f} pairs a second of one process, {1000 * cpu:.0f} ms of its CPU a pair"
    bar = f"; bar: ≥ {BAR} a second on {CORES} cores" if name == "fitted" else ""
    return told + bar


def _on_cuda(
    root: Path,
    photos: list[PhotoToPair],
    draw: Callable[[], object],
    repeats: int,
    size: int,
) -> Timing:
    many = [photos[at % len(photos)] for at in range(_ON_CUDA)]
    make = _shards(root / "cuda", _order(size, FIT, "cuda"), many)
    subject = f"the same on CUDA, {_ON_CUDA} at a time"
    timing = time_pairs(subject, make, "one face drawn", draw, repeats).divided(_ON_CUDA)
    rate = f"{1 / timing.seconds:.0f} pairs a second; bar: ≥ {BAR_ON_CUDA}"
    return replace(timing, note=f"{rate}; {torch.cuda.get_device_name()}")


def _photograph(folder: Path, count: int) -> list[PhotoToPair]:
    """Photos of made-up people on the disk, and where their points are."""
    folder.mkdir()
    model = load_model("builtin")
    sampler = IdentitySampler(model)
    people = [sampler.draw(seed) for seed in range(count)]
    scenes = draw_scenes(model, people, list(range(count)), SceneSettings(size=_SIZE))
    photos = []
    for at, scene in enumerate(scenes):
        path = folder / f"{at}.png"
        save_image(path, scene.photo)
        photos.append(PhotoToPair(path, path.name, scene.points))
    return photos


def _order(size: int, coefficients: str, device: str) -> PairOrder:
    return PairOrder(
        model="builtin",
        size=size,
        preset="release",
        swap=True,
        parser="none",
        coefficients=coefficients,
        landmarks="",
        landmarks_root=None,
        seed=0,
        each=1,
        device=device,
    )


def _shards(folder: Path, order: PairOrder, photos: list[PhotoToPair]) -> Callable[[], object]:
    """Each call makes another shard of the same photos."""
    folder.mkdir()
    numbers = itertools.count()

    def make() -> object:
        block = PhotoBlock(next(numbers), 0, tuple(photos))
        return make_shard(folder, order, block)

    return make


def cpu_seconds(call: Callable[[], object]) -> float:
    """Of this process: what the clock says depends on who else computes."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def _live(root: Path, model: MorphableModel, size: int, photos: list[PhotoToPair]) -> LivePairs:
    """Pairs on the fly of a folder that is made here."""
    from cfr.pairs.folder import PairFolder

    with (root / "points.csv").open("w") as file:
        file.write("file," + ",".join(f"x{at},y{at}" for at in range(1, 69)) + "\n")
        for photo in photos:
            numbers = [] if photo.points is None else photo.points.ravel().tolist()
            file.write(",".join([photo.name, *map(str, numbers)]) + "\n")
    options = MakePairs(
        root / "photos",
        root / "pairs",
        size=size,
        jobs=1,
        device="cpu",
        landmarks="sidecar",
        landmarks_root=root / "points.csv",
    )
    make_pairs_of(options, no_bar)
    return LivePairs(PairFolder(root / "pairs"), model)


def _read(live: LivePairs, numbers: Iterator[int]) -> object:
    number = next(numbers)
    return live.read(number % len(live), number)


def draw_once(model: MorphableModel, size: int) -> object:
    """What the reference is: the mean face, drawn once."""
    camera = Camera().resized(size)
    at = camera.project(reconstruct(model, model.layout().zeros(1)).vertices)
    return rasterize(at, model.triangles, size, size)


def _path(name: str) -> str:
    return str(project_root() / name)
