"""Measures rows of expression recognition: accuracy on the subsets of a protocol."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int64

from eval.classification import wilson_interval
from eval.resampling_rates import rate_difference
from protocols.errors import BadOption
from protocols.rafdb import HOW_LISTS
from protocols.types import ExpressionProtocol
from recognizers.onnx_about import read_about
from results.export.locating import Setup
from results.export.work import Show, no_bar
from results.expressions import Expressions
from results.loading import Source, load
from results.record import Comparison
from results.systems import Draws, Measured
from results.tables.rows import Column, Found, Ready
from results.tables.seeds import Gap, mean_gap, mean_of

_TOLD = ("preset", "schedule", "network", "started from", "photos", "loss", "seed")
Positions = Mapping[str, Int64[np.ndarray, " _"]]
"""Each subset's photos, by position among those that any subset holds."""


def classify(
    source: Source,
    rows: Sequence[Ready],
    columns: Sequence[Column],
    *,
    setup: Setup,
    draws: Draws,
    show: Show = no_bar,
) -> Found:
    """Classify the photos of all subsets, each once, by every row's network.

    Args:
        source: The protocol.
        rows: Their weights are there.
        columns: Each names a subset; one whose list is absent has no value.
        setup: Where the work is done, and where answers are kept.
        draws: Of the differences.
        show: Progress.

    Raises:
        BadOption: It is no protocol of expressions.
        DatasetUnavailable: It, or a photo of it, is absent.
        BadInput: It, a photo or a network is not what it has to be.
    """
    protocol = load(source)[0]
    if not isinstance(protocol, ExpressionProtocol):
        raise BadOption(source.name, "a protocol of expressions")
    listed = {
        column.subset: protocol.subsets[column.subset].astype(np.int64)
        for column in columns
        if column.subset in protocol.subsets
    }
    used = np.unique(np.concatenate(list(listed.values())))
    places = {subset: np.searchsorted(used, photos) for subset, photos in listed.items()}
    right: dict[str, list[Bool[np.ndarray, " u"]]] = {}
    inputs, devices, trained = {}, set(), {}
    faces = Expressions(protocol, used, setup, show)
    for row in rows:
        right[row.name] = [faces.right(file) for file in row.files]
        network = faces.network(row.files[0])
        inputs[row.name] = network.input.words.rpartition(", ")[0]  # no template: nothing is cut
        devices.add(network.identity["device"])
        about = read_about(row.files[0])
        if len(row.files) > 1:
            about = {**about, "seed": ", ".join(map(str, row.seeds))}
        trained[row.name] = about
    return Found(
        values={
            row: {
                column.name: mean_of([_accuracy(one, column, places) for one in trainings])
                for column in columns
            }
            for row, trainings in right.items()
        },
        comparisons=tuple(_comparisons(rows, right, columns, places, draws)),
        rule=f"{protocol.rule}; whole photos, resized; the largest of {len(protocol.classes)} "
        f"numbers is the class",
        notes=(
            *_notes(protocol, inputs, draws),
            *_trained(trained),
            *(f"Warning: {one}" for one in faces.warnings),
        ),
        inputs={file.path.name: file.sha256 for file in protocol.inputs},
        devices=tuple(devices),
        counted=protocol.counted,
    )


def _accuracy(right: Bool[np.ndarray, " u"], column: Column, places: Positions) -> Measured:
    if column.subset not in places:
        return Measured(None, 0, None, f"the list of {column.subset} is absent ({HOW_LISTS})")
    answers = right[places[column.subset]]
    hits, count = int(answers.sum()), len(answers)
    return Measured.rate(hits / count, count, wilson_interval(hits, count))


def _comparisons(
    rows: Sequence[Ready],
    right: Mapping[str, Sequence[Bool[np.ndarray, " u"]]],
    columns: Sequence[Column],
    places: Positions,
    draws: Draws,
) -> Iterator[Comparison]:
    """Each row minus each one before it, on the same photos, training by training."""
    for before, after in itertools.combinations(rows, 2):
        of, than = right[after.name], right[before.name]
        pairs = [(of[mine], than[other]) for mine, other in after.beside(before)]
        for column in columns:
            photos = places.get(column.subset)
            if photos is None or not draws:
                continue
            gaps = [_gap(mine[photos], other[photos], photos, draws) for mine, other in pairs]
            known = [one for one in gaps if one is not None]
            if len(known) < len(gaps):
                continue
            gap, interval = mean_gap(known)
            real = None if interval is None else not interval[0] <= 0 <= interval[1]
            yield Comparison(after.name, before.name, column.name, gap, interval, real, len(pairs))


def _gap(
    mine: Bool[np.ndarray, " p"],
    other: Bool[np.ndarray, " p"],
    photos: Int64[np.ndarray, " p"],
    draws: Draws,
) -> Gap | None:
    """One network's accuracy minus another's, in percent."""
    found = rate_difference(other.astype(float), mine.astype(float), photos, **draws.again())
    if found is None:
        return None
    return 100 * found.difference, (100 * found.interval.low, 100 * found.interval.high)


def _notes(protocol: ExpressionProtocol, inputs: Mapping[str, str], draws: Draws) -> Iterator[str]:
    yield f"Counts: {protocol.counted}."
    yield from (f"{row} is fed {words}." for row, words in inputs.items())
    yield "Intervals: Wilson's, as if the photos were of different people: the lists name nobody."
    if draws and len(inputs) > 1:
        yield f"Differences: the same photos for both rows, {draws.resamples:,} resamples of them."


def _trained(rows: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """How each row's network came about, as far as its file says."""
    for row, about in rows.items():
        told = [f"{label} {about[label]}" for label in _TOLD if label in about]
        if told:
            yield f"{row}, as its file says: {'; '.join(told)}."
