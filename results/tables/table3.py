"""Table 3: expression recognition on RAF-DB, as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from recognizers.types import Device
from results.console import bars_of
from results.export.work import Show
from results.loading import Source
from results.tables.places import Places
from results.tables.result import Result
from results.tables.rows import Column, Found, Options, Ready, Row, fill

COLUMNS = (
    Column("total", "rafdb", subset="test"),
    Column("occlusion", "rafdb", subset="occlusion"),
    Column("pose > 30°", "rafdb", subset="pose > 30°"),
)
ROWS = (
    Row("GACNN"),
    Row("VGG16", "vgg16", note="trained on RAF-DB as it is"),
    Row("VGG16 + ours", "vgg16-cfr-gan", note="its training set augmented by CFR-GAN"),
)


@dataclass(frozen=True)
class Table3(Options):
    """Table 3: expression recognition on RAF-DB: all test photos, occluded ones, turned heads."""

    start: Path | None = None
    """ImageNet's weights, which VGG16 starts from where it is trained (train_expression.py's
    --start); from scratch without."""
    device: Device = "auto"
    """Where networks run; auto takes CUDA where there is one."""
    jobs: int = 0
    """Processes; 0 for as many as there are cores."""
    cluster: str | None = None
    """Address of a Dask scheduler to work on instead, such as tcp://10.0.0.5:8786."""
    cache: Path | None = None
    """Folder of what was computed before; artifacts/cache by default."""

    def plain(self) -> dict[str, str | int]:
        """As plain values, without paths of this machine."""
        return {**super().plain(), "device": self.device}


def compute(config: Table3, places: Places | None = None, show: Show | None = None) -> Result:
    """Measure the rows whose data and weights are there.

    Raises:
        BadInput: A file that is there is not what it has to be.
    """
    places = places or Places()
    measure = partial(_measure, config, places, show)
    return fill("table3", ROWS, COLUMNS, measure, config, places)


def _measure(
    config: Table3,
    places: Places,
    show: Show | None,
    name: str,
    rows: Sequence[Ready],
    columns: Sequence[Column],
) -> Found:
    from protocols.roots import artifacts_folder
    from results.export.locating import ALIGNED, Setup
    from results.export.mapping import Workers
    from results.systems import Draws
    from results.tables.classifying import classify

    setup = Setup(
        landmarks=ALIGNED,
        landmarks_root=None,
        several="centre",
        device=config.device,
        workers=Workers(config.jobs, config.cluster),
        cache=config.cache or artifacts_folder() / "cache",
    )
    draws = Draws(config.resamples, config.seed)
    source = Source(name, places.roots.get(name))
    with bars_of(show) as bars:
        return classify(source, rows, columns, setup=setup, draws=draws, show=bars)
