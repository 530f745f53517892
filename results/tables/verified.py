"""Measures rows of face verification: any recognizer, any frontalizer, through the pipeline."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import tyro

from results.console import bars_of
from results.export.work import Show
from results.loading import Source
from results.pipeline import Chosen, Embedding
from results.record import Comparison
from results.scoring import Scoring
from results.tables.places import Places
from results.tables.result import Result, TableFigure
from results.tables.rows import Column, Found, Options, Ready, Row, fill
from results.tables.seeds import mean_gap, mean_of

if TYPE_CHECKING:  # what computes is imported when something is computed
    from matplotlib.figure import Figure

    from results.evaluating import Evaluated
    from results.scoring import Whole


@dataclass(frozen=True)
class Verified(Options):
    """Options of a table of face verification."""

    embedding: Annotated[Embedding, tyro.conf.arg(name="")] = field(default_factory=Embedding)

    def plain(self) -> dict[str, str | int]:
        """As plain values, without paths of this machine."""
        one = self.embedding
        return {
            **super().plain(),
            "landmarks": one.landmarks,
            "several": one.several,
            "no_face": one.no_face,
            "not_turned": one.not_turned,
            "mirrored": str(one.mirrored),
            "device": one.device,
        }


def verify(
    table: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    config: Verified,
    places: Places | None = None,
    show: Show | None = None,
) -> Result:
    """Fill a table of face verification: see :func:`results.tables.rows.fill`."""
    places = places or Places()
    measure = partial(_measure, config, places, show)
    return fill(table, rows, columns, measure, config, places)


def _measure(
    config: Verified,
    places: Places,
    show: Show | None,
    name: str,
    rows: Sequence[Ready],
    columns: Sequence[Column],
) -> Found:
    """All rows and columns of a protocol at once: they share the cache and the draws."""
    from results.evaluating import evaluate

    systems = [
        Chosen(str(file), one.row.frontalizer, title=title)
        for one in rows
        for title, file in zip(one.titles, one.files, strict=True)
    ]
    embedding = config.embedding
    points = places.points.get(name)
    if points is not None and embedding.landmarks == "auto":
        embedding = replace(embedding, landmarks="sidecar", landmarks_root=points)
    scoring = Scoring(
        rule="nearest",
        fars=tuple(column.far for column in columns if column.far is not None),
        world=config.world,
        resamples=config.resamples,
        seed=config.seed,
    )
    source = Source(name, places.roots.get(name))
    with bars_of(show) as bars:
        found = evaluate(source, systems, embedding, scoring, bars)
    first = found.exported[0]
    whole, read = found.whole, {_read_off(column): column.name for column in columns}
    values = whole.scored.values
    return Found(
        values={
            one.name: {
                mine: mean_of([values[title][label] for title in one.titles])
                for label, mine in read.items()
            }
            for one in rows
        },
        comparisons=tuple(_comparisons(found.whole, rows, read)),
        rule=whole.rule,
        notes=tuple(_once((*whole.sentences(), *(f"Warning: {one}" for one in found.warnings)))),
        inputs=whole.inputs,
        counted=whole.protocols[0].counted,
        devices=tuple(
            first.exporter.recognizer(way).identity.get("device", "cpu") for way in first.ways
        ),
        figures=(
            TableFigure(None, partial(_draw, "roc", found, rows), f"{name} ROC"),
            TableFigure(None, partial(_draw, "det", found, rows), f"{name} DET"),
        ),
    )


def _comparisons(
    whole: "Whole", rows: Sequence[Ready], read: Mapping[str, str]
) -> Iterator[Comparison]:
    """Each row minus each one before it, training by training."""
    for before, after in itertools.combinations(rows, 2):
        pairs = after.beside(before)
        gaps = [whole.gaps(after.titles[mine], before.titles[other]) for mine, other in pairs]
        for label, column in read.items():
            if not all(label in one for one in gaps):
                continue
            difference, interval = mean_gap([one[label] for one in gaps])
            real = None if interval is None else not interval[0] <= 0 <= interval[1]
            names = after.name, before.name
            yield Comparison(*names, column, difference, interval, real, len(pairs))


def _once(sentences: Iterable[str]) -> Iterator[str]:
    """What is said of every training of a row in the same words, is said of the row."""
    said = (re.sub(r" #\d+", "", one) for one in sentences)
    yield from dict.fromkeys(said)


def _draw(kind: str, found: "Evaluated", rows: Sequence[Ready]) -> "Figure":
    """Every row's ROC or DET, one curve a split and training."""
    from results.figures.curves import draw_det, draw_roc

    pairs = [one.pairs.genuine for one in found.verified]
    curves = {
        one.name: [
            (split.scores[title], genuine)
            for split, genuine in zip(found.whole.splits, pairs, strict=True)
            for title in one.titles
        ]
        for one in rows
    }
    title = found.whole.title.removesuffix(", %")
    return (draw_roc if kind == "roc" else draw_det)(title, curves)


def _read_off(column: Column) -> str:
    """What scoring calls a column."""
    from results.systems import rate_name
    from results.verification import ACCURACY

    return ACCURACY if column.far is None else f"TAR@{rate_name(column.far)}"
