"""What IJB-B and IJB-C are in any layout: their galleries, and how many of everything there are.

Sizes of lists and templates: Whitelam et al., CVPRW 2017; Maze et al., ICB 2018. Templates of
galleries and probes: as insightface's evaluation prints them (deepinsight/insightface, pull
requests 1349 and 1364).
"""

from collections.abc import Mapping
from typing import Literal

Dataset = Literal["IJB-B", "IJB-C"]
GALLERIES: Mapping[Dataset, tuple[str, str]] = {"IJB-B": ("S1", "S2"), "IJB-C": ("G1", "G2")}
OFFICIAL: Mapping[Dataset, Mapping[str, int]] = {
    "IJB-B": {
        "photos": 227_630,
        "templates": 12_115,
        "pairs": 8_010_270,
        "genuine": 10_270,
        "gallery S1": 931,
        "gallery S2": 914,
        "probes": 10_270,
    },
    "IJB-C": {
        "photos": 469_375,
        "templates": 23_124,
        "pairs": 15_658_489,
        "genuine": 19_557,
        "gallery G1": 1_772,
        "gallery G2": 1_759,
        "probes": 19_593,
    },
}
"""Photos are those of insightface's layout: a crop a face."""
