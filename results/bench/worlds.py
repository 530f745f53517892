"""Made-up template protocols of the real ones' size, for timing: arrays, and files on disk."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

DIMENSIONS = 512


@dataclass(frozen=True)
class Size:
    """How large a benchmark is: its published counts."""

    name: str
    images: int
    templates: int
    gallery: int
    pairs: int
    genuine: int


IJBB = Size("IJB-B", 227_630, 12_115, 1_845, 8_010_270, 10_270)
IJBC = Size("IJB-C", 469_375, 23_124, 3_531, 15_658_489, 19_557)


@dataclass(frozen=True, eq=False)
class World:
    """Templates, media and pairs of a made-up benchmark; template ``i`` has the number ``i + 1``.

    Attributes:
        template: ``(n,)`` each image's template, ascending.
        media: ``(n,)`` each image's medium.
        subjects: ``(t,)`` each template's person; the first templates are the galleries.
        left: ``(p,)`` a template of a gallery, ascending.
        right: ``(p,)`` a probe.
        genuine: ``(p,)`` whether both are the same person.
    """

    size: Size
    template: Int32[np.ndarray, " n"]
    media: Int64[np.ndarray, " n"]
    subjects: Int64[np.ndarray, " t"]
    left: Int32[np.ndarray, " p"]
    right: Int32[np.ndarray, " p"]
    genuine: Bool[np.ndarray, " p"]


def make_world(size: Size, seed: int = 0) -> World:
    """Draw a world: every probe's person is in a gallery, impostor pairs are spread evenly."""
    rng = np.random.default_rng(seed)
    probes = size.templates - size.gallery
    extra = rng.integers(0, size.templates, size.images - size.templates)
    template = np.sort(np.concatenate((np.arange(size.templates), extra))).astype(np.int32)
    media = rng.integers(0, max(1, size.images // 4), size.images)
    owner = rng.permutation(np.arange(probes) % size.gallery)
    subjects = np.concatenate((np.arange(size.gallery), owner))
    mates = np.sort(rng.permutation(probes)[: size.genuine])
    share = np.full(size.gallery, (size.pairs - size.genuine) // size.gallery)
    share[: (size.pairs - size.genuine) - share.sum()] += 1
    rights = []
    for person in range(size.gallery):
        others = np.flatnonzero(owner != person)
        drawn = rng.choice(others, share[person], replace=False, shuffle=False)
        own = mates[owner[mates] == person]
        rights.append(np.concatenate((own, drawn)).astype(np.int32) + np.int32(size.gallery))
    counts = [len(one) for one in rights]
    left = np.repeat(np.arange(size.gallery, dtype=np.int32), counts)
    right = np.concatenate(rights)
    genuine = subjects[left] == subjects[right]
    return World(size, template, media, subjects, left, right, genuine)


def make_embeddings(
    world: World, seed: int = 1, dimensions: int = DIMENSIONS
) -> Float32[np.ndarray, "n d"]:
    """An embedding an image: its person's direction, and noise; a block at a time."""
    rng = np.random.default_rng(seed)
    people = int(world.subjects.max()) + 1
    person = rng.standard_normal((people, dimensions), dtype=np.float32)
    embeddings = np.empty((len(world.template), dimensions), np.float32)
    for start in range(0, len(embeddings), 8192):
        block = embeddings[start : start + 8192]
        rng.standard_normal(out=block, dtype=np.float32)
        block *= 12.0
        block += person[world.subjects[world.template[start : start + 8192]]]
    return embeddings


def write_release(world: World, root: Path, seed: int = 2) -> None:
    """Write the metadata of a world in insightface's IJB_release layout, without photos."""
    short = world.size.name.replace("-", "")
    folder = root / short / "meta"
    folder.mkdir(parents=True)
    names = [f"{index + 1}.jpg" for index in range(len(world.template))]
    rng = np.random.default_rng(seed)
    prefix = short.lower()
    with (folder / f"{prefix}_face_tid_mid.txt").open("w") as file:
        for name, template, medium in zip(
            names, world.template.tolist(), world.media.tolist(), strict=True
        ):
            file.write(f"{name} {template + 1} {medium + 1}\n")
    points = rng.uniform(10, 200, (len(names), 10)).round(3)
    scores = rng.uniform(0.5, 1, len(names)).round(6)
    with (folder / f"{prefix}_name_5pts_score.txt").open("w") as file:
        for name, row, score in zip(names, points.tolist(), scores.tolist(), strict=True):
            file.write(f"{name} {' '.join(map(str, row))} {score}\n")
    with (folder / f"{prefix}_template_pair_label.txt").open("w") as file:
        for start in range(0, len(world.left), 500_000):
            part = slice(start, start + 500_000)
            columns = (world.left[part] + 1, world.right[part] + 1, world.genuine[part])
            rows = np.stack(columns, axis=1).tolist()
            file.write("".join(f"{left} {right} {same:d}\n" for left, right, same in rows))
