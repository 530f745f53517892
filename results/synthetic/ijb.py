"""IJB-B and IJB-C of made-up people, in NIST's layout and in that of insightface's ``IJB_release``.

Half of the people are in each of the two galleries. What somebody is known by, and the probes, have
no medium in common. Every probe is compared with its own person's template, and with others'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from protocols.ijb_counts import GALLERIES, OFFICIAL, Dataset
from results.synthetic.casting import some
from results.synthetic.ijb_release import Release, write_release
from results.synthetic.media import (
    Media,
    Medium,
    Template,
    draw_impostors,
    draw_template,
    plan_media,
)
from results.synthetic.nist import Faces, write_comparisons, write_list
from results.synthetic.options import Name, Scale
from results.synthetic.plan import Photo, SetPlan, Truth, write_counts
from results.synthetic.seeds import PARTS, Part

MOST = 4
"""Media of a probe, at most."""


@dataclass(frozen=True)
class _Sizes:
    """Of a scale: media, probes, and impostor comparisons."""

    media: Media
    probes: int
    impostors: int


SIZES: dict[Dataset, dict[Scale, _Sizes]] = {
    "IJB-B": {
        "tiny": _Sizes(Media(people=40, stills=5, videos=1, frames=3), 270, 10_500),
        "small": _Sizes(Media(people=36, stills=5, videos=1, frames=3), 310, 10_500),
        "mini": _Sizes(Media(people=100, stills=8, videos=2, frames=3), 600, 50_000),
        "full": _Sizes(Media(people=1_845, stills=12, videos=4, frames=7), 10_270, 8_000_000),
    },
    "IJB-C": {
        "tiny": _Sizes(Media(people=40, stills=4, videos=2, frames=2), 270, 10_500),
        "small": _Sizes(Media(people=36, stills=4, videos=2, frames=2), 310, 10_500),
        "mini": _Sizes(Media(people=120, stills=6, videos=3, frames=3), 800, 80_000),
        "full": _Sizes(Media(people=3_531, stills=9, videos=4, frames=8), 19_593, 15_638_932),
    },
}
_HEAD = (
    *("TEMPLATE_ID", "SUBJECT_ID", "FILENAME", "SIGHTING_ID"),
    *("FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT"),
)
COLUMNS: Mapping[Dataset, Sequence[str]] = {
    "IJB-B": (
        *_HEAD,
        *("RIGHT_EYE_X", "RIGHT_EYE_Y", "LEFT_EYE_X", "LEFT_EYE_Y", "NOSE_X", "NOSE_Y", "FRAME"),
    ),
    "IJB-C": (
        *_HEAD,
        *("FRAME_NUM", "FACIAL_HAIR", "AGE", "INDOOR_OUTDOOR", "SKINTONE", "GENDER", "YAW", "ROLL"),
        *(f"OCC{at}" for at in range(1, 19)),
    ),
}


@dataclass(frozen=True, eq=False)
class _Lists:
    """Both galleries, probes, and comparisons as positions of gallery and probe templates."""

    galleries: Sequence[Sequence[Template]]
    probes: Sequence[Template]
    left: Int64[np.ndarray, " n"]
    right: Int64[np.ndarray, " n"]

    @property
    def held(self) -> list[Template]:
        return [one for gallery in self.galleries for one in gallery]


def plan_ijbb(scale: Scale, world: int, why: str) -> SetPlan:
    """What is to be drawn of IJB-B."""
    return _plan("IJB-B", "ijbb", scale, world, why)


def plan_ijbc(scale: Scale, world: int, why: str) -> SetPlan:
    """What is to be drawn of IJB-C."""
    return _plan("IJB-C", "ijbc", scale, world, why)


def _plan(dataset: Dataset, name: Name, scale: Scale, world: int, why: str) -> SetPlan:
    part: Part = "ijbb" if dataset == "IJB-B" else "ijbc"
    sizes = SIZES[dataset][scale]
    photos, media = plan_media(part, world, sizes.media, "frames")
    rng = np.random.default_rng((world, PARTS.index(part), 10))
    lists = _lists(rng, media, sizes)
    finish = partial(_finish, dataset, why, photos, lists)
    each = len(photos) // sizes.media.people
    rows = {f"person {one}": range(one * each, one * each + min(each, 10)) for one in range(5)}
    return SetPlan(name, photos, finish, rows | {"others": some(len(photos), 10)})


def _lists(rng: np.random.Generator, media: Sequence[Sequence[Medium]], sizes: _Sizes) -> _Lists:
    people, known = len(media), sizes.media.stills // 2
    held = [draw_template(rng, at + 1, own[:known], known) for at, own in enumerate(media)]
    probes = [
        draw_template(rng, people + at + 1, media[at % people][known:], MOST)
        for at in range(sizes.probes)
    ]
    asked = np.array([one.subject for one in probes])
    subjects = np.array([one.subject for one in held])
    same = subjects[:, None] == asked
    left, right = (
        np.concatenate(both)
        for both in zip(np.nonzero(same), draw_impostors(rng, ~same, sizes.impostors), strict=True)
    )
    order = np.lexsort((right, left))
    half = people // 2
    return _Lists((held[:half], held[half:]), probes, left[order], right[order])


def _finish(
    dataset: Dataset,
    why: str,
    photos: Sequence[Photo],
    lists: _Lists,
    root: Path,
    truth: Truth,
) -> None:
    faces, short = Faces(photos, truth), dataset.replace("-", "").lower()
    folder, columns = root / "protocol", COLUMNS[dataset]
    for name, gallery in zip(GALLERIES[dataset], lists.galleries, strict=True):
        write_list(folder / f"{short}_1N_gallery_{name}.csv", faces, gallery, columns)
    write_list(folder / f"{short}_1N_probe_mixed.csv", faces, lists.probes, columns)
    matches = f"{short}_11_{'_'.join(GALLERIES[dataset])}_matches.csv"
    held, asked = (
        np.array([one.number for one in templates]) for templates in (lists.held, lists.probes)
    )
    left, right = held[lists.left].tolist(), asked[lists.right].tolist()
    write_comparisons(folder / matches, left, right)
    subjects = {one.number: one.subject for one in (*lists.held, *lists.probes)}
    same = [subjects[one] == subjects[other] for one, other in zip(left, right, strict=True)]
    release = Release(dataset, lists.galleries, lists.probes, left, right, same)
    crops = write_release(root, faces, release)
    counts = dict(OFFICIAL[dataset]) | {
        "photos": crops,
        "templates": len(held) + len(asked),
        "pairs": len(left),
        "genuine": sum(same),
        "probes": len(asked),
    }
    for name, gallery in zip(GALLERIES[dataset], lists.galleries, strict=True):
        counts[f"gallery {name}"] = len(gallery)
    write_counts(root, why, counts)
