"""Scoring at the size of IJB-C, against a loop of the shape that public evaluations have.

The reference looks every template's images up among all images, every medium's among those, fetches
two vectors for every pair, and sorts all scores for the curve, as insightface's evaluation does.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Int64

from eval.pooling import Members, Pooling, pool
from eval.roc import tar_at_far
from eval.scoring import score_pairs
from eval.search import search
from results.bench import memory
from results.bench.timing import Timing, time_pairs
from results.bench.worlds import IJBB, IJBC, World, make_embeddings, make_world

FARS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
LOOP = "insightface-shaped loop"
_SIZES = {size.name: size for size in (IJBB, IJBC)}


class _Run:
    """One evaluation, its results, and the seconds of its three stages."""

    def __init__(self, world: World, embeddings: Float32[np.ndarray, "n d"]) -> None:
        self.world, self.embeddings = world, embeddings
        self.scores = np.empty(0)
        self.rates: tuple[float | None, ...] = ()
        self.seconds: tuple[float, ...] = ()

    def __call__(self) -> None:
        world, times = self.world, [time.perf_counter()]
        templates = self.pool()
        times.append(time.perf_counter())
        self.scores = self.score(templates)
        times.append(time.perf_counter())
        self.rates = self.rate(world.genuine)
        times.append(time.perf_counter())
        self.seconds = tuple(np.diff(times))

    def pool(self) -> np.ndarray:
        world = self.world
        rows = np.arange(len(world.template), dtype=np.int32)
        members = Members(rows, world.template, world.media, world.size.templates)
        return pool(self.embeddings, members, Pooling(keep_norm=True))

    def score(self, templates: np.ndarray) -> np.ndarray:
        return score_pairs(templates, self.world.left, self.world.right)

    def rate(self, genuine: np.ndarray) -> tuple[float | None, ...]:
        return tuple(one.tar for one in tar_at_far(self.scores, genuine, FARS, "nearest"))

    @property
    def stages(self) -> str:
        """The seconds of pooling, scoring and TAR@FAR, in words."""
        return " + ".join(f"{one:.2f}" for one in self.seconds)


class _Loop(_Run):
    """The same, in the shape of a loop over templates, media and batches of pairs.

    As there, what is collected into an array of zeros is in double precision from then on.
    """

    def pool(self) -> np.ndarray:
        from sklearn.preprocessing import normalize

        template, media = self.world.template.astype(np.int64), self.world.media
        result = np.zeros((self.world.size.templates, self.embeddings.shape[1]))
        for index, one in enumerate(np.unique(template)):
            rows = np.where(template == one)[0]
            found, its_media = self.embeddings[rows], media[rows]
            means = []
            for medium, count in zip(*np.unique(its_media, return_counts=True), strict=True):
                frames = found[np.where(its_media == medium)[0]]
                means.append(frames if count == 1 else np.mean(frames, axis=0, keepdims=True))
            result[index] = np.sum(np.array(means), axis=0)
        return np.asarray(normalize(result))

    def score(self, templates: np.ndarray) -> np.ndarray:
        left, right = self.world.left, self.world.right
        scores = np.zeros(len(left))
        for start in range(0, len(left), 100_000):
            part = slice(start, start + 100_000)
            scores[part] = np.sum(templates[left[part]] * templates[right[part]], -1)
        return scores

    def rate(self, genuine: np.ndarray) -> tuple[float | None, ...]:
        from sklearn.metrics import roc_curve

        far, tar, _ = roc_curve(genuine, self.scores)
        far, tar = np.flipud(far), np.flipud(tar)
        return tuple(float(tar[np.argmin(np.abs(far - target))]) for target in FARS)


def time_scoring(repeats: int) -> Iterator[Timing]:
    """Verification and a search at the sizes of IJB-B and IJB-C, embeddings of 512 numbers."""
    for size in _SIZES.values():
        world = make_world(size)
        embeddings = make_embeddings(world)
        ours, loop = _Run(world, embeddings), _Loop(world, embeddings)
        subject = f"1:1 at the size of {size.name}"
        # A loop of a minute gains nothing from a warm-up.
        timing = time_pairs(subject, ours, LOOP, loop, min(repeats, 2), warm_reference=False)
        yield replace(timing, note=f"{_agreement(ours, loop)}; {_memory(size.name)}")
        yield _time_search(world, ours.pool(), repeats)


def peak_over_embeddings(size: str, seed: int = 0) -> float | None:
    """The highest memory while IJB-B or IJB-C is scored, over that of the embeddings alone.

    All that is needed is held at once: embeddings, pairs, templates, scores. What Python and the
    libraries take before there is any data is left out. None where the system does not tell.
    """
    world = make_world(_SIZES[size], seed)
    small = replace(_SIZES[size], images=300, templates=100, gallery=20, pairs=1000, genuine=80)
    little = make_world(small, seed)
    _Run(little, make_embeddings(little))()  # what the libraries take once, for themselves
    pairs = world.left.nbytes + world.right.nbytes + world.genuine.nbytes
    held = pairs + world.template.nbytes + world.media.nbytes + world.subjects.nbytes
    try:
        before = memory.resident() * 1024 - held
        run = _Run(world, make_embeddings(world))
        memory.reset_peak()
        run()
        return (memory.peak() * 1024 - before) / run.embeddings.nbytes
    except OSError:
        return None


def _time_search(world: World, templates: Float32[np.ndarray, "t d"], repeats: int) -> Timing:
    """A gallery and all probes, against a loop over the probes."""
    cut = world.size.gallery
    gallery, probes = templates[:cut], templates[cut:]
    owners, people = world.subjects[:cut], world.subjects[cut:]

    def ours() -> np.ndarray:
        return search(gallery, probes, owners, people).rank

    def loop() -> np.ndarray:
        return _search_one_by_one(gallery, probes, owners, people)

    subject = f"1:N at the size of {world.size.name}"
    timing = time_pairs(subject, ours, "loop over probes", loop, min(repeats, 3))
    same = float(np.mean(ours() == loop()))
    return replace(timing, note=f"the same rank for {100 * same:.3f} % of {len(probes):,} probes")


def _search_one_by_one(
    gallery: Float32[np.ndarray, "g d"],
    probes: Float32[np.ndarray, "p d"],
    owners: Int64[np.ndarray, " g"],
    people: Int64[np.ndarray, " p"],
) -> Int64[np.ndarray, " p"]:
    """Each probe's rank, by sorting its scores."""
    ranks = np.zeros(len(probes), np.int64)
    for index, probe in enumerate(probes):
        order = np.argsort(-np.sum(gallery * probe, axis=1))
        ranks[index] = 1 + np.flatnonzero(owners[order] == people[index])[0]
    return ranks


def _agreement(ours: _Run, loop: _Run) -> str:
    """How far results lie apart, and where the time goes."""
    score = float(np.abs(ours.scores - loop.scores).max())
    pairs = zip(ours.rates, loop.rates, strict=True)
    rate = max(abs(one - other) for one, other in pairs if one is not None and other is not None)
    told = f"scores within {score:.0e}, TAR within {rate:.0e} ({', '.join(_far(ours))})"
    return f"{told}; {ours.stages} s against {loop.stages} s for pooling, pairs, TAR@FAR"


def _far(run: _Run) -> Iterator[str]:
    for far, rate in zip(FARS, run.rates, strict=True):
        yield f"{far:g}: " + ("–" if rate is None else f"{100 * rate:.2f} %")


def _memory(size: str) -> str:
    told = memory.in_own_process(f"peak_over_embeddings({size!r})", __name__)
    return "memory unknown" if told == "None" else f"peak memory {float(told):.2f} × the embeddings"
