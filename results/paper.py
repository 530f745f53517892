"""The paper's numbers and claims, each with its citation: what every table is held against.

Ju, Lee, Hong, Lee: Complete Face Recovery GAN: Unsupervised Joint Face Rotation and De-Occlusion
from a Single-View Image. WACV 2022, pages 3711–3721.

A number is here only if it can be traced. Where the paper prints one that could not be checked
against a source at hand, the value is None and :func:`untranscribed` names the cell; tables print
"–" there and never a guess. To fill a gap: put the printed number in and cite the paper's table.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CITATION = "Ju et al., Complete Face Recovery GAN, WACV 2022"

_RECOMPUTED = (
    f"{CITATION}, Table 4; every printed digit follows from the authors' released predictions"
)
# These numbers are known to be printed; which row's they are follows from the paper's claims.
_TABLE1_LFW = (
    f"{CITATION}, Table 1; an exact number of the 6,000 pairs; row by the order that it claims"
)
_TABLE3 = (
    f"{CITATION}, Table 3; an exact number of the subset's images; row by the order that it claims"
)
_GAP = f"{CITATION}: printed there, not transcribed here yet"


@dataclass(frozen=True)
class PaperValue:
    """A number of the paper.

    Attributes:
        value: As printed, or None where it is not transcribed.
        citation: Where it is printed, and how it was checked.
    """

    value: float | None
    citation: str


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper.

    Attributes:
        title: What is measured, with the unit.
        columns: Column names.
        higher_is_better: The direction in which a number improves.
        rows: Every row's values by column; a row may lack columns.
        reported: Rows whose numbers the paper took from the literature.
        note: What a reader of the table has to know.
    """

    title: str
    columns: tuple[str, ...]
    higher_is_better: bool
    rows: Mapping[str, Mapping[str, PaperValue]]
    reported: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Order:
    """Row ``better`` beats row ``worse`` in a column, or comes near it.

    Attributes:
        table: The table's short name.
        column: The column compared.
        better: The row that has to do well.
        worse: The row that it is held against.
        tolerance: None where ``better`` has to beat ``worse``; else by which share of the latter's
            value it may fall short: 0 for "no worse", 0.1 for "at most a tenth worse".
    """

    table: str
    column: str
    better: str
    worse: str
    tolerance: float | None = None


@dataclass(frozen=True)
class Claim:
    """Something that the paper says about its numbers, as orders that can be tested.

    Attributes:
        name: A short name for verdicts.
        statement: The claim in words.
        orders: What has to hold; empty where the claim is no comparison of table cells.
        note: What the paper's own numbers say against it, if anything.
    """

    name: str
    statement: str
    orders: tuple[Order, ...] = ()
    note: str = ""


def _row(columns: tuple[str, ...], citation: str, *values: float | None) -> dict[str, PaperValue]:
    return {
        column: PaperValue(value, _GAP if value is None else citation)
        for column, value in zip(columns, values, strict=True)
    }


_T1 = ("LFW accuracy", "IJB-A TAR@FAR=.01", "IJB-A TAR@FAR=.001")
_T2 = ("IJB-B TAR@FAR=.01", "IJB-B TAR@FAR=.001", "IJB-C TAR@FAR=.01", "IJB-C TAR@FAR=.001")
_T3 = ("total", "occlusion", "pose > 30°")
_T4 = ("0–30", "30–60", "60–90", "Mean", "Std")

BASELINE = "Deng et al. (baseline)"
OURS = "CFR-GAN (ours)"
BASELINE_OCCLUDED = "Deng et al. (baseline), occluded"
OURS_OCCLUDED = "CFR-GAN (ours), occluded"

TABLES: Mapping[str, PaperTable] = {
    "table1": PaperTable(
        title="Face verification on LFW and IJB-A, %",
        columns=_T1,
        higher_is_better=True,
        rows={
            "Res18": _row(_T1, _TABLE1_LFW, 98.85, None, None),
            "Res18 + R&R": _row(_T1, _TABLE1_LFW, 98.95, None, None),
            "Res18 + ours": _row(_T1, _TABLE1_LFW, 99.23, None, None),
        },
        note="LFW and IJB-A photos are among the training data that the Deep3D baseline lists, so "
        "its fits are not blind to them.",
    ),
    "table2": PaperTable(
        title="Face verification on IJB-B and IJB-C, TAR %",
        columns=_T2,
        higher_is_better=True,
        rows={
            "CASIA + ours": _row(_T2, _GAP, None, None, None, None),
            "CASIA": _row(_T2, _GAP, None, None, None, None),
            "CASIA, R&R": _row(_T2, _GAP, None, None, None, None),
            "CASIA, ours without L_id": _row(_T2, _GAP, None, None, None, None),
            "CASIA, ours": _row(_T2, _GAP, None, None, None, None),
        },
        note="'CASIA + ours' augments the training set; the rows below it are one network, with "
        "the test photos as they are or frontalized first.",
    ),
    "table3": PaperTable(
        title="Expression recognition on RAF-DB, accuracy %",
        columns=_T3,
        higher_is_better=True,
        rows={
            "GACNN": _row(_T3, _TABLE3, None, 80.54, None),
            "VGG16": _row(_T3, _TABLE3, None, 76.87, 79.39),
            "VGG16 + ours": _row(_T3, _TABLE3, None, 80.54, 84.05),
        },
        reported=("GACNN",),
        note="The occlusion column mixes test sets: GACNN's number was measured on synthetic "
        "occlusions, the others on the 735 occluded photos of RAF-DB. 84.05 is an exact number of "
        "1,248 photos where the public list of poses beyond 30° has 1,247. Of the total column, "
        "85.48 is printed (it is no exact number of the 3,068 test photos), but which row's it is "
        "could not be checked, so it stands in none.",
    ),
    "table4": PaperTable(
        title="Landmark error on AFLW2000-3D by yaw, NME %",
        columns=_T4,
        higher_is_better=False,
        rows={
            BASELINE: _row(_T4, _RECOMPUTED, 2.808, 3.332, 4.318, 3.486, 0.626),
            OURS: _row(_T4, _RECOMPUTED, 2.662, 3.404, 4.090, 3.385, 0.583),
            BASELINE_OCCLUDED: _row(_T4, _RECOMPUTED, 3.949, 5.530, 7.335, 5.605, 1.383),
            OURS_OCCLUDED: _row(_T4, _RECOMPUTED, 2.773, 3.579, 4.362, 3.571, 0.649),
        },
        note="'Mean' is the unweighted mean of the three bins and 'Std' the population standard "
        "deviation of those three; the last bin holds every |yaw| above 60°.",
    ),
}

SECONDS_PER_IMAGE = PaperValue(0.05, f"{CITATION}: restoring one image")


def _orders(table: str, columns: tuple[str, ...], *ranking: str) -> tuple[Order, ...]:
    """Every neighbour of a ranking, best first, in every column."""
    return tuple(
        Order(table, column, better, worse)
        for column in columns
        for better, worse in itertools.pairwise(ranking)
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "table1-augmentation",
        "Training augmentation with ours beats Rotate-and-Render, which beats none, in all three "
        "columns of Table 1.",
        _orders("table1", _T1, "Res18 + ours", "Res18 + R&R", "Res18"),
    ),
    Claim(
        "table2-preprocessing-helps",
        "Frontalizing the test photos with ours helps verification.",
        _orders("table2", _T2, "CASIA, ours", "CASIA"),
    ),
    Claim(
        "table2-rotate-and-render-harms",
        "Frontalizing the test photos with Rotate-and-Render harms verification.",
        _orders("table2", _T2, "CASIA", "CASIA, R&R"),
    ),
    Claim(
        "table2-identity-loss-helps",
        "The identity loss helps: without it, ours is below the baseline at IJB-B, FAR .01.",
        (
            *_orders("table2", _T2, "CASIA, ours", "CASIA, ours without L_id"),
            Order("table2", _T2[0], "CASIA", "CASIA, ours without L_id"),
        ),
    ),
    Claim(
        "table2-training-augmentation-helps",
        "Augmenting the training set with ours helps verification.",
        _orders("table2", _T2, "CASIA + ours", "CASIA"),
    ),
    Claim(
        "table3-expression",
        "Augmenting with ours improves VGG16 in all three columns of Table 3.",
        _orders("table3", _T3, "VGG16 + ours", "VGG16"),
    ),
    Claim(
        "table3-equals-gacnn",
        "On occluded faces, VGG16 with ours equals GACNN.",
        (
            Order("table3", "occlusion", "VGG16 + ours", "GACNN", tolerance=0.0),
            Order("table3", "occlusion", "GACNN", "VGG16 + ours", tolerance=0.0),
        ),
        note="The two numbers are from different test sets.",
    ),
    Claim(
        "table4-occluded-beats-baseline",
        "On occluded photos the fine-tuned regressor beats the baseline.",
        _orders("table4", _T4[:4], OURS_OCCLUDED, BASELINE_OCCLUDED),
    ),
    Claim(
        "table4-occluded-near-original",
        "On occluded photos the fine-tuned regressor is nearly as good as on the originals.",
        tuple(Order("table4", column, OURS_OCCLUDED, OURS, tolerance=0.1) for column in _T4[:4]),
        note="The paper puts no number on 'nearly': a tenth is our reading. Its own loss is 6 %.",
    ),
    Claim(
        "table4-original-no-worse",
        "On the original photos the fine-tuned regressor is no worse than the baseline.",
        tuple(Order("table4", column, OURS, BASELINE, tolerance=0.0) for column in _T4[:4]),
        note="The paper's own 30–60° bin is worse: 3.404 against 3.332.",
    ),
    Claim("fig9-swap", "Without the swap of occluded texture the restoration is worse (Fig. 9)."),
    Claim("fig9-occlusion-path", "Without the occlusion path the restoration is worse (Fig. 9)."),
    Claim(
        "fig9-difference-mask",
        "With face parsing alone, without the difference mask, the restoration is worse (Fig. 9).",
    ),
    Claim("fig9-identity-loss", "Without the identity loss the restoration is worse (Fig. 9)."),
    Claim("random-erasing", "Training with random erasing improves the restoration."),
    Claim("speed", "Restoring an image takes 0.05 s."),
)


def paper_value(table: str, row: str, column: str) -> PaperValue | None:
    """The paper's number for a cell, or None where the paper has no such cell."""
    return TABLES[table].rows.get(row, {}).get(column)


def untranscribed() -> Iterator[tuple[str, str, str]]:
    """Table, row and column of every printed number that is not transcribed here."""
    for table, paper in TABLES.items():
        for row, values in paper.rows.items():
            for column, value in values.items():
                if value.value is None:
                    yield table, row, column
