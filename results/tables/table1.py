"""Table 1: face verification on LFW and IJB-A, as data."""

from dataclasses import dataclass

from results.export.work import Show
from results.tables.places import Places
from results.tables.result import Result
from results.tables.rows import Column, Row
from results.tables.verified import Verified, verify

COLUMNS = (
    Column("LFW accuracy", "lfw"),
    Column("IJB-A TAR@FAR=.01", "ijba", far=0.01),
    Column("IJB-A TAR@FAR=.001", "ijba", far=0.001),
)
ROWS = (
    Row("Res18", "res18", note="trained on CASIA-WebFace as it is"),
    Row(
        "Res18 + R&R",
        "res18-rotate-and-render",
        note="its training set augmented by Rotate-and-Render",
    ),
    Row("Res18 + ours", "res18-cfr-gan", note="its training set augmented by CFR-GAN"),
)


@dataclass(frozen=True)
class Table1(Verified):
    """Table 1: face verification on LFW and IJB-A, by what the training set was augmented with."""


def compute(config: Table1, places: Places | None = None, show: Show | None = None) -> Result:
    """Measure the rows whose data and weights are there.

    Raises:
        BadInput: A file that is there is not what it has to be.
    """
    return verify("table1", ROWS, COLUMNS, config, places, show)
