"""IJB-B and IJB-C as NIST gives them out: lists of galleries, probes and comparisons.

Whitelam et al., "IARPA Janus Benchmark-B Face Dataset", CVPRW 2017; Maze et al., "IARPA Janus
Benchmark – C: Face Dataset and Protocol", ICB 2018. The lists lie in ``protocol/``, ``protocols/``
or the root itself; of IJB-B (IJB-C has ``ijbc``, ``G1`` and ``G2`` where this has ``ijbb``, ``S1``
and ``S2``)::

    ijbb_1N_gallery_S1.csv, ijbb_1N_gallery_S2.csv, ijbb_1N_probe_mixed.csv    faces of templates
    ijbb_11_S1_S2_matches.csv                                                  comparisons

IJB-C also comes with a folder for each test::

    test1/enroll_templates.csv, test1/verif_templates.csv, test1/match.csv     1:1
    test4/gallery_G1.csv, test4/gallery_G2.csv, test4/probes.csv               1:N

(the layout that bob.bio.face reads). Photos lie in ``images/`` of the root, or ``img/`` and
``frames/`` in the root itself. There is no column for the medium: a SIGHTING_ID is one appearance
of a person in one photo or video, and stands for it, as in PFE's evaluation
(seasonSH/Probabilistic-Face-Embeddings) and in the media of insightface's lists. The lists by test
have no SIGHTING_ID either: there frames of one video are known by their names, and the rule says so
(evaluations that merge IJBC's metadata into them differ in their media).
"""

from collections.abc import Sequence
from pathlib import Path

from protocols.comparisons import check_repeats, read_comparisons
from protocols.counts import check_counts
from protocols.ijb_counts import GALLERIES, OFFICIAL, Dataset
from protocols.nist import (
    FaceList,
    check_subjects_once,
    gather,
    photo_folder,
    read_face_list,
)
from protocols.photos import Missing
from protocols.types import IdentificationProtocol, InputFile, VerificationProtocol

HOW = "Apply for it at https://www.nist.gov/programs-projects/face-challenges."


def load_verification(
    root: Path, dataset: Dataset, *, missing: Missing = "refuse"
) -> VerificationProtocol:
    """Read the 1:1 comparisons.

    Args:
        root: The data set's folder.
        dataset: Which of the two.
        missing: What becomes of a photo that is not there.

    Raises:
        DatasetUnavailable: A list is absent, or (if that is refused) a photo.
        BadInput: A line is malformed, or a count is off.
    """
    folder = _lists(root)
    names = [*_galleries(dataset), f"{_short(dataset)}_1N_probe_mixed.csv"]
    matches = f"{_short(dataset)}_11_{'_'.join(GALLERIES[dataset])}_matches.csv"
    by_test = folder / "test1"
    if dataset == "IJB-C" and not (folder / matches).is_file() and by_test.is_dir():
        names, matches = ["enroll_templates.csv", "verif_templates.csv"], "match.csv"
        folder = by_test
    lists = [_read(folder / name, dataset) for name in names]
    gathered = gather(lists, photo_folder(root), HOW, missing)
    pairs = read_comparisons(folder / matches, gathered.templates, f"a list of {dataset}", HOW)
    found = {
        "templates": len(gathered.templates),
        "pairs": len(pairs),
        "genuine": int(pairs.genuine.sum()),
    }
    counted = check_counts(root, found, OFFICIAL[dataset], folder / matches)
    official = not counted.inputs
    again = gathered.repeats(official=official)
    again += check_repeats(folder / matches, pairs, len(gathered.templates), official=official)
    files = [*(one.path for one in lists), folder / matches]
    return VerificationProtocol(
        name=dataset,
        rule=f"NIST's lists, {matches}{_note(lists)}{again}",
        samples=gathered.samples,
        templates=gathered.templates,
        pairs=pairs,
        counted=counted.against,
        inputs=(*map(InputFile.of, files), *counted.inputs),
    )


def load_identification(
    root: Path, dataset: Dataset, *, missing: Missing = "refuse"
) -> IdentificationProtocol:
    """Read both galleries, and the probes of still photos and frames that are searched in each.

    Args:
        root: The data set's folder.
        dataset: Which of the two.
        missing: What becomes of a photo that is not there.

    Raises:
        DatasetUnavailable: A list is absent, or (if that is refused) a photo.
        BadInput: A line is malformed, or a count is off.
    """
    folder = _lists(root)
    names = [*_galleries(dataset), f"{_short(dataset)}_1N_probe_mixed.csv"]
    by_test = folder / "test4"
    if dataset == "IJB-C" and not (folder / names[0]).is_file() and by_test.is_dir():
        folder, names = by_test, ["gallery_G1.csv", "gallery_G2.csv", "probes.csv"]
    lists = [_read(folder / name, dataset) for name in names]
    gathered = gather(lists, photo_folder(root), HOW, missing)
    for gallery in lists[:2]:
        check_subjects_once(gallery)
    first, second, probes = gathered.listed
    galleries = dict(zip(GALLERIES[dataset], (first, second), strict=True))
    found = {f"gallery {name}": len(gallery) for name, gallery in galleries.items()}
    found["probes"] = len(probes)
    counted = check_counts(root, found, OFFICIAL[dataset], lists[0].path)
    again = gathered.repeats(official=not counted.inputs)
    return IdentificationProtocol(
        name=dataset,
        rule=f"NIST's lists, probes {names[-1]}{_note(lists)}{again}",
        samples=gathered.samples,
        templates=gathered.templates,
        galleries=galleries,
        probes=dict.fromkeys(galleries, probes),
        counted=counted.against,
        inputs=(*(InputFile.of(one.path) for one in lists), *counted.inputs),
    )


def _note(lists: Sequence[FaceList]) -> str:
    return ", media by photo name" if any(one.media_of_names for one in lists) else ""


def _short(dataset: Dataset) -> str:
    return dataset.replace("-", "").lower()


def _galleries(dataset: Dataset) -> list[str]:
    return [f"{_short(dataset)}_1N_gallery_{name}.csv" for name in GALLERIES[dataset]]


def _lists(root: Path) -> Path:
    """The folder of the lists."""
    candidates = [root / name for name in ("protocol", "protocols") if (root / name).is_dir()]
    return candidates[0] if candidates else root


def _read(path: Path, dataset: Dataset) -> FaceList:
    by_test = path.parent.name in ("test1", "test4")
    return read_face_list(path, f"a list of {dataset}", HOW, "SIGHTING_ID", media_of_names=by_test)
