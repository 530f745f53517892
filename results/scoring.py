"""From embeddings of a protocol to what a record holds, wherever they are from."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from protocols.errors import BadOption
from protocols.types import InputFile
from results.environment import current_environment
from results.loading import Source, load_identification, load_verification
from results.record import Cell, Comparison, RunRecord, World, origin_of

if TYPE_CHECKING:  # what computes is imported when something is computed
    from protocols.photos import Missing
    from protocols.types import IdentificationProtocol, VerificationProtocol
    from results.embeddings import Embeddings
    from results.systems import Draws, Scored
    from results.verification import Settings

    Protocol = VerificationProtocol | IdentificationProtocol

Rule = Literal["nearest", "conservative", "interpolated", "kth-impostor"]
_FARS = {"ijba": (1e-3, 1e-2, 1e-1), "lfw": (1e-3, 1e-2)}
_MANY_FARS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
_SEARCH_FARS = (1e-2, 1e-1)


@dataclass(frozen=True)
class Scoring:
    """What is read off, and how."""

    rule: Rule | None = None
    """How a rate is read off at a false accept rate; nearest (insightface's) for 1:1 and
    conservative for 1:N by default."""
    fars: tuple[float, ...] = ()
    """False accept rates; by default those that are usual for the protocol."""
    ranks: tuple[int, ...] = (1, 5, 10)
    """k of rank-k, for 1:N."""
    thresholds: Literal["grid", "exact"] = "grid"
    """For the accuracy over folds: insightface's grid of 400 distances, or every cut."""
    pooling: tuple[str, ...] = ()
    """How faces make a template: N0D1F1 and the like (norm kept, detector's weight, flip-sum), or
    all; N0D0F0, or N0D0F1 where mirrored faces are given, by default."""
    world: World = "real"
    """What the photos are, for the record; those of make_synthetic.py are known."""
    resamples: int = 1000
    """Bootstrap resamples behind each 95 % interval; 0 for none."""
    seed: int = 0
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        """Refuse what nothing could be computed with, before any file is read."""
        if not all(0 < far < 1 for far in self.fars) or len(set(self.fars)) < len(self.fars):
            raise BadOption("--fars", "rates between 0 and 1, each once")
        if not self.ranks or min(self.ranks) < 1 or len(set(self.ranks)) < len(self.ranks):
            raise BadOption("--ranks", "whole numbers from 1, each once")
        if self.resamples and not 100 <= self.resamples <= 100_000:
            raise BadOption(f"--resamples {self.resamples}", "0, or 100 to 100,000")
        if self.seed < 0:
            raise BadOption(f"--seed {self.seed}", "a number that is not negative")


@dataclass(frozen=True, eq=False)
class Whole:
    """A protocol with everything that was measured on it.

    Attributes:
        source: What was asked for.
        scoring: How it was scored.
        protocols: It; several where it has splits.
        splits: What was measured on each.
        scored: What was measured on all of them.
        notes: What the makers of the embeddings have to say.
    """

    source: Source
    scoring: Scoring
    protocols: Sequence["Protocol"]
    splits: Sequence["Scored"]
    scored: "Scored"
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def inputs(self) -> dict[str, str]:
        """sha256 of each file of the protocol, by name."""
        files: list[InputFile] = [one for each in self.protocols for one in each.inputs]
        return {one.path.name: one.sha256 for one in files}

    @property
    def title(self) -> str:
        """The protocol, the task, the unit."""
        return f"{self.protocols[0].name}, {self.source.task}, %"

    @property
    def rule(self) -> str:
        """The definition of the numbers, in words."""
        return "; ".join((self.protocols[0].rule, *_reading(self), *_cuts(self)))

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows, in order."""
        return tuple(self.scored.values)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(next(iter(self.scored.values.values())))

    def cells(self) -> Iterator[Cell]:
        """Every value as a record holds it."""
        whose = self.protocols[0].counted, self.scoring.world
        for row, columns in self.scored.values.items():
            for column, one in columns.items():
                yield Cell(
                    row=row,
                    column=column,
                    value=one.value,
                    origin="unavailable" if one.value is None else origin_of(*whose),
                    n=one.n,
                    interval=one.interval,
                    reason=one.reason,
                )

    def comparisons(self) -> Iterator[Comparison]:
        """Every row minus the one that it is held against."""
        for row, columns in self.scored.differences.items():
            for column, (difference, interval) in columns.items():
                real = not interval[0] <= 0 <= interval[1]
                base = self.scored.against[row]
                yield Comparison(row, base, column, difference, interval, real)

    def gaps(self, left: str, right: str) -> dict[str, tuple[float, tuple[float, float] | None]]:
        """Row ``left`` minus row ``right`` by column, in percent, on the same draws.

        Of several splits: the mean of the splits' differences, with Student's interval. Columns
        that cannot be compared are left out.

        Raises:
            BadOption: It is a protocol of identification.
        """
        from protocols.types import VerificationProtocol
        from results.systems import Draws, split_gaps
        from results.verification import compare

        if len(self.splits) > 1:
            return dict(split_gaps(self.splits, left, right))
        protocol, scores = self.protocols[0], self.splits[0].scores
        if not isinstance(protocol, VerificationProtocol):
            raise BadOption(protocol.name, "a protocol of verification (1:1)")
        draws = Draws(self.scoring.resamples, self.scoring.seed)
        settings = _verification(self.source, protocol, self.scoring, draws)
        found = compare((scores[right], scores[left]), protocol, settings)
        return {
            column: (100 * one.difference, (100 * one.interval.low, 100 * one.interval.high))
            for column, one in found
            if one is not None
        }

    def compare(self, left: str, right: str) -> Iterator[Comparison]:
        """Row ``left`` minus row ``right``; errors as of :meth:`gaps`."""
        for column, (difference, interval) in self.gaps(left, right).items():
            real = None if interval is None else not interval[0] <= 0 <= interval[1]
            yield Comparison(left, right, column, difference, interval, real)

    def sentences(self) -> Iterator[str]:
        """What a reader has to know."""
        yield f"Counts: {self.protocols[0].counted}."
        if len(self.protocols) > 1:
            yield (
                f"{len(self.protocols)} splits, scored one by one: means, Student intervals over "
                f"the splits (which share people, so that they are rather too narrow), and (std) "
                f"the population standard deviations of the splits."
            )
        yield from self.notes
        yield from (f"{note}." for note in self.scored.notes)

    def record(
        self,
        kind: str,
        started: float,
        *,
        config: Mapping[str, str | int],
        weights: Mapping[str, str],
        warnings: Sequence[str] = (),
        device: str = "cpu",
    ) -> RunRecord:
        """What the run leaves behind.

        Args:
            kind: The table's name begins with it.
            started: When, by ``time.perf_counter``.
            config: Options beside those of protocol and scoring.
            weights: sha256 of each file that the embeddings come from.
            warnings: What is probably wrong.
            device: Where networks ran.
        """
        return RunRecord(
            table=table_name(kind, self.source),
            title=self.title,
            rule=self.rule,
            columns=self.columns,
            rows=self.rows,
            cells=tuple(self.cells()),
            comparisons=tuple(self.comparisons()),
            notes=(*self.sentences(), *(f"Warning: {one}" for one in warnings)),
            config={**self.plain(), **config},
            inputs=self.inputs,
            seed=self.scoring.seed,
            seconds=time.perf_counter() - started,
            environment=current_environment(device=device),
            weights=dict(weights),
        )

    def plain(self) -> dict[str, str | int]:
        """Protocol and scoring as plain values, without paths of this machine."""
        source, scoring = self.source, self.scoring
        return {
            "protocol": source.name,
            "task": source.task,
            "missing": source.missing or "not-needed",
            "pairs": "" if source.pairs is None else source.pairs.name,
            "rule": _rule(source, scoring),
            "columns": ", ".join(self.columns),
            "thresholds": scoring.thresholds,
            "pooling": ", ".join(scoring.pooling) or "default",
            "world": scoring.world,
            "resamples": scoring.resamples,
        }


def load_protocols(source: Source, missing: "Missing") -> Sequence["Protocol"]:
    """The protocol that was asked for, 1:1 or 1:N; several where it has splits.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: A file of it is malformed.
        BadOption: It is another kind of protocol.
    """
    load = load_identification if source.task == "1:N" else load_verification
    return load(source, missing)


def score(
    source: Source,
    protocols: Sequence["Protocol"],
    given: Callable[["Protocol"], Sequence["Embeddings"]],
    scoring: Scoring,
) -> Whole:
    """Score every split and sum the splits up.

    Args:
        source: What was asked for.
        protocols: It.
        given: The embeddings of a split.
        scoring: How.

    Raises:
        BadOption: Options do not fit the protocol.
    """
    from results.systems import Draws, over_splits

    # The spread over splits is the interval there; no people are drawn.
    draws = Draws(0 if len(protocols) > 1 else scoring.resamples, scoring.seed)
    splits = [_score(source, one, given(one), scoring, draws) for one in protocols]
    return Whole(source, scoring, protocols, splits, over_splits(splits))


def table_name(kind: str, source: Source) -> str:
    """A folder's name, such as ``score-lfw-1-1``."""
    words = re.sub(r"[^a-z0-9]+", "-", source.name.lower()).strip("-")
    return f"{kind}-{words}-{source.task.replace(':', '-').lower()}"


def _score(
    source: Source,
    protocol: "Protocol",
    given: Sequence["Embeddings"],
    scoring: Scoring,
    draws: "Draws",
) -> "Scored":
    from protocols.types import VerificationProtocol
    from results import identification, verification

    if isinstance(protocol, VerificationProtocol):
        settings = _verification(source, protocol, scoring, draws)
        return verification.score(protocol, given, settings)
    rule, fars = _rule(source, scoring), scoring.fars or _SEARCH_FARS
    settings = identification.Settings(scoring.ranks, fars, rule, scoring.pooling, draws)
    return identification.score(protocol, given, settings)


def _verification(
    source: Source, protocol: "VerificationProtocol", scoring: Scoring, draws: "Draws"
) -> "Settings":
    from results.verification import Settings

    fars = scoring.fars or _usual(source.protocol, protocol)
    return Settings(fars, _rule(source, scoring), scoring.thresholds, scoring.pooling, draws)


def _cuts(whole: Whole) -> Iterator[str]:
    """How the accuracy's threshold was chosen, if there is an accuracy."""
    from results.verification import ACCURACY

    if ACCURACY in whole.columns:
        among = {"grid": "400 distances (grid)", "exact": "all cuts (exact)"}
        yield f"accuracy's threshold from the other folds, among {among[whole.scoring.thresholds]}"


def _rule(source: Source, scoring: Scoring) -> Rule:
    """The rule that was asked for, or the usual one."""
    return scoring.rule or ("conservative" if source.task == "1:N" else "nearest")


def _reading(whole: Whole) -> Iterator[str]:
    """How a rate is read off, in words: TAR of pairs, DIR of searches."""
    from results.systems import rule_words

    words = rule_words(_rule(whole.source, whole.scoring))
    yield words.replace("TAR", "DIR") if whole.source.task == "1:N" else words


def _usual(name: str, protocol: "VerificationProtocol") -> tuple[float, ...]:
    """The false accept rates that are usual for a protocol, or those that its size allows."""
    from eval.roc import why_not

    if name in _FARS:
        return _FARS[name]
    genuine = int(protocol.pairs.genuine.sum())
    impostors = len(protocol.pairs) - genuine
    allowed = tuple(far for far in _MANY_FARS if not why_not(far, genuine, impostors))
    return allowed or _MANY_FARS[-1:]
