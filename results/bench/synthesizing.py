"""How fast made-up people are photographed, and whether their expressions can be learned."""

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from cfr.morphable.sources import load_model
from protocols.types import ExpressionProtocol
from results.bench.pairing import cpu_seconds, draw_once
from results.bench.timing import Quality, Timing, time_pairs
from results.export.ground import one_thread
from results.synthetic import casia
from results.synthetic.taking import BLOCK, WORK, Block, take_block

BAR, CORES = 20, 2
"""Photos a second at 112² on two cores."""
LEARNED = "gradients and logistic regression"
_SIDE = 64  # pixels of a photo whose gradients are taken


def measure_world(root: Path | None, repeats: int) -> Iterator[Timing | Quality]:
    """Photos of CASIA's kind from seed to file; of a world that is there, what can be learned.

    Args:
        root: A folder that ``make_synthetic.py`` wrote, with RAF-DB in it; None for times alone.
        repeats: Timed pairs.
    """
    with tempfile.TemporaryDirectory() as folder, one_thread():
        place, numbers = Path(folder), itertools.count()
        photos = casia.plan("mini", 0, "timing").photos[:BLOCK]
        for photo in photos:
            (place / photo.name).parent.mkdir(parents=True, exist_ok=True)
        (place / WORK).mkdir()
        draw = partial(draw_once, load_model("builtin"), 112)

        def take() -> object:
            return take_block(place, Block(next(numbers), tuple(photos)))

        subject = f"a photo of {casia.SIDE}² from its seed to the file"
        timing = time_pairs(subject, take, "one face drawn", draw, repeats).divided(BLOCK)
        cpu = cpu_seconds(take) / BLOCK
        told = (
            f"{1 / timing.seconds:.0f} photos a second of one process, {1000 * cpu:.0f} ms of its "
        )
        yield replace(timing, note=f"{told}CPU a photo; bar: ≥ {BAR} a second on {CORES} cores")
    if root is not None:
        yield from measure_expressions(root / "rafdb")


def measure_expressions(root: Path) -> Iterator[Quality]:
    """What :data:`LEARNED` makes of RAF-DB's photos, and of the same with shuffled labels.

    Args:
        root: The data set's folder.
    """
    from protocols import rafdb

    protocol = rafdb.load(root)
    features = _gradients(protocol)
    train, test = protocol.subsets["train"], protocol.subsets["test"]
    most = np.bincount(protocol.labels[test]).max() / len(test)
    shuffled = protocol.labels.copy()
    shuffled[train] = np.random.default_rng(0).permutation(shuffled[train])
    for labels, what, bar in (
        (protocol.labels, "", "above the most frequent class, below 100"),
        (shuffled, ", labels shuffled", "not above the most frequent class"),
    ):
        right = _learn(features, labels, train) == protocol.labels
        parts = ", ".join(
            f"{name} {100 * right[at].mean():.1f}"
            for name, at in protocol.subsets.items()
            if name not in ("train", "test") and len(at)
        )
        yield Quality(
            subject=f"RAF-DB, {LEARNED}{what}: accuracy, %",
            value=100 * float(right[test].mean()),
            bar=bar,
            n=len(test),
            note=f"most frequent class {100 * most:.1f}; {parts}",
        )


def _gradients(protocol: ExpressionProtocol) -> Float32[np.ndarray, "n d"]:
    """Histograms of oriented gradients of each photo."""
    import cv2
    from skimage.feature import hog

    photos = protocol.samples.photos
    return np.stack(
        [
            hog(cv2.resize(photos.read(at), (_SIDE, _SIDE)).mean(2), pixels_per_cell=(8, 8))
            for at in range(len(photos.names))
        ]
    ).astype(np.float32)


def _learn(
    features: Float32[np.ndarray, "n d"], labels: Int64[np.ndarray, " n"], train: np.ndarray
) -> Int64[np.ndarray, " n"]:
    """Learn from some photos; a class for all of them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learner = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    learner.fit(features[train], labels[train])
    return learner.predict(features)
