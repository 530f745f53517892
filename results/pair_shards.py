"""Photos to pairs, a shard at a time: exchange, turn, write."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cfr.pairs.making import PairMaker, pair_rng
from cfr.pairs.pictures import pictures_of
from cfr.pairs.shards import MadePair, shard_name, write_shard
from cfr.pictures import to_float
from cfr.types import Coefficients
from results.export.ground import one_thread
from results.faces_to_pair import FaceInPhoto, ShardReport, describe, find_face
from results.pair_covers import cover_faces
from results.pair_orders import PairOrder, PhotoBlock, PhotoToPair, face_model, face_parser

_AT_ONCE = {"cpu": 8, "cuda": 64}  # faces
_THREADS = {"cpu": 1, "cuda": 16}  # that read photos and encode pictures, for a GPU not to wait


def make_shard(out: Path, order: PairOrder, block: PhotoBlock) -> ShardReport:
    """Make and write a shard; the same photos are the same bytes in every process.

    Raises:
        BadInput: A photo is damaged, or its source gives five points alone.
    """
    report, left_out = ShardReport(), {}
    with nullcontext() if order.device == "cuda" else one_thread():
        faces = list(_found(order, block, report, left_out))
        made, kept = [], []
        at_once = _AT_ONCE[order.device]
        for start in range(0, len(faces), at_once):
            with report.spent("coefficients"):
                some, found = describe(order, faces[start : start + at_once], left_out)
            if some:
                with report.spent("pairs"):
                    pairs, used = pair_faces(order, some, found)
                made += pairs
                kept.append(used)
        with report.spent("writing"):
            write_shard(
                out / shard_name(block.number),
                made,
                _joined(kept),
                left_out,
                _THREADS[order.device],
            )
    report.pairs = len(made)
    return report


def _found(
    order: PairOrder, block: PhotoBlock, report: ShardReport, left_out: dict[str, str]
) -> Iterator[FaceInPhoto]:
    """The faces of a block, in order; photos without one are added to ``left_out``."""

    def find(numbered: tuple[int, PhotoToPair]) -> FaceInPhoto | str:
        try:
            return find_face(order, numbered[1], numbered[0], report)
        except ValueError as error:  # no face, or points that are no numbers or in one place
            return str(error)

    numbered = enumerate(block.photos, block.first)
    # On a CPU in this very thread: PyTorch has been told how many others it may use.
    pool = ThreadPoolExecutor(_THREADS[order.device]) if order.device == "cuda" else nullcontext()
    with pool as threads:
        found = threads.map(find, numbered) if threads else map(find, numbered)
        for photo, face in zip(block.photos, found, strict=True):
            if isinstance(face, str):
                left_out[photo.name] = face
            else:
                yield face


def pair_faces(
    order: PairOrder, faces: Sequence[FaceInPhoto], coefficients: Coefficients
) -> tuple[list[MadePair], Coefficients]:
    """Turn each face to ``order.each`` random poses and back.

    Args:
        order: How.
        faces: At least one.
        coefficients: A row a face, on the CPU.

    Returns:
        The pairs, and the coefficients that they were made with: a row a pair, on the CPU.
    """
    made: list[MadePair] = []
    rows: list[Tensor] = []
    model, parser = face_model(order.model, order.device), face_parser(order)
    make = PairMaker(model, order.preset, order.swap, parser)
    photos = to_float(np.stack([face.crop for face in faces]), order.device)
    for turn in range(order.each):
        found, cover = cover_faces(order, faces, coefficients, turn)
        rngs = [pair_rng(order.seed, face.source, turn) for face in faces]
        pairs = make(photos, found.to(order.device), rngs, cover)
        rows.append(model.layout().join(found))
        degrees = np.degrees(pairs.rotation.cpu().double().numpy()).round(4).tolist()
        for face, pictures, (pitch, yaw, roll) in zip(
            faces, pictures_of(pairs), degrees, strict=True
        ):
            one = MadePair(
                pictures=pictures,
                name=f"{face.source * order.each + turn:05d}",
                source=face.source,
                photo=face.name,
                photo_sha256=face.sha256,
                rotation_degrees=(pitch, yaw, roll),
            )
            made.append(one)
    in_order = sorted(range(len(made)), key=lambda at: int(made[at].name))
    kept = model.layout().split(torch.cat(rows)[in_order])
    return [made[at] for at in in_order], kept


def _joined(parts: Sequence[Coefficients]) -> Coefficients | None:
    if not parts:
        return None
    named = [part.parts() for part in parts]
    joined = {name: torch.cat([one[name] for one in named]) for name in named[0]}
    return Coefficients(**joined, model=parts[0].model)
