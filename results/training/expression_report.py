"""How good an exported expression classifier is: subsets, intervals, confusion, several seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.classification import ClassReport, class_report, wilson_interval
from eval.intervals import splits_summary
from protocols.types import ExpressionProtocol
from results.export.locating import Setup
from results.export.work import Show
from results.expressions import Expressions
from results.training.expression_photos import TRAIN

Reports = Mapping[str, ClassReport]
"""By subset, in the protocol's order."""
HEADING = ("test photos", "accuracy in % (95 %), right of all")
MEASURED = (
    "Measured by the exported ONNX file, as Table 3 measures it. Intervals are Wilson's: the "
    "photos are taken for independent. The recall of a class is the share of its photos that are "
    "right, on all test photos. Nothing was chosen by these photos: the weights are those of the "
    "last step."
)


def measure(file: Path, protocol: ExpressionProtocol, setup: Setup, show: Show) -> Reports:
    """Classify the photos of every subset but the one for training.

    Args:
        file: An ONNX file, its card beside it.
        protocol: Labels and subsets.
        setup: Where the work is done, and where answers are kept.
        show: Progress.

    Raises:
        BadInput: The file gives another count of numbers than there are classes.
        BadAnswer: A number is not finite.
    """
    subsets = {name: rows for name, rows in protocol.subsets.items() if name != TRAIN}
    used = np.unique(np.concatenate(list(subsets.values()))).astype(np.int64)
    answers = Expressions(protocol, used, setup, show).answers(file)
    places = {name: np.searchsorted(used, rows) for name, rows in subsets.items()}
    return {
        name: class_report(protocol.labels[used[at]], answers[at], len(protocol.classes))
        for name, at in places.items()
    }


def rows_of(reports: Reports, classes: Sequence[str]) -> dict[str, str]:
    """A card's rows: each subset; then the recall of each class and their mean, on the first."""
    rows = {name: _share(int(one.confusion.trace()), one.count) for name, one in reports.items()}
    whole = next(iter(reports.values()))
    sizes = whole.confusion.sum(axis=1)
    for label, name in enumerate(classes):
        hits, count = int(whole.confusion[label, label]), int(sizes[label])
        rows[f"recall of {name}"] = _share(hits, count) if count else "no photo"
    return {**rows, "mean recall": f"{100 * whole.mean_recall:.2f}"}


def summary(reports: Mapping[int, Reports]) -> str:
    """Accuracies of several seeds as Markdown: each seed's, mean, and Student's interval of it.

    Args:
        reports: By seed, two or more.
    """
    seeds = list(reports)
    subsets = list(reports[seeds[0]])
    lines = [
        f"| accuracy, % | {' | '.join(f'seed {seed}' for seed in seeds)} | mean (95 %) |",
        f"|---|{'---|' * len(seeds)}---|",
    ]
    for subset in subsets:
        values = 100 * np.array([reports[seed][subset].accuracy for seed in seeds])
        found = splits_summary(values)
        low, high = max(found.interval.low, 0.0), min(found.interval.high, 100.0)
        each = " | ".join(f"{value:.2f}" for value in values)
        lines.append(f"| {subset} | {each} | {found.mean:.2f} ({low:.2f}–{high:.2f}) |")
    told = (
        "The interval is Student's over seeds: it tells how much a run's chance matters, not how "
        "much the choice of test photos does."
    )
    return "\n".join([*lines, "", told]) + "\n"


def _share(hits: int, count: int) -> str:
    low, high = wilson_interval(hits, count)
    return f"{100 * hits / count:.2f} ({100 * low:.2f}–{100 * high:.2f}), {hits:,} of {count:,}"
