"""Which rows of a record a claim is about: those that the paper names, or what stands for them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from results.paper import (
    BASELINE,
    BASELINE_OCCLUDED,
    OURS,
    OURS_OCCLUDED,
    TABLES,
    Claim,
    Order,
)
from results.record import RunRecord

OF_ONE_BUDGET = "cfr-gan:mini-short"
"""Ours, trained as shortly as the ablations."""
ABLATIONS: Mapping[str, str] = {
    "fig9-swap": "cfr-gan:mini-no-swap",
    "fig9-occlusion-path": "cfr-gan:mini-without-occlusion-path",
    "fig9-difference-mask": "cfr-gan:mini-parsing",
    "fig9-identity-loss": "cfr-gan:mini-without-identity",
    "random-erasing": "cfr-gan:mini-without-augmentation",
}
"""Claim → the row that lacks the part in question."""
RESTORED = ("restoration-masked-pairs", "restoration-renders")
JUDGED_BY = ("SSIM, hidden", "identity (dlib)")
"""The columns of these tables that no network of the losses decides."""
TURNED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "table2-preprocessing-helps": ((", cfr-gan", ""),),
    "table2-rotate-and-render-harms": (("", ", rotate-and-render"),),
    "table2-identity-loss-helps": (
        (f", {OF_ONE_BUDGET}", ", cfr-gan:mini-without-identity"),
        ("", ", cfr-gan:mini-without-identity"),
    ),
}
"""Claim → what follows the recognizer's name in the row that has to do better, and in the other."""
WITHOUT_IDENTITY = "CASIA, ours without L_id"
"""A row whose generator may be of another budget than ours: its notes tell."""
_MODELS = {
    BASELINE: "baseline",
    OURS: "stage2",
    BASELINE_OCCLUDED: "baseline, occluded",
    OURS_OCCLUDED: "stage2, occluded",
}


def orders_of(claim: Claim, record: RunRecord) -> tuple[Order, ...]:
    """The orders of a claim that a record can hold; none if it is about something else.

    Args:
        claim: The claim.
        record: A table of the paper, of restored faces, or of recognizers behind frontalizers.
    """
    if record.table in TABLES:
        return tuple(_own(one, record) for one in claim.orders if one.table == record.table)
    if record.table in RESTORED and claim.name in ABLATIONS:
        rows = OF_ONE_BUDGET, ABLATIONS[claim.name]
        return tuple(Order(record.table, column, *rows) for column in JUDGED_BY)
    if _verifies(record) and claim.name in TURNED:
        return tuple(_turned(record, TURNED[claim.name]))
    return ()


def stands_for(claim: Claim, record: RunRecord) -> str:
    """How a record's test of a claim differs from the paper's, in a sentence; empty if it does not.

    Args:
        claim: The claim.
        record: A record that has orders of it.
    """
    if record.table in RESTORED:
        told = (
            "The paper shows pictures without a number; here it is the likeness to the true face "
            "under what hides it, and its identity for dlib, of small networks of one short budget."
        )
        if claim.name == "random-erasing":
            told += " Without augmentation there is no mirroring and no half resolution either."
        return told
    if record.table not in TABLES:
        return f"Another protocol and other recognizers than the paper's: {record.title}."
    if claim.name == "table2-identity-loss-helps":
        return " ".join(one for one in record.notes if one.startswith(f"{WITHOUT_IDENTITY}: "))
    if any(one != _own(one, record) for one in claim.orders):
        return (
            "Rows named stage2 and baseline are networks of our own: stage2 for ours, baseline for "
            "Deng et al."
        )
    return ""


def higher_is_better(table: str) -> bool:
    """Whether a larger number is better in the columns that orders are about."""
    return TABLES[table].higher_is_better if table in TABLES else True


def _own(order: Order, record: RunRecord) -> Order:
    """With the rows of a record of our own networks in the place of the paper's."""
    if order.better in record.rows or order.worse in record.rows:
        return order
    rows = [_MODELS.get(row, row) for row in (order.better, order.worse)]
    if not set(rows) <= set(record.rows):
        return order
    return replace(order, better=rows[0], worse=rows[1])


def _verifies(record: RunRecord) -> bool:
    return record.table.startswith("evaluate-") and record.table.endswith("-1-1")


def _turned(record: RunRecord, endings: tuple[tuple[str, str], ...]) -> Iterator[Order]:
    """All orders in each rate, for each recognizer that has both rows of one at least."""
    columns = [one for one in record.columns if one.startswith(("accuracy", "TAR@"))]
    for row in record.rows:
        pairs = [(row + better, row + worse) for better, worse in endings]
        if any(set(pair) <= set(record.rows) for pair in pairs):
            for column in columns:
                if not column.endswith(" std"):
                    yield from (Order(record.table, column, *pair) for pair in pairs)
