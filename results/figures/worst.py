"""The pairs that a system gets most wrong, as the recognizer saw them."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cfr.frontalizers.sources import NONE
from eval.roc import equal_error_rate
from protocols.types import VerificationProtocol
from recognizers.variations import AS_IS
from results.export.faces import fed, restore, restored_points
from results.export.ground import one_thread
from results.figures.pairs import ShownPair, draw_pairs, worst_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from results.evaluating import Evaluated
    from results.pipeline import Exported


def draw_worst(title: str, found: "Evaluated", row: str, count: int) -> "Figure":
    """Draw the worst pairs of the first split.

    A template of several faces is shown by its first one; a frontalized face with what it was
    before below it.

    Args:
        title: Over everything.
        found: What was measured.
        row: The system.
        count: Pairs of each kind.

    Raises:
        BadInput: A photo cannot be read any more.
    """
    protocol, exported = found.verified[0], found.exported[0]
    pairs, scores = protocol.pairs, found.whole.splits[0].scores[row]
    first = _first_faces(protocol)
    index, name_of = _system(exported, row), _namer(protocol)

    def shown(pair: int) -> ShownPair:
        left, right = (int(first[side[pair]]) for side in (pairs.left, pairs.right))
        names = (name_of(left), name_of(right))
        pictures = (_pictures(exported, index, left), _pictures(exported, index, right))
        return ShownPair(*pictures, score=float(scores[pair]), names=names)

    misses, accepts = worst_pairs(scores, pairs.genuine, count)
    threshold = None
    if pairs.genuine.any() and not pairs.genuine.all():
        cut = equal_error_rate(scores, pairs.genuine).threshold
        threshold = cut if np.isfinite(cut) else None  # nearly all failed to enrol
    with one_thread():
        below, above = ([shown(int(one)) for one in block] for block in (misses, accepts))
    return draw_pairs(title, below, above, threshold)


def _first_faces(protocol: VerificationProtocol) -> np.ndarray:
    """Each template's first face; one that is there, where there is any."""
    templates = protocol.templates
    absent = protocol.samples.absent[templates.sample]
    order = np.lexsort((np.arange(len(absent)), absent, templates.template))
    _, first = np.unique(templates.template[order], return_index=True)
    return templates.sample[order][first]


def _system(exported: "Exported", row: str) -> int:
    """Which system a row belongs to; a row may name the way of pooling as well."""
    names = [one.name for one in exported.embeddings]
    return max(
        (at for at, name in enumerate(names) if row.startswith(name)), key=lambda at: len(names[at])
    )


def _pictures(exported: "Exported", index: int, row: int) -> tuple[np.ndarray, ...]:
    """The crop that was embedded, and the one before it if the face was frontalized."""
    exporter, way = exported.exporter, exported.ways[index]
    if exporter.contents.samples.absent[row]:
        return (np.zeros((112, 112, 3), np.uint8),)
    photo = exporter.contents.photo(row).read()
    recognizer = exporter.recognizer(way)
    plain = fed([(photo, exporter.points(row, NONE, recognizer))], recognizer, AS_IS, smooth=False)
    frontalizer = exporter.frontalizer(exported.systems[index].frontalizer)
    if frontalizer is None or not exporter.places.found[row]:
        return (plain.images[0],)
    name = exported.systems[index].frontalizer
    restored = restore(frontalizer, photo, exporter.points(row, name, recognizer))
    if restored is None:
        return (plain.images[0],)
    face = (restored.image, restored_points(restored.points))
    return (fed([face], recognizer, AS_IS, smooth=True).images[0], plain.images[0])


def _namer(protocol: VerificationProtocol) -> Callable[[int], str]:
    """What to call a face: its photo's file name, with folders where the name alone is not one."""
    samples = protocol.samples
    shared = Counter(str(name).rsplit("/", 1)[-1] for name in samples.photos.names)

    def name_of(row: int) -> str:
        name = str(samples.photos.names[int(samples.photo[row])])
        last = name.rsplit("/", 1)[-1]
        return last if shared[last] == 1 else name

    return name_of
