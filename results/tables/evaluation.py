"""Any recognizer, behind any frontalizer, on any protocol: its table and its figures."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from cfr.frontalizers.sources import NONE
from cfr.frontalizers.sources import title as frontalizer_title
from protocols.errors import BadOption
from recognizers.sources import SOURCES
from results.evaluating import Evaluated, evaluate
from results.export.work import Show, no_bar
from results.loading import Source
from results.pipeline import Chosen, Embedding
from results.record import Comparison
from results.scoring import Scoring
from results.tables.result import Result, TableFigure

if TYPE_CHECKING:  # what computes is imported when something is computed
    from matplotlib.figure import Figure

_SHOWN = 8
"""Pairs of each kind that are shown as the worst."""


@dataclass(frozen=True)
class Evaluate:
    """Recognizers, with and without frontalizers before them, on a protocol."""

    source: Annotated[Source, tyro.conf.arg(name="")]
    recognizer: tuple[str, ...]
    """dlib, mobilefacenet, insightface, timm:NAME, an .onnx or .pth file (a card NAME.toml beside
    it says what it wants where conventions do not hold), or the folder of an insightface pack."""
    frontalizer: tuple[str, ...] = ("none",)
    """none, render (the photo's own texture on the fitted face), render-estimated, cfr-gan,
    rotate-and-render, or either of these two with :WEIGHTS; each recognizer runs behind each."""
    weights: Path | None = None
    """Folder of the named recognizer's weights; beats CFR_DATA, data.toml and data/NAME."""
    export: Path | None = None
    """Folder to write the embeddings to, an npy file a row of the table, in the order of
    `protocol.py faces`; `protocol.py score` reads them."""
    embedding: Annotated[Embedding, tyro.conf.arg(name="")] = field(default_factory=Embedding)
    scoring: Annotated[Scoring, tyro.conf.arg(name="")] = field(default_factory=Scoring)

    def __post_init__(self) -> None:
        """Refuse what nothing could be computed with, before any file is read."""
        if self.weights is not None and self._owner is None:
            expected = "one recognizer with a name; CFR_DATA or data.toml say it for several"
            raise BadOption(f"--weights {self.weights}", expected)
        policies = (self.embedding.no_face, self.embedding.not_turned)
        if self.export is not None and "zero" in policies:
            expected = "drop or keep-original: in an npy file a row of zeros is a failure to enrol"
            raise BadOption("--export with the policy zero", expected)

    @property
    def systems(self) -> tuple[Chosen, ...]:
        """Every recognizer behind every frontalizer."""
        # The row that others are held against is scored first.
        frontalizers = sorted(self.frontalizer, key=lambda one: one != NONE)
        pairs = itertools.product(self.recognizer, frontalizers)
        return tuple(
            Chosen(one, before, self.weights if one == self._owner else None)
            for one, before in pairs
        )

    @property
    def _owner(self) -> str | None:
        """The recognizer whose weights lie in the folder named; dlib's come with the project."""
        named = [one for one in dict.fromkeys(self.recognizer) if one in SOURCES]
        named = [one for one in named if one != "dlib"] or named
        return named[0] if len(named) == 1 else None


def compute(config: Evaluate, show: Show = no_bar) -> tuple[Result, Evaluated]:
    """Embed, score, explain, draw.

    Raises:
        BadOption, BadInput, DatasetUnavailable, PackageUnavailable: See
            :func:`results.evaluating.evaluate`.
    """
    started = time.perf_counter()
    if config.export is not None:
        try:
            config.export.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            found = error.strerror or str(error)
            raise BadOption(
                f"--export {config.export}", f"a folder to write to ({found})"
            ) from error
    found = evaluate(config.source, config.systems, config.embedding, config.scoring, show)
    if config.export is not None:
        _export(config.export, found)
    whole, first = found.whole, found.exported[0]
    devices = {first.exporter.recognizer(way).identity.get("device", "cpu") for way in first.ways}
    record = whole.record(
        "evaluate",
        started,
        config=_plain(config, found),
        weights=first.weights,
        warnings=found.warnings,
        device=", ".join(sorted(devices)),
    )
    record = replace(record, comparisons=(*record.comparisons, *_among_frontalizers(found)))
    return Result(record, tuple(_figures(found))), found


def _among_frontalizers(found: Evaluated) -> Iterator[Comparison]:
    """Rows of one recognizer behind two frontalizers, the later minus the earlier."""
    groups: dict[str, list[str]] = {}
    for one in found.exported[0].embeddings:
        if one.against is not None and one.name in found.whole.rows and found.verified:
            groups.setdefault(one.against, []).append(one.name)
    for rows in groups.values():
        for before, after in itertools.combinations(rows, 2):
            yield from found.whole.compare(after, before)


def _export(folder: Path, found: Evaluated) -> None:
    from results.embeddings import write_embeddings

    for protocol, exported in zip(found.protocols, found.exported, strict=True):
        for one in exported.embeddings:
            write_embeddings(folder, one, protocol.split)


def _plain(config: Evaluate, found: Evaluated) -> dict[str, str | int]:
    """How faces became embeddings, as plain values without paths of this machine."""
    options, first = config.embedding, found.exported[0]
    return {
        "missing": config.source.missing or "refuse",
        "recognizers": ", ".join(first.inputs),
        "frontalizers": ", ".join(frontalizer_title(one) for one in config.frontalizer),
        "landmarks": first.landmarks,
        "several": options.several,
        "no_face": options.no_face,
        "not_turned": options.not_turned,
        "mirrored": str(options.mirrored),
    }


def _figures(found: Evaluated) -> Iterator[TableFigure]:
    """ROC and DET of all rows, and for each row its scores and its worst pairs; or the ranks."""
    splits = found.whole.splits
    title = found.whole.title.removesuffix(", %")
    if splits[0].ranks:
        yield TableFigure(None, lambda: _draw_ranks(title, found), "ranks")
    if not found.verified:
        return
    genuine = found.verified[0].pairs.genuine
    if genuine.any() and not genuine.all():
        yield TableFigure(None, lambda: _draw_curves(title, found, "roc"), "ROC")
        yield TableFigure(None, lambda: _draw_curves(title, found, "det"), "DET")
    for row, scores in splits[0].scores.items():
        if not np.isfinite(scores).any():  # nobody could be enrolled
            continue
        yield TableFigure(row, lambda row=row: _draw_histogram(title, found, row), "scores")
        yield TableFigure(row, lambda row=row: _draw_worst(title, found, row), "worst pairs")


def _draw_curves(title: str, found: Evaluated, kind: str) -> "Figure":
    from results.figures.curves import draw_det, draw_roc

    systems = {
        row: [
            (split.scores[row], protocol.pairs.genuine)
            for split, protocol in zip(found.whole.splits, found.verified, strict=True)
        ]
        for row in found.whole.splits[0].scores
    }
    return (draw_roc if kind == "roc" else draw_det)(title, systems)


def _draw_histogram(title: str, found: Evaluated, row: str) -> "Figure":
    from results.figures.histogram import draw_histogram

    scores, genuine = found.whole.splits[0].scores[row], found.verified[0].pairs.genuine
    return draw_histogram(f"{title}: {row}{_split(found)}", scores, genuine)


def _draw_worst(title: str, found: Evaluated, row: str) -> "Figure":
    from results.figures.worst import draw_worst

    return draw_worst(f"{title}: {row}{_split(found)}", found, row, _SHOWN)


def _draw_ranks(title: str, found: Evaluated) -> "Figure":
    from results.figures.ranks import draw_cmc

    return draw_cmc(f"{title}{_split(found)}", found.whole.splits[0].ranks)


def _split(found: Evaluated) -> str:
    """Which split a figure shows, where there are several."""
    split = found.protocols[0].split
    return "" if split is None else f", split {split}"
