"""What scoring a protocol shares, 1:1 or 1:N: pooled systems, measured values, units, sentences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from eval.intervals import Interval, splits_summary
from eval.pooling import Members, Pooling, pool, poolings
from eval.resampling import Difference
from eval.roc import OperatingPoint, Rule
from protocols.errors import BadOption
from protocols.types import (
    IdentificationProtocol,
    Pairs,
    Samples,
    Templates,
    VerificationProtocol,
)
from results.embeddings import Embeddings


@dataclass(frozen=True)
class Draws:
    """A bootstrap: the same draws for every row and column.

    Attributes:
        resamples: How many; 0 for no intervals.
        seed: Of the generator.
    """

    resamples: int = 1000
    seed: int = 0

    def __bool__(self) -> bool:
        return self.resamples > 0

    def again(self) -> dict[str, Any]:
        """Arguments of a function of :mod:`eval.resampling`, with a fresh generator."""
        return {"resamples": self.resamples, "rng": np.random.default_rng(self.seed)}


@dataclass(frozen=True)
class Measured:
    """One value in percent, how sure it is, or why there is none.

    Attributes:
        value: The number.
        n: How many pairs or probes it comes from.
        interval: Two-sided 95 %.
        reason: Why there is no number.
        seeds: Of how many trainings it is the mean.
    """

    value: float | None
    n: int
    interval: tuple[float, float] | None = None
    reason: str = ""
    seeds: int = 1

    @classmethod
    def rate(cls, value: float, n: int, interval: Interval | None = None) -> "Measured":
        """From a rate in 0 … 1."""
        percent = None if interval is None else (100 * interval.low, 100 * interval.high)
        return cls(100 * value, n, percent)

    @classmethod
    def point(cls, point: OperatingPoint, interval: Interval | None) -> "Measured":
        """From an operating point, which may have no rate."""
        if point.tar is None:
            return cls(None, point.genuine, None, point.reason)
        return cls.rate(point.tar, point.genuine, interval)


@dataclass(eq=False)
class Scored:
    """What was measured on one split.

    Attributes:
        values: Each row's values by column.
        differences: How each row differs from the one it is compared with, by column, in percent.
        against: Which row that is, for each that is compared.
        notes: What a reader has to know.
        scores: Each row's similarity of every pair, for figures; of 1:1 only.
        ranks: Each row's rate of finding a mated probe's person within the first k, for k from 1;
            of 1:N only, a row a gallery.
    """

    values: dict[str, dict[str, Measured]] = field(default_factory=dict)
    differences: dict[str, dict[str, tuple[float, tuple[float, float]]]] = field(
        default_factory=dict
    )
    against: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    scores: dict[str, Float32[np.ndarray, " p"]] = field(default_factory=dict)
    ranks: dict[str, Float64[np.ndarray, " k"]] = field(default_factory=dict)

    def differ(self, row: str, column: str, one: Difference | None) -> None:
        """Note how a row differs from the one it is compared with, where that can be told."""
        if one is None:
            return
        interval = (100 * one.interval.low, 100 * one.interval.high)
        self.differences.setdefault(row, {})[column] = (100 * one.difference, interval)


@dataclass(frozen=True, eq=False)
class System:
    """One row: somebody's embeddings, pooled in one way.

    Attributes:
        name: What the table calls it.
        vectors: ``(t, d)`` a vector of length 1 a template.
        enrolled: ``(t,)`` templates with at least one face that could be embedded.
        lost: How many faces could not be.
        pooling: How it was pooled.
        counts: How many faces met with something that a table has to say, by column.
        against: The name of the row that this one is compared with, if it is not the first.
    """

    name: str
    vectors: Float32[np.ndarray, "t d"]
    enrolled: Bool[np.ndarray, " t"]
    lost: int
    pooling: str
    counts: Mapping[str, int] = field(default_factory=dict)
    against: str | None = None

    def counted(self, faces: int) -> Iterator[tuple[str, Measured]]:
        """The counts as columns, in percent of the faces."""
        for column, count in self.counts.items():
            yield column, Measured.rate(count / faces, faces)


def choose_poolings(asked: Sequence[str], samples: Samples, *, flip: bool) -> list[Pooling]:
    """The ways of pooling that were asked for, by name; ``all`` for every one that can be had.

    Raises:
        BadOption: A name is none, or needs what is not there.
    """
    possible = {one.name: one for one in poolings(detector=samples.scores is not None, flip=flip)}
    if not asked:
        return [possible[f"N0D0F{flip:d}"]]
    if list(asked) == ["all"]:
        return list(possible.values())
    wrong = [name for name in asked if name not in possible]
    if wrong:
        known = f"all, or any of {', '.join(possible)}"
        lacking = "D needs a detector's confidences, F the embeddings of mirrored faces"
        raise BadOption(f"--pooling {wrong[0]}", f"{known} ({lacking})")
    return [possible[name] for name in dict.fromkeys(asked)]


def systems_of(
    given: Sequence[Embeddings],
    protocol: VerificationProtocol | IdentificationProtocol,
    asked: Sequence[str],
) -> Iterator[System]:
    """Every recognizer's embeddings, pooled in every way that was asked for.

    Raises:
        BadOption: A way of pooling is none, or needs what is not there.
    """
    templates, samples = protocol.templates, protocol.samples
    members = Members(templates.sample, templates.template, templates.media, len(templates))
    for one in given:
        chosen = choose_poolings(asked, samples, flip=one.mirrored is not None)
        absent = samples.absent | one.failed
        zeroed = np.zeros(len(samples), bool) if one.zeroed is None else one.zeroed
        for pooling in chosen:
            vectors = pool(
                one.faces,
                members,
                pooling,
                flipped=one.mirrored,
                scores=samples.scores,
                absent=absent | zeroed,
            )
            # A zero adds nothing to its template; a template of nothing else is alike to none.
            enrolled = templates.enrolled(absent | zeroed) & vectors.any(axis=1)
            enrolled |= templates.enrolled(~zeroed | absent)
            ending = f", {pooling.name}" if len(chosen) > 1 else ""
            yield System(
                name=one.name + ending,
                vectors=vectors,
                enrolled=enrolled,
                lost=int(absent.sum()),
                pooling=pooling.name,
                counts=one.counts,
                against=None if one.against is None else one.against + ending,
            )


def people_of(templates: Templates, pairs: Pairs | None = None) -> Int64[np.ndarray, " t"]:
    """Whom a bootstrap draws: each template's person, as far as the protocol tells.

    Templates that a genuine pair joins are one person, directly or through others, where nobody is
    named; a template of which nothing is known is a person of its own.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    named, count = templates.subjects >= 0, len(templates)
    people = templates.subjects.copy()
    if pairs is not None and not named.any():
        joined = (pairs.left[pairs.genuine], pairs.right[pairs.genuine])
        graph = coo_matrix((np.ones(len(joined[0]), bool), joined), shape=(count, count))
        return connected_components(graph, directed=False)[1].astype(np.int64)
    people[~named] = people.max(initial=-1) + 1 + np.arange(int((~named).sum()))
    return people


def failures(system: System, templates: Templates, samples: Samples) -> str:
    """What failed to enrol, in a sentence; empty if nothing did."""
    if not system.lost:
        return ""
    whole = int((~system.enrolled).sum())
    return (
        f"{system.name}: {system.lost:,} of {len(samples):,} faces failed to enrol "
        f"({int(samples.absent.sum()):,} of them because their photo is absent), and with them "
        f"{whole:,} of {len(templates):,} templates: no threshold accepts them"
    )


def pooled(systems: Mapping[str, str]) -> str:
    """How each row was pooled, in a sentence.

    Args:
        systems: The way of pooling of each row.
    """
    ways = ", ".join(dict.fromkeys(systems.values()))
    if len(set(systems.values())) > 1:
        ways = ", ".join(f"{row} {way}" for row, way in systems.items())
    return f"Pooled: {ways} (N: norm kept, D: detector's weight, F: flip-sum)"


def rate_name(far: float) -> str:
    """A false accept rate as a column says it, exactly: 1e-4, 0.01."""
    if far >= 0.01:
        return repr(float(far))
    return np.format_float_scientific(far, trim="-", exp_digits=1)


def over_splits(splits: Sequence[Scored]) -> Scored:
    """The mean over splits with its Student interval; the standard deviation as a column beside.

    Rows and columns are those of the first split; a value that one split lacks is lacking. Rows are
    compared with the one that they are held against split by split.
    """
    if len(splits) == 1:
        return splits[0]
    whole = Scored(notes=list(dict.fromkeys(note for one in splits for note in one.notes)))
    bases = _bases(splits[0].values, splits[0].against)
    for row, columns in splits[0].values.items():
        whole.values[row] = {}
        for column in columns:
            parts = [one.values[row][column] for one in splits]
            whole.values[row] |= _summary(column, parts)
        if row in bases and (gaps := dict(split_gaps(splits, row, bases[row]))):
            whole.against[row] = bases[row]
            whole.differences[row] = gaps
    return whole


def split_gaps(
    splits: Sequence[Scored], left: str, right: str
) -> Iterator[tuple[str, tuple[float, tuple[float, float]]]]:
    """Row ``left`` minus row ``right`` by column: means over splits, with Student's interval.

    Columns that a split lacks of either are left out.
    """
    for column in splits[0].values[left]:
        both = [(one.values[left][column], one.values[right][column]) for one in splits]
        gaps = [
            mine.value - other.value
            for mine, other in both
            if mine.value is not None and other.value is not None
        ]
        if len(gaps) == len(splits):
            mean, _, interval = splits_summary(np.array(gaps))
            yield column, (mean, (max(interval.low, -100.0), min(interval.high, 100.0)))


def _bases(rows: Iterable[str], against: Mapping[str, str]) -> dict[str, str]:
    """The row that each row is compared with; the first one, unless another is named."""
    first, *others = rows
    return {
        row: against.get(row, first) for row in (first, *others) if row != against.get(row, first)
    }


def _summary(column: str, parts: Sequence[Measured]) -> Mapping[str, Measured]:
    values = [one.value for one in parts if one.value is not None]
    count = sum(one.n for one in parts)
    if len(values) < len(parts):
        reason = f"{len(parts) - len(values)} of {len(parts)} splits lack it: " + next(
            one.reason for one in parts if one.value is None
        )
        return {column: Measured(None, count, None, reason)}
    mean, std, interval = splits_summary(np.array(values))
    whole = Measured(mean, count, (max(interval.low, 0.0), min(interval.high, 100.0)))
    return {column: whole, f"{column} std": Measured(std, len(parts))}


def rule_words(rule: Rule) -> str:
    """How TAR is read off at a FAR, in words for a table."""
    return {
        "nearest": "TAR where the FAR lies nearest to the one named, which it may exceed (nearest)",
        "conservative": "largest TAR whose FAR does not exceed the one named (conservative)",
        "interpolated": "TAR on the straight line between the neighbouring points (interpolated)",
        "kth-impostor": "TAR at the k-th largest impostor score, k = FAR × impostors, rounded",
    }[rule]
