"""``synthetic.json``: by what a world was made, and which of its data sets are finished."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from protocols.errors import BadInput
from protocols.types import InputFile
from results.cache.durable import remove_leftovers, write_durably
from results.export.ground import Ground
from results.record import MADE_UP
from results.synthetic.options import MakeSynthetic
from results.synthetic.plan import SetPlan
from results.synthetic.truth_files import POINTS, TRUTH

ABOUT = "synthetic.json"
PACKAGES = ("numpy", "opencv-python", "pillow", "scipy", "torch")
"""Packages whose version may change a photo."""
_MODULES = ("results.synthetic.making",)
_FORM = "JSON as make_synthetic.py writes it"


@dataclass(frozen=True)
class About:
    """What ``synthetic.json`` says.

    Attributes:
        scale: As it was asked for.
        seed: Of the world.
        model: Digest of the face model.
        ground: Versions of packages, and a digest of the code.
        sets: Of each finished data set: photos, people, the range of their seeds, digests.
    """

    scale: str
    seed: int
    model: str
    ground: Mapping[str, str]
    sets: Mapping[str, Mapping[str, Any]]

    @property
    def why(self) -> str:
        """What tables say of the counts."""
        return f"{MADE_UP}, scale {self.scale}, seed {self.seed}"

    def write(self, out: Path) -> None:
        """Write it into the world's folder."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True)
        write_durably(out / ABOUT, f"{text}\n".encode())

    def with_set(self, out: Path, plan: SetPlan) -> "About":
        """The same with one more finished data set."""
        people, root = plan.people, out / plan.name
        told = {
            "photos": len(plan.photos),
            "people": len(people),
            "first person": int(people[0]),
            "last person": int(people[-1]),
            **{f"sha256 of {name}": InputFile.of(root / name).sha256 for name in (POINTS, TRUTH)},
        }
        return replace(self, sets={**self.sets, plan.name: told})


def begin(config: MakeSynthetic) -> About:
    """What a run goes on with: a new world, or the one that is there.

    Raises:
        BadInput: The folder holds something else, or a world of other options, versions or code.
    """
    from cfr.morphable.sources import load_model

    wanted = About(
        scale=config.scale,
        seed=config.seed,
        model=load_model("builtin").digest,
        ground=Ground.here(_MODULES, PACKAGES).seen(),
        sets={},
    )
    path = config.out / ABOUT
    if not path.is_file():
        others = sorted(one.name for one in config.out.iterdir() if not one.name.startswith("."))
        if others:
            raise BadInput(config.out, "", "an empty folder, or a world of this command", others[0])
        wanted.write(config.out)
        return wanted
    remove_leftovers(config.out)
    found = _read(path)
    for name in ("scale", "seed", "model", "ground"):
        one, other = getattr(wanted, name), getattr(found, name)
        if one != other:
            expected = f"{one!r}, or another folder"[:300]
            raise BadInput(path, name, expected, repr(other)[:300])
    return found


def _read(path: Path) -> About:
    try:
        content = json.loads(path.read_bytes())
        found = About(**content)
        sound = isinstance(found.sets, dict) and isinstance(found.ground, dict)
    except (ValueError, TypeError, OSError) as error:
        raise BadInput(path, "", _FORM, str(error)) from error
    if not sound:
        raise BadInput(path, "", _FORM, "JSON of another form")
    return found
