"""Measures rows of face verification: any recognizer, any frontalizer, through the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from results.console import progress_bars
from results.loading import Source
from results.pipeline import Chosen, Embedding
from results.scoring import Scoring
from results.tables.result import Result, TableFigure
from results.tables.rows import Column, Found, Options, Row, fill

if TYPE_CHECKING:  # what computes is imported when something is computed
    from matplotlib.figure import Figure

    from results.evaluating import Evaluated


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


def verify(table: str, rows: Sequence[Row], columns: Sequence[Column], config: Verified) -> Result:
    """Fill a table of face verification: see :func:`results.tables.rows.fill`."""
    return fill(table, rows, columns, partial(_measure, config), config)


def _measure(config: Verified, name: str, rows: Sequence[Row], columns: Sequence[Column]) -> Found:
    """All rows and columns of a protocol at once: they share the cache and the draws."""
    from results.evaluating import evaluate

    systems = [Chosen(str(row.file), row.frontalizer, title=row.name) for row in rows]
    scoring = Scoring(
        rule="nearest",
        fars=tuple(column.far for column in columns if column.far is not None),
        world=config.world,
        resamples=config.resamples,
        seed=config.seed,
    )
    with progress_bars(Console()) as show:
        found = evaluate(Source(name), systems, config.embedding, scoring, show)
    first = found.exported[0]
    whole, read = found.whole, {_read_off(column): column.name for column in columns}
    return Found(
        values={
            row: {mine: values[label] for label, mine in read.items()}
            for row, values in whole.scored.values.items()
        },
        comparisons=tuple(
            replace(one, column=read[one.column])
            for one in whole.comparisons()
            if one.column in read
        ),
        rule=whole.rule,
        notes=(*whole.sentences(), *(f"Warning: {one}" for one in found.warnings)),
        inputs=whole.inputs,
        counted=whole.protocols[0].counted,
        devices=tuple(
            first.exporter.recognizer(way).identity.get("device", "cpu") for way in first.ways
        ),
        figures=(TableFigure(None, partial(_draw_roc, found), f"{name} ROC"),),
    )


def _draw_roc(found: "Evaluated") -> "Figure":
    """Every row's ROC, one curve a split."""
    from protocols.types import VerificationProtocol
    from results.figures.curves import draw_roc

    pairs = [one.pairs.genuine for one in found.protocols if isinstance(one, VerificationProtocol)]
    curves = {
        row: [
            (split.scores[row], genuine)
            for split, genuine in zip(found.whole.splits, pairs, strict=True)
        ]
        for row in found.whole.rows
    }
    return draw_roc(found.whole.title.removesuffix(", %"), curves)


def _read_off(column: Column) -> str:
    """What scoring calls a column."""
    from results.systems import rate_name
    from results.verification import ACCURACY

    return ACCURACY if column.far is None else f"TAR@{rate_name(column.far)}"
