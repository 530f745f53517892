"""A world so small that whole experiments take a minute, and networks to match."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from results.reproducing.profiles import PROFILES, Profile
from results.synthetic import aflw2000, casia, ijb, ijba, lfw, rafdb
from results.synthetic.media import Media

SMALLEST = Profile(
    scale="tiny",
    tests="tiny",
    seeds=(0, 1, 2),
    recognizer={"width": 2, "size": 32, "dimension": 8, "steps": 3, "batch": 4, "hold_out": 3},
    expression={"preset": "tiny", "width": 2, "size": 32, "steps": 3, "batch": 4},
    augment={"coefficients": "regressor"},
    resamples=100,
)


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The profile ``tiny`` at its smallest; the folder of artifacts."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    few = Media(people=12, stills=3, videos=1, frames=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFR_ARTIFACTS", str(artifacts))
        patch.setenv("CFR_DATA", str(artifacts / "nothing"))
        patch.setitem(PROFILES, "tiny", SMALLEST)
        patch.setitem(casia.SIZES, "tiny", (6, 18))
        patch.setitem(rafdb.SIZES, "tiny", (60, 14))
        patch.setitem(lfw.SIZES, "tiny", (3, 2, 3))
        patch.setitem(ijba.SIZES, "tiny", ijba._Sizes(few, 10, 6, 40))
        patch.setattr(ijba, "IMPOSTORS", 1100)
        patch.setitem(aflw2000.SIZES, "tiny", 9)
        for dataset in ("IJB-B", "IJB-C"):
            patch.setitem(ijb.SIZES[dataset], "tiny", ijb._Sizes(few, 100, 1100))
        yield artifacts
