"""Verification (1:1): a protocol and embeddings in, every row's and column's value out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from eval.folds import Thresholds, fold_accuracy
from eval.intervals import Interval
from eval.resampling import (
    Difference,
    Units,
    curve_intervals,
    fold_accuracy_difference,
    fold_accuracy_interval,
    paired_difference,
    verification_intervals,
)
from eval.roc import FEWEST, Rule, auc, equal_error_rate, tar_at_far
from eval.scoring import score_pairs
from protocols.types import Pairs, VerificationProtocol
from results.embeddings import Embeddings
from results.systems import (
    Draws,
    Measured,
    Scored,
    failures,
    people_of,
    pooled,
    rate_name,
    systems_of,
)

ACCURACY, AUC, EER = "accuracy", "AUC", "EER"
CURVE_PAIRS = 200_000
"""With more pairs, EER and AUC come without an interval: each resample would sort them all."""


@dataclass(frozen=True)
class Settings:
    """How a protocol is scored.

    Attributes:
        fars: The false accept rates at which TAR is read off.
        rule: How.
        thresholds: How the accuracy over folds chooses its threshold.
        pooling: The ways of pooling, by name; ``all`` for every one.
        draws: The bootstrap.
    """

    fars: tuple[float, ...]
    rule: Rule
    thresholds: Thresholds
    pooling: tuple[str, ...]
    draws: Draws


def score(
    protocol: VerificationProtocol, given: Sequence[Embeddings], settings: Settings
) -> Scored:
    """Pool, score, measure; each row is compared with the one that it is held against.

    That is the first, unless the embeddings name another, which has to come before.

    Raises:
        BadOption: A way of pooling is none, or needs what is not there.
        ValueError: There is nothing to measure.
    """
    pairs, found = protocol.pairs, Scored()
    ways: dict[str, str] = {}
    people = people_of(protocol.templates, pairs)
    units = Units(pairs.left, pairs.right, people)
    if settings.draws:
        named = bool((protocol.templates.subjects >= 0).any())
        found.notes.append(_drawn(people, settings.draws, named=named))
    for system in systems_of(given, protocol, settings.pooling):
        scores = score_pairs(system.vectors, pairs.left, pairs.right, enrolled=system.enrolled)
        measured = (
            *_whole(scores, pairs, units, settings),
            *_rates(scores, pairs, units, settings),
            *system.counted(len(protocol.samples)),
        )
        found.values[system.name] = dict(measured)
        ways[system.name] = system.pooling
        if told := failures(system, protocol.templates, protocol.samples):
            part = "" if protocol.split is None else f"split {protocol.split}, "
            found.notes.append(part + told)
        base = system.against or next(iter(found.values))
        if base != system.name:
            found.against[system.name] = base
            both = (found.scores[base], scores)
            for column, one in _differences(both, pairs, units, settings):
                found.differ(system.name, column, one)
        found.scores[system.name] = scores
    found.notes.append(pooled(ways))
    return found


def compare(
    both: tuple[Float32[np.ndarray, " p"], Float32[np.ndarray, " p"]],
    protocol: VerificationProtocol,
    settings: Settings,
) -> Iterator[tuple[str, Difference | None]]:
    """How the second scores' accuracy and rates differ from the first's, by column."""
    pairs = protocol.pairs
    units = Units(pairs.left, pairs.right, people_of(protocol.templates, pairs))
    return _differences(both, pairs, units, settings)


def _drawn(people: np.ndarray, draws: Draws, *, named: bool) -> str:
    """What a bootstrap draws, in a sentence."""
    whom = f"{draws.resamples:,} resamples of {len(np.unique(people)):,} people"
    if not named:
        whom += ", as far as genuine pairs tell who is who: too narrow where people repeat unseen"
    return (
        f"{whom}; no interval where they are too few, and none of AUC and EER with fewer than "
        f"{FEWEST} pairs of a kind or more than {CURVE_PAIRS:,} in all"
    )


def _folded(pairs: Pairs) -> bool:
    return pairs.fold is not None and len(np.unique(pairs.fold)) > 1


def _whole(
    scores: Float32[np.ndarray, " p"], pairs: Pairs, units: Units, settings: Settings
) -> Iterator[tuple[str, Measured]]:
    """Accuracy over folds and its standard deviation (of the population of folds), AUC and EER."""
    draws, genuine, count = settings.draws, pairs.genuine, len(pairs)
    if _folded(pairs):
        how = (scores, genuine, pairs.fold, settings.thresholds)
        interval = None
        if draws:
            interval = fold_accuracy_interval(*how[:3], units, how[3], **draws.again())
        found = fold_accuracy(*how)
        yield ACCURACY, Measured.rate(found.mean, count, interval)
        yield f"{ACCURACY} std", Measured.rate(found.std, len(found.accuracies))
    if genuine.all() or not genuine.any():
        for column in (AUC, EER):
            yield column, Measured(None, count, None, "all pairs are genuine, or none is")
        return
    intervals: Sequence[Interval | None] = (None, None)
    fewest = min(np.count_nonzero(genuine), np.count_nonzero(~genuine))
    if draws and fewest >= FEWEST and count <= CURVE_PAIRS:
        intervals = curve_intervals(scores, genuine, units, ("auc", "eer"), **draws.again())
    yield AUC, Measured.rate(auc(scores, genuine), count, intervals[0])
    yield EER, Measured.rate(equal_error_rate(scores, genuine).rate, count, intervals[1])


def _rates(
    scores: Float32[np.ndarray, " p"], pairs: Pairs, units: Units, settings: Settings
) -> Iterator[tuple[str, Measured]]:
    """TAR at each false accept rate."""
    how = (settings.fars, settings.rule)
    points = tar_at_far(scores, pairs.genuine, *how)
    intervals: Sequence[Interval | None] = [None] * len(points)
    if settings.draws:
        again = settings.draws.again()
        intervals = verification_intervals(scores, pairs.genuine, units, *how, **again)
    for point, interval in zip(points, intervals, strict=True):
        yield f"TAR@{rate_name(point.far)}", Measured.point(point, interval)


def _differences(
    both: tuple[Float32[np.ndarray, " p"], Float32[np.ndarray, " p"]],
    pairs: Pairs,
    units: Units,
    settings: Settings,
) -> Iterator[tuple[str, Difference | None]]:
    """How the second scores' accuracy and rates differ from the first's; nothing without draws."""
    if not settings.draws:
        return
    genuine, again = pairs.genuine, settings.draws.again
    if _folded(pairs):
        how = (pairs.fold, units, settings.thresholds)
        yield ACCURACY, fold_accuracy_difference(*both, genuine, *how, **again())
    found = paired_difference(*both, genuine, units, settings.fars, settings.rule, **again())
    for far, one in zip(settings.fars, found, strict=True):
        yield f"TAR@{rate_name(far)}", one
