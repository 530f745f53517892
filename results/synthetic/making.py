"""The whole world: each data set is planned, photographed, listed, and looked at."""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from results.alone import alone
from results.export.mapping import Workers
from results.export.work import Show
from results.synthetic import aflw2000, casia, ijb, ijba, lfw, rafdb
from results.synthetic.about import About, begin
from results.synthetic.options import NAMES, MakeSynthetic, Name, Scale
from results.synthetic.plan import SetPlan
from results.synthetic.sheets import draw_contact_sheet
from results.synthetic.taking import WORK, take_photos
from results.synthetic.truth_files import write_truth

PLANS: Mapping[Name, Callable[[Scale, int, str], SetPlan]] = {
    "casia": casia.plan,
    "rafdb": rafdb.plan,
    "lfw": lfw.plan,
    "ijba": ijba.plan,
    "ijbb": ijb.plan_ijbb,
    "ijbc": ijb.plan_ijbc,
    "aflw2000": aflw2000.plan,
}
"""Data set → what is to be drawn, from a scale, a seed and what ``counts.json`` says."""


@dataclass(frozen=True)
class Made:
    """What a run left.

    Attributes:
        name: Of a data set.
        photos: How many it has.
        people: Of how many people.
        seconds: That it took now; None where it was there already.
        sheet: Some of it, to look at.
    """

    name: str
    photos: int
    people: int
    seconds: float | None
    sheet: Path

    @property
    def sentence(self) -> str:
        """For the console."""
        when = "there already" if self.seconds is None else f"{self.seconds:.1f} s"
        return (
            f"{self.name}: {self.photos:,} photos of {self.people:,} people, {when}; {self.sheet}"
        )


def make_synthetic(config: MakeSynthetic, show: Show) -> list[Made]:
    """Make the data sets that are not there yet.

    Raises:
        BadInput: The folder holds something else, a world of other options, or another run writes
            to it.
        CacheFailed: The disk is full.
        WorkersLost: A process was ended by the system.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    found = []
    with alone(config.out):
        about = begin(config)
        for name in sorted(config.sets, key=NAMES.index):
            begun = None if name in about.sets else time.perf_counter()
            if begun is not None:
                about = _make(config, about, name, show)
            told = about.sets[name]
            seconds = None if begun is None else time.perf_counter() - begun
            sheet = config.out / "sheets" / f"{name}.png"
            found.append(Made(name, told["photos"], told["people"], seconds, sheet))
    return found


def _make(config: MakeSynthetic, about: About, name: Name, show: Show) -> About:
    """Make one data set, and write down that it is there when it is."""
    plan, root = PLANS[name](config.scale, config.seed, about.why), config.out / name
    truth = take_photos(root, plan, Workers(config.jobs), show)
    plan.finish(root, truth)
    write_truth(root, plan.photos, truth)
    draw_contact_sheet(config.out, plan)
    about = about.with_set(config.out, plan)
    about.write(config.out)
    shutil.rmtree(root / WORK)
    return about
