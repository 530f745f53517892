"""IJB-A of made-up people: ten splits with 1:1 and 1:N lists, of a third of the people each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from protocols.ijba import SPLITS
from results.synthetic.casting import some
from results.synthetic.media import (
    Media,
    Medium,
    Template,
    draw_impostors,
    draw_template,
    plan_media,
)
from results.synthetic.nist import Faces, write_comparisons, write_list
from results.synthetic.options import Scale
from results.synthetic.plan import Photo, SetPlan, Truth, write_counts
from results.synthetic.seeds import PARTS

IMPOSTORS = 10_000
"""Impostor comparisons of a split, as officially."""
MOST = 3
"""Media of a template, at most."""


@dataclass(frozen=True)
class _Sizes:
    """Of a scale: media; people and templates of each that a split tests; genuine comparisons."""

    media: Media
    tested: int
    templates: int
    genuine: int


SIZES = {
    "tiny": _Sizes(Media(people=24, stills=5, videos=1, frames=3), 20, 8, 560),
    "small": _Sizes(Media(people=32, stills=5, videos=1, frames=3), 26, 8, 560),
    "mini": _Sizes(Media(people=90, stills=8, videos=2, frames=4), 60, 10, 1_500),
    "full": _Sizes(Media(people=500, stills=11, videos=4, frames=10), 167, 11, 1_800),
}
COLUMNS = [
    *("TEMPLATE_ID", "SUBJECT_ID", "FILE", "MEDIA_ID", "SIGHTING_ID", "FRAME"),
    *("FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT"),
    *("RIGHT_EYE_X", "RIGHT_EYE_Y", "LEFT_EYE_X", "LEFT_EYE_Y", "NOSE_BASE_X", "NOSE_BASE_Y"),
    *("FACE_YAW", "FOREHEAD_VISIBLE", "EYES_VISIBLE", "NOSE_MOUTH_VISIBLE"),
    *("INDOOR", "GENDER", "SKIN_TONE", "AGE", "FACIAL_HAIR"),
]
_KNOWN = 2 / 3  # of the tested people are in the gallery


@dataclass(frozen=True, eq=False)
class _Split:
    """Lists of a split; comparisons are positions of templates."""

    number: int
    train: Sequence[Template]
    verified: Sequence[Template]
    left: Sequence[int]
    right: Sequence[int]
    gallery: Sequence[Template]
    probes: Sequence[Template]

    @property
    def genuine(self) -> int:
        subjects = [one.subject for one in self.verified]
        pairs = zip(self.left, self.right, strict=True)
        return sum(subjects[one] == subjects[other] for one, other in pairs)


def plan(scale: Scale, world: int, why: str) -> SetPlan:
    """What is to be drawn."""
    sizes = SIZES[scale]
    photos, media = plan_media("ijba", world, sizes.media, "frame")
    splits = [_split(number, world, sizes, media) for number in SPLITS]
    each = len(photos) // sizes.media.people
    rows = {f"person {one}": range(one * each, one * each + min(each, 10)) for one in range(5)}
    rows |= {"others": some(len(photos), 10)}
    return SetPlan("ijba", photos, partial(_finish, why, photos, splits), rows)


def _split(number: int, world: int, sizes: _Sizes, media: Sequence[Sequence[Medium]]) -> _Split:
    rng = np.random.default_rng((world, PARTS.index("ijba"), 10 + number))
    order = rng.permutation(len(media)).tolist()
    tested, others = sorted(order[: sizes.tested]), sorted(order[sizes.tested :])
    first = 10_000 * number
    verified = [
        draw_template(rng, first + sizes.templates * at + again, media[person], MOST)
        for at, person in enumerate(tested)
        for again in range(sizes.templates)
    ]
    left, right = _comparisons(rng, verified, sizes.genuine)
    first += 5_000
    known = set(tested[: round(_KNOWN * len(tested))])
    gallery, probes = [], []
    for at, person in enumerate(tested):
        # What somebody is known by, and what is searched for, have no medium in common.
        half = len(media[person]) // 2
        if person in known:
            gallery.append(draw_template(rng, first + 4 * at, media[person][:half], half))
        for again in range(1, 4):
            probes.append(draw_template(rng, first + 4 * at + again, media[person][half:], MOST))
    train = [
        draw_template(rng, first + 4_000 + at, media[person], MOST)
        for at, person in enumerate(others)
    ]
    return _Split(number, train, verified, left, right, gallery, probes)


def _comparisons(
    rng: np.random.Generator, templates: Sequence[Template], genuine: int
) -> tuple[list[int], list[int]]:
    """Genuine and impostor comparisons, each once, in the order of the first template."""
    subjects = np.array([one.subject for one in templates])
    upper = np.triu(np.ones((len(subjects), len(subjects)), bool), 1)
    same = subjects[:, None] == subjects
    chosen = [
        np.stack(draw_impostors(rng, upper & where, count))
        for where, count in ((same, genuine), (~same, IMPOSTORS))
    ]
    pairs = np.concatenate(chosen, axis=1)
    pairs = pairs[:, np.lexsort(pairs[::-1])]
    return pairs[0].tolist(), pairs[1].tolist()


def _finish(
    why: str, photos: Sequence[Photo], splits: Sequence[_Split], root: Path, truth: Truth
) -> None:
    faces, counts = Faces(photos, truth), {}
    for split in splits:
        one, many = (root / f"IJB-A_{kind}_sets" / f"split{split.number}" for kind in ("11", "1N"))
        write_list(one / f"train_{split.number}.csv", faces, split.train, COLUMNS)
        write_list(one / f"verify_metadata_{split.number}.csv", faces, split.verified, COLUMNS)
        numbers = [template.number for template in split.verified]
        write_comparisons(
            one / f"verify_comparisons_{split.number}.csv",
            [numbers[at] for at in split.left],
            [numbers[at] for at in split.right],
        )
        write_list(many / f"search_gallery_{split.number}.csv", faces, split.gallery, COLUMNS)
        write_list(many / f"search_probe_{split.number}.csv", faces, split.probes, COLUMNS)
        named = {
            "templates": len(split.verified),
            "subjects": len({template.subject for template in split.verified}),
            "genuine": split.genuine,
            "impostor": len(split.left) - split.genuine,
            "gallery": len(split.gallery),
            "probes": len(split.probes),
        }
        counts |= {f"split {split.number} {name}": count for name, count in named.items()}
    write_counts(root, why, counts)
