"""Which expression a face has: a network with a number for each class, on photos that are cut."""

import hashlib
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64

from protocols.errors import BadInput
from protocols.photos import Photos
from protocols.types import ExpressionProtocol
from recognizers.types import Recognizer

_BLOCK = 64


def right_answers(
    protocol: ExpressionProtocol,
    recognizer: Recognizer,
    file: Path,
    rows: Int64[np.ndarray, " r"],
    cache: Path,
) -> Bool[np.ndarray, " r"]:
    """Classify photos: which of them the network is right about.

    The photos are cut already and are fed whole, resized to what the network takes. The largest of
    its numbers decides; of several that are alike, the first.

    Args:
        protocol: The photos and their classes; the network's numbers are in the order of these.
        recognizer: The network.
        file: Its weights, for messages.
        rows: Which photos.
        cache: The folder of what was computed before.

    Raises:
        BadInput: It does not give a number for each class, or one is not finite; or a photo cannot
            be read.
    """
    classes = len(protocol.classes)
    if recognizer.dimension != classes:
        expected = f"{classes} numbers a face: {', '.join(protocol.classes)}"
        raise BadInput(file, "output", expected, str(recognizer.dimension))
    samples = protocol.samples
    places = samples.photo[rows].astype(np.int64)
    answers = _answers(samples.photos, places, recognizer, cache)
    broken = ~np.isfinite(answers).all(axis=1)
    if broken.any():
        name = samples.photos.names[int(places[broken.argmax()])]
        raise BadInput(file, "output", "finite numbers", f"others for {name}")
    return answers.argmax(axis=1) == protocol.labels[rows]


def _answers(
    photos: Photos, places: Int64[np.ndarray, " r"], recognizer: Recognizer, folder: Path
) -> Float32[np.ndarray, "r c"]:
    """The network's numbers for photos; those that are known already are not computed again."""
    from recognizers.variations import AS_IS
    from results.cache.store import Cache
    from results.export.faces import fed

    keys = [hashlib.sha256(photos.content(int(place))).digest() for place in places]
    cache = Cache(folder, {"what": "classes of whole photos", "network": recognizer.identity})
    known = cache.find(keys)
    answers = np.zeros((len(places), recognizer.dimension), np.float32)
    if known.have.any():
        answers[known.have] = known.arrays["answers"][known.have]
    unknown = np.flatnonzero(~known.have)
    for start in range(0, len(unknown), _BLOCK):
        block = unknown[start : start + _BLOCK]
        # No points: the whole photo is the face.
        pictures = [(photos.read(int(places[row])), None) for row in block]
        answers[block] = recognizer.embed(fed(pictures, recognizer, AS_IS, smooth=True))
        cache.add([keys[row] for row in block], {"answers": answers[block]})
    return answers
