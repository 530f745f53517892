"""Identification (1:N): a protocol and embeddings in, every row's and column's value out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from eval.identification import Search, cmc, dir_at_far, rank_rate
from eval.intervals import Interval
from eval.resampling import (
    Difference,
    dir_differences,
    dir_intervals,
    rank_difference,
    rank_interval,
)
from eval.roc import Rule
from eval.search import search
from protocols.types import IdentificationProtocol
from results.embeddings import Embeddings
from results.systems import (
    Draws,
    Measured,
    Scored,
    System,
    failures,
    people_of,
    pooled,
    rate_name,
    systems_of,
)

_REASONS = {
    "no genuine pairs": "no probe's person is in the gallery",
    "no impostor pairs": "every probe's person is in the gallery",
}
"""What is said of pairs, said of probes."""
_MOST_RANKS = 100
"""How far the curve of rank-k is kept, for a figure."""


@dataclass(frozen=True)
class Settings:
    """How a protocol is scored.

    Attributes:
        ranks: k of rank-k.
        fars: The false accept rates at which detection and identification is read off.
        rule: How.
        pooling: The ways of pooling, by name; ``all`` for every one.
        draws: The bootstrap, of the probes' people.
    """

    ranks: tuple[int, ...]
    fars: tuple[float, ...]
    rule: Rule
    pooling: tuple[str, ...]
    draws: Draws


def score(
    protocol: IdentificationProtocol, given: Sequence[Embeddings], settings: Settings
) -> Scored:
    """Pool, search every gallery, measure; each row is compared with the one it is held against.

    That is the first, unless the embeddings name another, which has to come before.

    Raises:
        BadOption: A way of pooling is none, or needs what is not there.
        ValueError: A gallery is empty.
    """
    found = Scored()
    ways: dict[str, str] = {}
    searches: dict[tuple[str, str], Search] = {}
    if settings.draws:
        drawn = f"{settings.draws.resamples:,} resamples of the probes' people; none of too few"
        found.notes.append(drawn)
    for system in systems_of(given, protocol, settings.pooling):
        found.values[system.name] = {}
        base = system.against or next(iter(found.values))
        for gallery in protocol.galleries:
            one = _search(protocol, system, gallery)
            people = people_of(protocol.templates)[protocol.probes[gallery]]
            prefix = f"{gallery} " if len(protocol.galleries) > 1 else ""
            for column, value in _measured(one, people, settings):
                found.values[system.name][prefix + column] = value
            searches[system.name, gallery] = one
            if one.mated.any():
                found.ranks[f"{system.name}{', ' if prefix else ''}{prefix.strip()}"] = cmc(
                    one, min(_MOST_RANKS, len(protocol.galleries[gallery]))
                )
            if base != system.name:
                found.against[system.name] = base
                both = (searches[base, gallery], one)
                for column, gap in _differences(both, people, settings):
                    found.differ(system.name, prefix + column, gap)
        found.values[system.name] |= dict(system.counted(len(protocol.samples)))
        ways[system.name] = system.pooling
        if told := failures(system, protocol.templates, protocol.samples):
            part = "" if protocol.split is None else f"split {protocol.split}, "
            found.notes.append(part + told)
    found.notes.append(pooled(ways))
    return found


def _search(protocol: IdentificationProtocol, system: System, gallery: str) -> Search:
    held, asked = protocol.galleries[gallery], protocol.probes[gallery]
    subjects = protocol.templates.subjects
    return search(
        system.vectors[held],
        system.vectors[asked],
        subjects[held],
        subjects[asked],
        gallery_enrolled=system.enrolled[held],
        probes_enrolled=system.enrolled[asked],
    )


def _measured(
    found: Search, people: Int64[np.ndarray, " p"], settings: Settings
) -> Iterator[tuple[str, Measured]]:
    """Rank-k of the mated probes, and DIR at each false accept rate."""
    mated, draws = int(found.mated.sum()), settings.draws
    for k in settings.ranks:
        if not mated:
            yield f"rank-{k}", Measured(None, 0, None, "no probe's person is in the gallery")
            continue
        interval = rank_interval(found, k, people, **draws.again()) if draws else None
        yield f"rank-{k}", Measured.rate(rank_rate(found, k), mated, interval)
    points = dir_at_far(found, settings.fars, settings.rule)
    intervals: Sequence[Interval | None] = [None] * len(points)
    if draws:
        intervals = dir_intervals(found, settings.fars, settings.rule, people, **draws.again())
    for point, interval in zip(points, intervals, strict=True):
        told = _REASONS.get(point.reason, point.reason)
        value = Measured.point(replace(point, reason=told), interval)
        yield f"DIR@{rate_name(point.far)}", value


def _differences(
    both: tuple[Search, Search], people: Int64[np.ndarray, " p"], settings: Settings
) -> Iterator[tuple[str, Difference | None]]:
    """How the second search's rates differ from the first's; nothing without draws."""
    if not settings.draws:
        return
    again = settings.draws.again
    if both[0].mated.any():
        for k in settings.ranks:
            yield f"rank-{k}", rank_difference(*both, k, people, **again())
    found = dir_differences(*both, settings.fars, settings.rule, people, **again())
    for far, one in zip(settings.fars, found, strict=True):
        yield f"DIR@{rate_name(far)}", one
