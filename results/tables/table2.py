"""Table 2: face verification on IJB-B and IJB-C, as data."""

from dataclasses import dataclass

from results.export.work import Show
from results.tables.places import Places
from results.tables.result import Result
from results.tables.rows import Column, Row
from results.tables.verified import Verified, verify

COLUMNS = (
    Column("IJB-B TAR@FAR=.01", "ijbb", far=0.01),
    Column("IJB-B TAR@FAR=.001", "ijbb", far=0.001),
    Column("IJB-C TAR@FAR=.01", "ijbc", far=0.01),
    Column("IJB-C TAR@FAR=.001", "ijbc", far=0.001),
)
ROWS = (
    Row("CASIA + ours", "casia-cfr-gan", note="its training set augmented by CFR-GAN"),
    Row("CASIA", "casia", note="trained on CASIA-WebFace as it is"),
    Row("CASIA, R&R", "casia", "rotate-and-render"),
    Row(
        "CASIA, ours without L_id",
        "casia",
        "cfr-gan:mini-without-identity",
        note="of a shorter training than ours: cfr-gan:mini-short has the same budget",
    ),
    Row("CASIA, ours", "casia", "cfr-gan"),
)


@dataclass(frozen=True)
class Table2(Verified):
    """Table 2: face verification on IJB-B and IJB-C, by what the test photos go through first."""


def compute(config: Table2, places: Places | None = None, show: Show | None = None) -> Result:
    """Measure the rows whose data, weights and frontalizer are there.

    Raises:
        BadInput: A file that is there is not what it has to be.
    """
    return verify("table2", ROWS, COLUMNS, config, places, show)
