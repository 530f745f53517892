"""IJB-B and IJB-C in the layout of insightface's ``IJB_release`` archive: loose crops and lists.

Layout of the root, or of the folder ``IJBB`` or ``IJBC`` itself (``ijbc``, ``G1`` and ``G2``
for IJB-C; fields stand between blanks, without a header, in the three text files)::

    IJBB/loose_crop/1.jpg, 2.jpg, …              photos, loosely cropped around one face each
    IJBB/meta/ijbb_face_tid_mid.txt              photo template medium
    IJBB/meta/ijbb_name_5pts_score.txt           photo x1 y1 … x5 y5 score, in the same order
    IJBB/meta/ijbb_template_pair_label.txt       template template 0|1
    IJBB/meta/ijbb_1N_gallery_S1.csv, …_S2.csv   header; template, subject, further columns
    IJBB/meta/ijbb_1N_probe_mixed.csv            likewise

Sources: ``recognition/_evaluation_/ijb`` of https://github.com/deepinsight/insightface for the
layout; Whitelam et al., "IARPA Janus Benchmark-B Face Dataset", CVPRW 2017, and Maze et al., "IARPA
Janus Benchmark - C: Face Dataset and Protocol", ICB 2018, for the protocols and their counts.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from protocols.columns import read_whole_numbers
from protocols.comparisons import check_repeats, find_templates
from protocols.counts import FILE as COUNTS
from protocols.counts import check_counts
from protocols.errors import BadInput, DatasetUnavailable
from protocols.ijb_counts import GALLERIES, OFFICIAL, Dataset
from protocols.ijb_release_lists import (
    HOW,
    FaceLines,
    SubjectLines,
    check_apart,
    check_subjects_once,
    read_faces,
    read_points,
    read_subjects,
)
from protocols.photos import Missing, find_photos
from protocols.roots import inside_root
from protocols.rows import BLOCK
from protocols.types import (
    IdentificationProtocol,
    InputFile,
    Pairs,
    Samples,
    Templates,
    VerificationProtocol,
)

CROPS = "loose_crop"


def load_verification(
    root: Path, dataset: Dataset, *, missing: Missing = "refuse"
) -> VerificationProtocol:
    """Read the 1:1 protocol: pairs of a gallery's template and a probe.

    The subjects of templates come from the 1:N lists if all three are there, and the pairs' labels
    have to agree with them; without the lists subjects are unknown (−1).

    Args:
        root: The folder that holds ``IJBB`` or ``IJBC``, or that folder itself.
        dataset: Which of the two.
        missing: What becomes of a photo that is listed and absent.

    Raises:
        DatasetUnavailable: A list is absent, or (if that is refused) a photo.
        BadInput: A line is malformed or contradicts another one, or a count is off; names the line.
            A pair that is listed twice is refused in a list of a user's own (with a
            ``counts.json``). In one of the official length it counts twice, as in published
            results, and ``rule`` says so.
    """
    folder = _folder(root, dataset)
    paths = _subject_paths(folder, dataset)
    lacking = [path.name for path in paths if not path.is_file()]
    lists = [] if lacking else _read_lists(paths)
    faces, samples, templates = _read_faces(folder, dataset, lists, missing)
    path = _meta(folder, dataset, "template_pair_label.txt")
    pairs = _read_pairs(path, templates, faces.path)
    found = {"photos": len(samples), "templates": len(templates)}
    found |= {"pairs": len(pairs), "genuine": int(pairs.genuine.sum())}
    counted = check_counts(_counts_folder(root, folder), found, OFFICIAL[dataset], path)
    again = check_repeats(path, pairs, len(templates), official=not counted.inputs)
    rule = f"insightface's IJB_release, {path.name}"
    if lacking:
        rule += f", subjects unknown ({', '.join(lacking)} lacking)"
    return VerificationProtocol(
        name=dataset,
        rule=rule + again,
        samples=samples,
        templates=templates,
        pairs=pairs,
        counted=counted.against,
        inputs=(*_digests(folder, dataset, lists), InputFile.of(path), *counted.inputs),
    )


def load_identification(
    root: Path, dataset: Dataset, *, missing: Missing = "refuse"
) -> IdentificationProtocol:
    """Read the 1:N protocol: two galleries, and the mixed probes that are searched in each.

    Args:
        root: The folder that holds ``IJBB`` or ``IJBC``, or that folder itself.
        dataset: Which of the two.
        missing: What becomes of a photo that is listed and absent.

    Returns:
        The protocol. A template that no 1:N list names has the subject −1.

    Raises:
        DatasetUnavailable: A list is absent, or (if that is refused) a photo.
        BadInput: A line is malformed or contradicts another one, a template is in two lists, a
            subject is in a gallery twice, or a count is off; names the line.
    """
    folder = _folder(root, dataset)
    lists = _read_lists(_subject_paths(folder, dataset))
    _, samples, templates = _read_faces(folder, dataset, lists, missing)
    members = [
        np.searchsorted(templates.ids, np.sort(np.fromiter(one.subjects, np.int64))).astype(
            np.int32
        )
        for one in lists
    ]
    galleries = dict(zip(GALLERIES[dataset], members[:2], strict=True))
    found = {"photos": len(samples), "templates": len(templates), "probes": len(members[2])}
    found |= {f"gallery {name}": len(gallery) for name, gallery in galleries.items()}
    place = _counts_folder(root, folder)
    counted = check_counts(place, found, OFFICIAL[dataset], lists[0].path)
    return IdentificationProtocol(
        name=dataset,
        rule=f"insightface's IJB_release, probes {lists[2].path.name}",
        samples=samples,
        templates=templates,
        galleries=galleries,
        probes=dict.fromkeys(galleries, members[2]),
        counted=counted.against,
        inputs=(*_digests(folder, dataset, lists), *counted.inputs),
    )


def _folder(root: Path, dataset: Dataset) -> Path:
    """``IJBB`` or ``IJBC``."""
    for folder in (root / dataset.replace("-", ""), root):
        if (folder / "meta").is_dir():
            inside_root(root, folder.relative_to(root).as_posix(), root, "folder of IJB_release")
            return folder
    raise DatasetUnavailable(f"IJB_release's {dataset}", root / dataset.replace("-", ""), HOW)


def _counts_folder(root: Path, folder: Path) -> Path:
    """Where a ``counts.json`` lies: beside ``meta``, or in the root."""
    return folder if (folder / COUNTS).is_file() else root


def _meta(folder: Path, dataset: Dataset, name: str) -> Path:
    return folder / "meta" / f"{dataset.replace('-', '').lower()}_{name}"


def _subject_paths(folder: Path, dataset: Dataset) -> list[Path]:
    """The 1:N lists: two galleries, and the probes."""
    names = [f"1N_gallery_{gallery}.csv" for gallery in GALLERIES[dataset]]
    return [_meta(folder, dataset, name) for name in (*names, "1N_probe_mixed.csv")]


def _digests(
    folder: Path, dataset: Dataset, lists: Sequence[SubjectLines]
) -> tuple[InputFile, ...]:
    """The lists of faces, landmarks and subjects, with digests."""
    names = ("face_tid_mid.txt", "name_5pts_score.txt")
    paths = [_meta(folder, dataset, name) for name in names]
    return tuple(InputFile.of(path) for path in (*paths, *(one.path for one in lists)))


def _read_lists(paths: Sequence[Path]) -> list[SubjectLines]:
    """Both galleries, each subject once in each, and the probes."""
    lists = [read_subjects(path) for path in paths]
    check_apart(lists)
    for gallery in lists[:2]:
        check_subjects_once(gallery)
    return lists


def _read_faces(
    folder: Path, dataset: Dataset, lists: Sequence[SubjectLines], missing: Missing
) -> tuple[FaceLines, Samples, Templates]:
    """The faces and their templates, with the subjects that the lists know."""
    faces = read_faces(_meta(folder, dataset, "face_tid_mid.txt"))
    landmarks, scores = read_points(_meta(folder, dataset, "name_5pts_score.txt"), faces)
    names = [f"{CROPS}/{name}" for name in faces.names]
    records = [f"line {number}" for number in range(1, len(names) + 1)]
    photos, absent = find_photos(
        folder, names, listed_in=faces.path, how=HOW, missing=missing, records=records
    )
    each = np.arange(len(names), dtype=np.int32)
    samples = Samples(photos, each, absent, landmarks=landmarks, scores=scores)
    ids, template = np.unique(faces.template, return_inverse=True)
    subjects = np.full(len(ids), -1, np.int64)
    position = {number: at for at, number in enumerate(ids.tolist())}
    for one in lists:
        for number, subject in one.subjects.items():
            if number not in position:
                expected, record = f"a template of {faces.path.name}", f"line {one.lines[number]}"
                raise BadInput(one.path, record, expected, str(number))
            subjects[position[number]] = subject
    templates = Templates(ids, subjects, each, template.astype(np.int32), faces.media)
    return faces, samples, templates


def _read_pairs(path: Path, templates: Templates, listed: Path) -> Pairs:
    """The pairs, as positions of templates."""
    left, right, label = read_whole_numbers(path, 3, path.name, HOW)
    wrong = int(label.argmax())
    if label[wrong] > 1:
        raise BadInput(path, f"line {wrong + 1}", "the label 0 or 1", str(label[wrong]))
    genuine = label == 1
    del label
    for side in (left, right):
        find_templates(path, side, templates.ids, f"a template of {listed.name}")
    alone = np.flatnonzero(left == right)
    if len(alone):
        found = f"{templates.ids[left[alone[0]]]} with itself"
        raise BadInput(path, f"line {alone[0] + 1}", "two different templates", found)
    for start in range(0, len(left), BLOCK):
        part = slice(start, start + BLOCK)
        one, other = templates.subjects[left[part]], templates.subjects[right[part]]
        against = (one >= 0) & (other >= 0) & ((one == other) != genuine[part])
        if against.any():
            row = start + int(against.argmax())
            whose = "two subjects" if genuine[row] else "one subject"
            expected = f"the label {int(not genuine[row])}: the 1:N lists say {whose}"
            raise BadInput(path, f"line {row + 1}", expected, str(int(genuine[row])))
    return Pairs(left, right, genuine)
