"""From photos that are asked for to files, block by block: what is there already stays."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from cfr.align import align_arcface, five_from_68
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import Identity, IdentitySampler
from cfr.synthetic.shots import Shown, draw_shot
from results.cache.durable import remove_leftovers, write_durably
from results.export.ground import one_thread
from results.export.mapping import Workers, map_blocks
from results.export.work import Show
from results.synthetic.plan import CELLS, Photo, SetPlan, Truth, write_file

BLOCK = 32
"""Photos of a block: a second or so of work, which a killed run loses."""
WORK = ".work"
"""Folder in a data set's root that holds what is known of its photos until all are there."""
JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Block:
    """Some photos that one process takes."""

    number: int
    photos: tuple[Photo, ...]


def take_photos(root: Path, plan: SetPlan, workers: Workers, show: Show) -> Truth:
    """Take the photos of a data set that are not there yet.

    Args:
        root: The data set's folder.
        plan: What it consists of.
        workers: Who draws; the files are the same whoever does.
        show: Opens a progress bar.

    Raises:
        CacheFailed: The disk is full.
        WorkersLost: A process was ended by the system.
    """
    (root / WORK).mkdir(parents=True, exist_ok=True)
    remove_leftovers(root / WORK)
    for folder in sorted({(root / photo.name).parent for photo in plan.photos}):
        folder.mkdir(parents=True, exist_ok=True)
    blocks = [
        Block(number, tuple(plan.photos[first : first + BLOCK]))
        for number, first in enumerate(range(0, len(plan.photos), BLOCK))
    ]
    waiting = [block for block in blocks if not _known(root, block.number).is_file()]
    with show(plan.name, len(plan.photos)) as advance:
        advance(len(plan.photos) - sum(len(block.photos) for block in waiting))
        for _, count in map_blocks(partial(take_block, root), waiting, workers):
            advance(count)
    return Truth.joined([_read(_known(root, block.number)) for block in blocks])


def take_block(root: Path, block: Block) -> int:
    """Take the photos of a block, and then write down what is known of them."""
    with one_thread():
        parts = [take_photo_of(root, photo) for photo in block.photos]
    known = Truth.joined(parts)
    buffer = io.BytesIO()
    np.savez(buffer, points=known.points, depth=known.depth, hidden=known.hidden, cells=known.cells)
    write_durably(_known(root, block.number), buffer.getvalue())
    return len(block.photos)


def take_photo_of(root: Path, photo: Photo) -> Truth:
    """Take one photo; it stands under its name as a whole or not at all."""
    person = _person(photo.shot.person)
    shown = draw_shot(_sampler().model, person, photo.shot)
    picture, points, depth = shown.photo, shown.points, shown.depth
    if photo.aligned:
        alignment = align_arcface(five_from_68(points))
        picture, points = alignment.crop(picture), alignment.to_crop(points)
        depth = depth * np.sqrt(abs(np.linalg.det(alignment.matrix[:, :2])))
    path = root / photo.name
    write_file(path, encode(picture, path.suffix))
    return Truth(
        points=points[None].astype(np.float32),
        depth=depth[None].astype(np.float32),
        hidden=np.array([shown.hidden], np.float32),
        cells=_cells(shown)[None],
    )


def encode(picture: UInt8[np.ndarray, "h w 3"], suffix: str) -> bytes:
    """A picture as JPEG or PNG."""
    buffer = io.BytesIO()
    if suffix == ".png":
        Image.fromarray(picture).save(buffer, "PNG", compress_level=3)
    else:
        Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _cells(shown: Shown) -> Bool[np.ndarray, "18"]:
    """Which parts of the face are covered, in the box of all that is face."""
    rows, columns = np.nonzero(shown.face)
    if not len(rows):
        return np.zeros(CELLS[0] * CELLS[1], bool)
    covered = shown.occlusion[rows, columns]
    where = [
        np.minimum((at - at.min()) * number // (np.ptp(at) + 1), number - 1)
        for at, number in zip((rows, columns), CELLS, strict=True)
    ]
    cell = where[0] * CELLS[1] + where[1]
    count = np.bincount(cell, minlength=CELLS[0] * CELLS[1])
    return np.bincount(cell, covered, CELLS[0] * CELLS[1]) >= np.maximum(count, 1) / 2


def _known(root: Path, number: int) -> Path:
    return root / WORK / f"{number:06d}.npz"


def _read(path: Path) -> Truth:
    with np.load(path, allow_pickle=False) as arrays:
        return Truth(**arrays)


@lru_cache(maxsize=1)
def _sampler() -> IdentitySampler:
    return IdentitySampler(load_model("builtin"))


@lru_cache(maxsize=4)
def _person(seed: int) -> Identity:
    return _sampler().draw(seed)


def photos_of(root: Path, photos: Sequence[Photo]) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Some photos as they lie on disk."""
    from protocols.images import read_image

    return [read_image(root / photo.name) for photo in photos]
