"""The official counts, each once more by hand: a slip in a table would pass for a wrong data set.

IJB-B and IJB-C: Whitelam et al., CVPRW 2017; Maze et al., ICB 2018; and the lists themselves.
IJB-A: counted in the official lists; Klare et al., CVPR 2015. LFW: Huang et al., technical report
07-49, 2007. RAF-DB: Li et al., CVPR 2017; Wang et al., TIP 2020. CASIA-WebFace: Yi et al., 2014,
and deepinsight/insightface.
"""

import numpy as np
import pytest

from protocols import casia, ijb_counts, ijb_nist, ijb_release, ijba, lfw, rafdb

IJB = {
    "IJB-B": {
        "templates": 12115,
        "pairs": 8010270,
        "genuine": 10270,
        "gallery S1": 931,
        "gallery S2": 914,
        "probes": 10270,
    },
    "IJB-C": {
        "templates": 23124,
        "pairs": 15658489,
        "genuine": 19557,
        "gallery G1": 1772,
        "gallery G2": 1759,
        "probes": 19593,
    },
}
PHOTOS = {"IJB-B": 227630, "IJB-C": 469375}


@pytest.mark.parametrize("dataset", ["IJB-B", "IJB-C"])
def test_ijb_b_and_ijb_c(dataset: ijb_counts.Dataset) -> None:
    assert ijb_counts.OFFICIAL[dataset] == {"photos": PHOTOS[dataset], **IJB[dataset]}
    assert set(ijb_counts.OFFICIAL) == set(IJB)
    for layout in (ijb_nist, ijb_release):
        assert layout.OFFICIAL is ijb_counts.OFFICIAL


def test_ijb_a() -> None:
    assert ijba.SPLITS == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    assert ijba._COMPARISONS == {
        1: (11787, 1803),
        2: (11779, 1779),
        3: (11701, 1722),
        4: (11779, 1797),
        5: (11744, 1754),
        10: (11752, 1752),
    }
    assert (ijba._TEMPLATES, ijba._SUBJECTS) == ((1814, 2040), (166, 167))
    assert (ijba._GENUINE, ijba._IMPOSTOR) == ((1648, 1874), (9979, 10000))


def test_the_known_splits_of_ijb_a_are_within_the_range_of_all() -> None:
    for pairs, genuine in ijba._COMPARISONS.values():
        assert ijba._GENUINE[0] <= genuine <= ijba._GENUINE[1]
        assert ijba._IMPOSTOR[0] <= pairs - genuine <= ijba._IMPOSTOR[1]


def test_lfw() -> None:
    assert lfw.COUNTS == {"folds": 10, "pairs": 6000, "genuine": 3000, "photos": 7701}


def test_raf_db() -> None:
    assert rafdb.COUNTS == {
        "train": 12271,
        "test": 3068,
        "test surprise": 329,
        "test fear": 74,
        "test disgust": 160,
        "test happiness": 1185,
        "test sadness": 478,
        "test anger": 162,
        "test neutral": 680,
        "occlusion": 735,
        "pose > 30°": 1247,
        "pose > 45°": 558,
    }
    classes = [rafdb.COUNTS[f"test {name}"] for name in rafdb.CLASSES]
    assert np.sum(classes) == rafdb.COUNTS["test"]


def test_casia_webface() -> None:
    assert casia.RECORDS_COUNTS == {"photos": 490623, "identities": 10572}
    assert casia.FOLDERS_COUNTS == {"photos": 494414, "identities": 10575}
