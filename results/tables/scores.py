"""Any protocol of verification (1:1) or identification (1:N), scored from embeddings."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from protocols.errors import BadOption
from results.environment import current_environment
from results.loading import SPLIT, Source, load_identification, load_verification
from results.record import Cell, Comparison, Origin, RunRecord
from results.tables.result import Result

if TYPE_CHECKING:  # what computes is imported when something is computed
    from protocols.types import IdentificationProtocol, VerificationProtocol
    from results.embeddings import Embeddings
    from results.systems import Draws, Scored

Rule = Literal["nearest", "conservative", "interpolated", "kth-impostor"]
_ORIGINS: dict[str, Origin] = {
    "real": "measured on real data",
    "synthetic": "measured on the synthetic world",
}
_FARS = {"ijba": (1e-3, 1e-2, 1e-1), "lfw": (1e-3, 1e-2)}
_MANY_FARS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
_SEARCH_FARS = (1e-2, 1e-1)


@dataclass(frozen=True)
class Score:
    """A table of a protocol from embeddings: accuracy, AUC, EER, TAR@FAR; or rank-k, DIR@FAR."""

    source: Annotated[Source, tyro.conf.arg(name="")]
    embeddings: tuple[str, ...] = ()
    """NAME=FILE.npy with a row a face, in the order of `protocol.py faces`; a row of NaN is a face
    that could not be embedded. NAME=FILE.npy,MIRRORED.npy adds the mirrored faces. {split} in a
    file's name stands for the split's number. The others are compared with the first."""
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
    world: Literal["real", "synthetic"] = "real"
    """What the photos are, for the record."""
    resamples: int = 1000
    """Bootstrap resamples behind each 95 % interval; 0 for none."""
    seed: int = 0
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        """Refuse what nothing could be computed with, before any file is read."""
        names = [one.partition("=")[0] for one in self.embeddings]
        if not names or len(set(names)) < len(names):
            raise BadOption("--embeddings", "at least one NAME=FILE.npy, each with its own name")
        if not all(0 < far < 1 for far in self.fars) or len(set(self.fars)) < len(self.fars):
            raise BadOption("--fars", "rates between 0 and 1, each once")
        if not self.ranks or min(self.ranks) < 1 or len(set(self.ranks)) < len(self.ranks):
            raise BadOption("--ranks", "whole numbers from 1, each once")
        if self.resamples and not 100 <= self.resamples <= 100_000:
            raise BadOption(f"--resamples {self.resamples}", "0, or 100 to 100,000")
        if self.seed < 0:
            raise BadOption(f"--seed {self.seed}", "a number that is not negative")


def compute(config: Score) -> Result:
    """Load, pool, score, measure, compare.

    Raises:
        DatasetUnavailable: The protocol or a file of embeddings is absent.
        BadInput: They are not what they have to be.
        BadOption: Options do not fit the protocol.
    """
    from results.systems import Draws, over_splits

    started = time.perf_counter()
    search = config.source.task == "1:N"
    load = load_identification if search else load_verification
    protocols = load(config.source, "not-needed")
    first, *others = protocols
    if others and any(SPLIT not in one for one in config.embeddings):
        expected = f"NAME=FILE{SPLIT}.npy: each of {len(protocols)} splits has its own faces"
        raise BadOption("--embeddings", expected)
    # The spread over splits is the interval there; no people are drawn.
    draws = Draws(0 if others else config.resamples, config.seed)
    splits, inputs, weights = [], {}, {}
    for protocol in protocols:
        given = list(_read(config, protocol))
        inputs |= {one.path.name: one.sha256 for one in protocol.inputs}
        weights |= dict(_digests(given, protocol.split))
        splits.append(_score(protocol, given, config, draws))
    whole = over_splits(splits)
    record = RunRecord(
        table=_table_name(config.source),
        title=f"{first.name}, {config.source.task}, %",
        rule="; ".join((first.rule, _reading(config), *_cuts(whole, config))),
        columns=tuple(next(iter(whole.values.values()))),
        rows=tuple(whole.values),
        cells=tuple(_cells(whole, config)),
        comparisons=tuple(_comparisons(whole)),
        notes=tuple(_notes(whole, protocols)),
        config=_plain(config, whole),
        inputs=inputs,
        seed=config.seed,
        seconds=time.perf_counter() - started,
        environment=current_environment(),
        weights=weights,
    )
    return Result(record)


def _read(
    config: Score, protocol: "VerificationProtocol | IdentificationProtocol"
) -> Iterator["Embeddings"]:
    from results.embeddings import read_embeddings

    for option in config.embeddings:
        if protocol.split is None and SPLIT in option:
            expected = f"a name without {SPLIT}: the protocol has no splits"
            raise BadOption(f"--embeddings {option}", expected)
        yield read_embeddings(option.replace(SPLIT, str(protocol.split)), len(protocol.samples))


def _digests(given: Sequence["Embeddings"], split: int | None) -> Iterator[tuple[str, str]]:
    """The digest of each file, by its row, its split and its name."""
    for one in given:
        part = "" if split is None else f", split {split}"
        for place, file in enumerate(one.inputs):
            yield f"{one.name}{part}, {('faces', 'mirrored')[place]} {file.path.name}", file.sha256


def _score(
    protocol: "VerificationProtocol | IdentificationProtocol",
    given: Sequence["Embeddings"],
    config: Score,
    draws: "Draws",
) -> "Scored":
    from protocols.types import VerificationProtocol
    from results import identification, verification

    if isinstance(protocol, VerificationProtocol):
        fars = config.fars or _usual(config.source.protocol, protocol)
        settings = verification.Settings(
            fars, _rule(config), config.thresholds, config.pooling, draws
        )
        return verification.score(protocol, given, settings)
    fars = config.fars or _SEARCH_FARS
    settings = identification.Settings(config.ranks, fars, _rule(config), config.pooling, draws)
    return identification.score(protocol, given, settings)


def _cells(whole: "Scored", config: Score) -> Iterator[Cell]:
    for row, columns in whole.values.items():
        for column, one in columns.items():
            yield Cell(
                row=row,
                column=column,
                value=one.value,
                origin="unavailable" if one.value is None else _ORIGINS[config.world],
                n=one.n,
                interval=one.interval,
                reason=one.reason,
            )


def _comparisons(whole: "Scored") -> Iterator[Comparison]:
    """Every row but the first, minus the first."""
    first = next(iter(whole.values))
    for row, columns in whole.differences.items():
        for column, (difference, interval) in columns.items():
            real = not interval[0] <= 0 <= interval[1]
            yield Comparison(row, first, column, difference, interval, real)


def _notes(
    whole: "Scored", protocols: Sequence["VerificationProtocol | IdentificationProtocol"]
) -> Iterator[str]:
    yield f"Counts: {protocols[0].counted}."
    if len(protocols) > 1:
        yield (
            f"{len(protocols)} splits, scored one by one: means, Student intervals over the "
            f"splits (which share people, so that they are rather too narrow), and (std) the "
            f"population standard deviations of the splits."
        )
    yield from (f"{note}." for note in whole.notes)


def _cuts(whole: "Scored", config: Score) -> Iterator[str]:
    """How the accuracy's threshold was chosen, if there is an accuracy."""
    from results.verification import ACCURACY

    if ACCURACY in next(iter(whole.values.values())):
        among = {"grid": "400 distances (grid)", "exact": "all cuts (exact)"}[config.thresholds]
        yield f"accuracy's threshold from the other folds, among {among}"


def _table_name(source: Source) -> str:
    """A folder's name, such as ``score-lfw-1-1``."""
    words = re.sub(r"[^a-z0-9]+", "-", source.name.lower()).strip("-")
    return f"score-{words}-{source.task.replace(':', '-').lower()}"


def _rule(config: Score) -> Rule:
    """The rule that was asked for, or the usual one."""
    return config.rule or ("conservative" if config.source.task == "1:N" else "nearest")


def _reading(config: Score) -> str:
    """How a rate is read off, in words: TAR of pairs, DIR of searches."""
    from results.systems import rule_words

    words = rule_words(_rule(config))
    return words.replace("TAR", "DIR") if config.source.task == "1:N" else words


def _usual(name: str, protocol: "VerificationProtocol") -> tuple[float, ...]:
    """The false accept rates that are usual for a protocol, or those that its size allows."""
    from eval.roc import why_not

    if name in _FARS:
        return _FARS[name]
    genuine = int(protocol.pairs.genuine.sum())
    impostors = len(protocol.pairs) - genuine
    allowed = tuple(far for far in _MANY_FARS if not why_not(far, genuine, impostors))
    return allowed or _MANY_FARS[-1:]


def _plain(config: Score, whole: "Scored") -> dict[str, str | int]:
    """The configuration as it was resolved, without paths of this machine."""
    columns = ", ".join(next(iter(whole.values.values())))
    return {
        "protocol": config.source.name,
        "task": config.source.task,
        "missing": config.source.missing or "not-needed",
        "pairs": "" if config.source.pairs is None else config.source.pairs.name,
        "embeddings": ", ".join(one.partition("=")[0] for one in config.embeddings),
        "rule": _rule(config),
        "columns": columns,
        "thresholds": config.thresholds,
        "pooling": ", ".join(config.pooling) or "default",
        "world": config.world,
        "resamples": config.resamples,
    }
