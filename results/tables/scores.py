"""Any protocol of verification (1:1) or identification (1:N), scored from embeddings in files."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import tyro

from protocols.errors import BadOption
from results.loading import SPLIT, Source
from results.scoring import Scoring, load_protocols, score
from results.tables.result import Result

if TYPE_CHECKING:  # what computes is imported when something is computed
    from results.embeddings import Embeddings
    from results.scoring import Protocol


@dataclass(frozen=True)
class Score:
    """A table of a protocol from embeddings: accuracy, AUC, EER, TAR@FAR; or rank-k, DIR@FAR."""

    source: Annotated[Source, tyro.conf.arg(name="")]
    embeddings: tuple[str, ...] = ()
    """NAME=FILE.npy with a row a face, in the order of `protocol.py faces`; a row of NaN is a face
    that could not be embedded. NAME=FILE.npy,MIRRORED.npy adds the mirrored faces. {split} in a
    file's name stands for the split's number. The others are compared with the first."""
    scoring: Annotated[Scoring, tyro.conf.arg(name="")] = field(default_factory=Scoring)

    def __post_init__(self) -> None:
        """Refuse what nothing could be computed with, before any file is read."""
        names = [one.partition("=")[0] for one in self.embeddings]
        if not names or len(set(names)) < len(names):
            raise BadOption("--embeddings", "at least one NAME=FILE.npy, each with its own name")


def compute(config: Score) -> Result:
    """Load, pool, score, measure, compare.

    Raises:
        DatasetUnavailable: The protocol or a file of embeddings is absent.
        BadInput: They are not what they have to be.
        BadOption: Options do not fit the protocol.
    """
    started = time.perf_counter()
    protocols = load_protocols(config.source, "not-needed")
    if len(protocols) > 1 and any(SPLIT not in one for one in config.embeddings):
        expected = f"NAME=FILE{SPLIT}.npy: each of {len(protocols)} splits has its own faces"
        raise BadOption("--embeddings", expected)
    weights: dict[str, str] = {}

    def given(protocol: "Protocol") -> Sequence["Embeddings"]:
        embeddings = list(_read(config, protocol))
        weights.update(_digests(embeddings, protocol.split))
        return embeddings

    whole = score(config.source, protocols, given, config.scoring)
    names = ", ".join(one.partition("=")[0] for one in config.embeddings)
    return Result(whole.record("score", started, config={"embeddings": names}, weights=weights))


def _read(config: Score, protocol: "Protocol") -> Iterator["Embeddings"]:
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
