from pathlib import Path

import pytest

from results.export.work import no_bar
from results.synthetic import aflw2000, casia, ijb, ijba, lfw, rafdb
from results.synthetic.making import make_synthetic
from results.synthetic.media import Media
from results.synthetic.options import MakeSynthetic


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tiny tinier, so that all sets together take seconds: 140 photos."""
    few = Media(people=6, stills=2, videos=1, frames=2)
    sizes = {
        casia: (3, 9),
        rafdb: (10, 12),
        lfw: (2, 2, 2),
        ijba: ijba._Sizes(few, 4, 4, 20),
        aflw2000: 9,
    }
    for module, size in sizes.items():
        monkeypatch.setitem(module.SIZES, "tiny", size)
    for dataset in ("IJB-B", "IJB-C"):
        monkeypatch.setitem(ijb.SIZES[dataset], "tiny", ijb._Sizes(few, 8, 30))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All data sets of a world, small."""
    out = tmp_path_factory.mktemp("world") / "out"
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        made = make_synthetic(MakeSynthetic(out, jobs=1), no_bar)
    assert len(made) == 7
    return out


@pytest.fixture
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)
