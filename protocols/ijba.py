"""IJB-A: ten splits, each with 1:1 comparisons and a 1:N gallery with probes.

Klare et al., "Pushing the Frontiers of Unconstrained Face Detection and Recognition: IARPA Janus
Benchmark A", CVPR 2015. Layout of the root, as NIST gives it out (the two folders of lists may also
lie in ``protocols/``)::

    IJB-A_11_sets/split1 … split10/verify_metadata_1.csv, verify_comparisons_1.csv
    IJB-A_1N_sets/split1 … split10/search_gallery_1.csv, search_probe_1.csv
    images/img, images/frame         the photos (``img`` and ``frame`` in the root are accepted)

Each split is scored alone and results are averaged, mean and standard deviation: never pooled.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from protocols.comparisons import check_repeats, read_comparisons
from protocols.counts import Expected, check_counts
from protocols.errors import BadOption
from protocols.nist import (
    FaceList,
    check_subjects_once,
    gather,
    photo_folder,
    read_face_list,
)
from protocols.photos import Missing
from protocols.types import IdentificationProtocol, InputFile, VerificationProtocol

NAME = "IJB-A"
SPLITS = tuple(range(1, 11))
HOW = "Apply for IJB-A at https://www.nist.gov/programs-projects/face-challenges."
GALLERY = "gallery"
_WHAT = "a list of IJB-A"
# Counted in the official lists; of splits that are not at hand only the range over all ten.
_COMPARISONS: Mapping[int, tuple[int, int]] = {
    1: (11_787, 1_803),
    2: (11_779, 1_779),
    3: (11_701, 1_722),
    4: (11_779, 1_797),
    5: (11_744, 1_754),
    10: (11_752, 1_752),
}
_TEMPLATES, _SUBJECTS = (1_814, 2_040), (166, 167)
_GENUINE, _IMPOSTOR = (1_648, 1_874), (9_979, 10_000)


def load_verification(
    root: Path, splits: Sequence[int] = SPLITS, *, missing: Missing = "refuse"
) -> tuple[VerificationProtocol, ...]:
    """Read the 1:1 comparisons of some splits, all ten by default.

    Args:
        root: The data set's folder.
        splits: Which of the splits 1 … 10.
        missing: What becomes of a photo that is not there.

    Raises:
        BadOption: There is no such split.
        DatasetUnavailable: A list is absent, or (if that is refused) a photo.
        BadInput: A line is malformed, or a count is off.
    """
    return tuple(_verification(root, split, missing) for split in _checked(splits))


def load_identification(
    root: Path, splits: Sequence[int] = SPLITS, *, missing: Missing = "refuse"
) -> tuple[IdentificationProtocol, ...]:
    """Read the gallery and the probes of some splits, all ten by default.

    Of the 1:N lists no counts are published: that every probe and gallery has templates is all
    that is checked, unless the root has a ``counts.json``.

    Args:
        root: The data set's folder.
        splits: Which of the splits 1 … 10.
        missing: What becomes of a photo that is not there.

    Raises:
        BadOption: There is no such split.
        DatasetUnavailable: A list is absent, or (if that is refused) a photo.
        BadInput: A line is malformed, or a count is off.
    """
    return tuple(_identification(root, split, missing) for split in _checked(splits))


def _checked(splits: Sequence[int]) -> Sequence[int]:
    wrong = [split for split in splits if split not in SPLITS]
    if wrong or not splits or len(set(splits)) < len(splits):
        raise BadOption(f"splits {', '.join(map(str, splits))}", "some of 1 to 10, each once")
    return splits


def _verification(root: Path, split: int, missing: Missing) -> VerificationProtocol:
    folder = _folder(root, "IJB-A_11_sets", split)
    faces = _read(folder / f"verify_metadata_{split}.csv")
    gathered = gather([faces], photo_folder(root), HOW, missing)
    path = folder / f"verify_comparisons_{split}.csv"
    pairs = read_comparisons(path, gathered.templates, _WHAT, HOW)
    genuine = int(pairs.genuine.sum())
    found = {
        f"split {split} templates": len(gathered.templates),
        f"split {split} subjects": len(np.unique(gathered.templates.subjects)),
        f"split {split} genuine": genuine,
        f"split {split} impostor": len(pairs) - genuine,
    }
    whole, own = _COMPARISONS.get(split, (None, _GENUINE))
    impostor = _IMPOSTOR if whole is None or isinstance(own, tuple) else whole - own
    official: dict[str, Expected] = dict(
        zip(found, (_TEMPLATES, _SUBJECTS, own, impostor), strict=True)
    )
    counted = check_counts(root, found, official, path)
    again = gathered.repeats(official=not counted.inputs)
    again += check_repeats(path, pairs, len(gathered.templates), official=not counted.inputs)
    return VerificationProtocol(
        name=NAME,
        rule=f"NIST's 1:1 lists, ten splits{again}",
        samples=gathered.samples,
        templates=gathered.templates,
        pairs=pairs,
        counted=counted.against,
        inputs=(InputFile.of(faces.path), InputFile.of(path), *counted.inputs),
        split=split,
    )


def _identification(root: Path, split: int, missing: Missing) -> IdentificationProtocol:
    folder = _folder(root, "IJB-A_1N_sets", split)
    lists = [_read(folder / f"search_{part}_{split}.csv") for part in ("gallery", "probe")]
    check_subjects_once(lists[0])
    gathered = gather(lists, photo_folder(root), HOW, missing)
    held, asked = gathered.listed
    found = {f"split {split} gallery": len(held), f"split {split} probes": len(asked)}
    official: dict[str, Expected] = dict.fromkeys(found, (1, 10_000))
    counted = check_counts(root, found, official, lists[0].path)
    against = counted.against if counted.inputs else "none published, and no counts.json"
    again = gathered.repeats(official=not counted.inputs)
    return IdentificationProtocol(
        name=NAME,
        rule=f"NIST's 1:N lists, ten splits{again}",
        samples=gathered.samples,
        templates=gathered.templates,
        galleries={GALLERY: held},
        probes={GALLERY: asked},
        counted=against,
        inputs=(*(InputFile.of(one.path) for one in lists), *counted.inputs),
        split=split,
    )


def _folder(root: Path, sets: str, split: int) -> Path:
    """A split's folder, by its whole name: ``split1`` is not ``split10``."""
    nested = root / "protocols" / sets
    return (nested if nested.is_dir() else root / sets) / f"split{split}"


def _read(path: Path) -> FaceList:
    return read_face_list(path, _WHAT, HOW, "MEDIA_ID")
