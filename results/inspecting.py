"""What a protocol holds, in words and as a list of its faces."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from protocols.errors import BadOption
from protocols.types import (
    ExpressionProtocol,
    IdentificationProtocol,
    Samples,
    TrainingFaces,
    VerificationProtocol,
)
from results.loading import SPLIT, Anything, Source, load

_POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
HEADER = (
    *("row", "photo", "absent", "score", "x", "y", "width", "height"),
    *(f"{point}_{axis}" for point in _POINTS for axis in "xy"),
)
"""Left and right are the image's."""


def describe(protocol: Anything) -> Iterator[tuple[str, str]]:
    """What was found, line by line: a label and a sentence."""
    yield "protocol", protocol.name
    yield "rule", protocol.rule
    if (split := getattr(protocol, "split", None)) is not None:
        yield "split", str(split)
    yield "counts", protocol.counted
    if isinstance(protocol, TrainingFaces):
        yield "photos", f"{len(protocol.labels):,} of {len(protocol.identities):,} identities"
        return
    samples = protocol.samples
    lost = int(samples.absent.sum())
    absent = f", {lost:,} without their photo (failures to enrol)" if lost else ""
    yield "faces", f"{len(samples):,} in {len(samples.photos.names):,} photos{absent}"
    if isinstance(protocol, ExpressionProtocol):
        for name, rows in protocol.subsets.items():
            counts = np.bincount(protocol.labels[rows], minlength=len(protocol.classes))
            each = zip(protocol.classes, counts, strict=True)
            yield name, f"{len(rows):,}: " + ", ".join(f"{word} {count:,}" for word, count in each)
        return
    templates = protocol.templates
    people = len(np.unique(templates.subjects[templates.subjects >= 0]))
    yield "templates", f"{len(templates):,}, {people:,} people named"
    yield from _comparisons(protocol)
    yield "digest", protocol.digest


def _comparisons(
    protocol: VerificationProtocol | IdentificationProtocol,
) -> Iterator[tuple[str, str]]:
    if isinstance(protocol, IdentificationProtocol):
        for name, gallery in protocol.galleries.items():
            known = protocol.templates.subjects[gallery]
            asked = protocol.templates.subjects[protocol.probes[name]]
            mated = int(np.isin(asked, known).sum())
            yield f"gallery {name}", f"{len(gallery):,}, {len(asked):,} probes, {mated:,} mated"
        return
    pairs = protocol.pairs
    genuine = int(pairs.genuine.sum())
    folds = "" if pairs.fold is None else f", {len(np.unique(pairs.fold))} folds"
    yield "pairs", f"{len(pairs):,}: {genuine:,} genuine, {len(pairs) - genuine:,} impostor{folds}"


def write_faces(source: Source, path: Path) -> list[tuple[Path, int]]:
    """List the faces of a protocol as CSV, in the order that embeddings have to have.

    Args:
        source: The protocol.
        path: The file to write; ``{split}`` in its name stands for the split's number.

    Returns:
        Each file, and how many faces it lists.

    Raises:
        BadOption: The protocol has splits and the name does not say where the number goes.
    """
    protocols = load(source)
    if len(protocols) > 1 and SPLIT not in path.name:
        raise BadOption(str(path), f"{SPLIT} in the name: each split has faces of its own")
    written = []
    for protocol in protocols:
        if isinstance(protocol, TrainingFaces):
            raise BadOption(source.name, "a protocol that is scored; this is training data")
        split = getattr(protocol, "split", None)
        if split is None and SPLIT in path.name:
            raise BadOption(str(path), f"a name without {SPLIT}: the protocol has no splits")
        file = path.with_name(path.name.replace(SPLIT, str(split)))
        partial = file.with_name(f".{file.name}.part")
        with partial.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(HEADER)
            writer.writerows(_rows(protocol.samples))
        partial.replace(file)
        written.append((file, len(protocol.samples)))
    return written


def _rows(samples: Samples) -> Iterator[list[object]]:
    """One line a face; what is unknown stays blank."""
    count = len(samples)
    known = (
        (samples.scores, 1),
        (samples.boxes, 4),
        (samples.landmarks, len(_POINTS) * 2),
    )
    numbers = np.full((count, sum(width for _, width in known)), np.nan)
    start = 0
    for values, width in known:
        if values is not None:
            numbers[:, start : start + width] = values.reshape(count, width)
        start += width
    names = samples.photos.names
    for row, photo in enumerate(samples.photo.tolist()):
        told = ["" if math.isnan(one) else f"{one:.7g}" for one in numbers[row].tolist()]
        yield [row, names[photo], int(samples.absent[row]), *told]
