"""Your own photos in templates: several pictures of a person that are enrolled or searched as one.

A CSV file with one line for each face of each template::

    template,subject,image,media,score,x,y,width,height,role
    1,ada,ada/1.jpg,,0.99,30,40,120,150,gallery
    1,ada,ada/film/004.jpg,film,0.97,31,44,118,149,gallery
    2,eve,eve/1.jpg,,0.98,25,38,121,148,probe

``template`` is a whole number, ``subject`` any text, ``image`` a path below a root. The others may
be absent: ``media`` (faces of a template with the same text, such as the frames of a video, are one
medium; blank: the image is a medium of its own), ``score`` (the detector's confidence),
``x,y,width,height`` (the face's box in pixels) and ``role`` (``probe``, or the name of a gallery).
Further columns are ignored. The same box in the same image is one face, however many templates it
is in. ``docs/own-data.md`` has examples.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int32, Int64

from protocols.counts import Counted, check_counts
from protocols.errors import BadInput
from protocols.faces_csv import FaceRows, check_one_each, read_faces
from protocols.pairs_csv import read_numbered_pairs
from protocols.photos import Missing
from protocols.rows import first_repeat
from protocols.types import IdentificationProtocol, InputFile, Pairs, VerificationProtocol

PROBE = "probe"
MOST_PAIRS = 50_000_000
"""The most pairs that are made of all templates where no comparisons are listed."""


def load_verification(
    path: Path,
    *,
    comparisons: Path | None = None,
    root: Path | None = None,
    missing: Missing = "refuse",
) -> VerificationProtocol:
    """Read templates, and compare those that are listed, or all of them with each other.

    A pair is genuine when both templates have the same subject.

    Args:
        path: The templates; a ``counts.json`` beside it says how many photos, templates, pairs and
            genuine pairs there have to be.
        comparisons: A CSV file ``left,right[,same][,fold]`` of template numbers. ``same`` has to
            agree with the subjects. Without the file each template is compared with each other.
        root: The folder that the images' paths start from; the file's own by default.
        missing: What becomes of an image that is listed and absent.

    Raises:
        DatasetUnavailable: A file, or (if that is refused) an image is absent.
        BadInput: A line is malformed or contradicts another one, or a count is off; names the line.
    """
    faces = read_faces(path, root or path.parent, missing)
    pairs = _all_pairs(faces) if comparisons is None else _read_pairs(comparisons, faces)
    found = {
        "photos": len(faces.samples.photos.names),
        "templates": len(faces.templates),
        "pairs": len(pairs),
        "genuine": int(pairs.genuine.sum()),
    }
    listed, rule = (), f"{path.name}, all pairs of templates"
    if comparisons is not None:
        listed, rule = (InputFile.of(comparisons),), f"{path.name}, pairs of {comparisons.name}"
    counted = _count(path, found)
    return VerificationProtocol(
        name=path.stem,
        rule=rule,
        samples=faces.samples,
        templates=faces.templates,
        pairs=pairs,
        counted=counted.against,
        inputs=(InputFile.of(path), *listed, *counted.inputs),
    )


def load_identification(
    path: Path, *, root: Path | None = None, missing: Missing = "refuse"
) -> IdentificationProtocol:
    """Read templates whose ``role`` is ``probe`` or the name of a gallery; all probes search each.

    Args:
        path: The templates; a ``counts.json`` beside it says how many photos, templates, galleries,
            gallery templates and probes there have to be.
        root: The folder that the images' paths start from; the file's own by default.
        missing: What becomes of an image that is listed and absent.

    Raises:
        DatasetUnavailable: The file, or (if that is refused) an image is absent.
        BadInput: A line is malformed or contradicts another one, a person is in a gallery twice,
            there is no gallery or no probe, or a count is off; names the line.
    """
    faces = read_faces(path, root or path.parent, missing)
    if "role" not in faces.columns:
        raise BadInput(path, "line 1", "a column role: probe, or a gallery's name", "none")
    galleries, probes = _split_roles(faces)
    found = {
        "photos": len(faces.samples.photos.names),
        "templates": len(faces.templates),
        "galleries": len(galleries),
        "gallery templates": sum(len(members) for members in galleries.values()),
        "probes": len(probes),
    }
    counted = _count(path, found)
    return IdentificationProtocol(
        name=path.stem,
        rule=f"{path.name}, galleries: {', '.join(galleries)[:80]}",
        samples=faces.samples,
        templates=faces.templates,
        galleries=galleries,
        probes=dict.fromkeys(galleries, probes),
        counted=counted.against,
        inputs=(InputFile.of(path), *counted.inputs),
    )


def _count(path: Path, found: Mapping[str, int]) -> Counted:
    """Check against a ``counts.json`` beside the file, if there is one."""
    counted = check_counts(path.parent, found, found, path)
    return counted if counted.inputs else Counted(f"as many as {path.name} holds")


def _all_pairs(faces: FaceRows) -> Pairs:
    """Each template with each other one, once."""
    count, subjects = len(faces.templates), faces.templates.subjects
    if count < 2:
        raise BadInput(faces.path, "number of templates", "at least 2 to compare", str(count))
    if count * (count - 1) // 2 > MOST_PAIRS:
        expected = f"at most {MOST_PAIRS:,} pairs, or a list of comparisons"
        found = f"all {count * (count - 1) // 2:,} of {count:,} templates"
        raise BadInput(faces.path, "number of templates", expected, found)
    each = np.arange(count, dtype=np.int32)
    left = np.repeat(each, count - 1 - each)
    right = np.concatenate([each[one + 1 :] for one in each])
    genuine = np.concatenate([subjects[one] == subjects[one + 1 :] for one in each])
    return Pairs(left, right, genuine)


def _read_pairs(path: Path, faces: FaceRows) -> Pairs:
    """The listed comparisons, as positions of templates."""
    listed = read_numbered_pairs(path)
    left = _find_templates(path, listed.lines, faces, listed.left)
    right = _find_templates(path, listed.lines, faces, listed.right)
    alone = np.flatnonzero(left == right)
    if len(alone):
        found = f"{listed.left[alone[0]]} with itself"
        raise BadInput(path, f"line {listed.lines[alone[0]]}", "two different templates", found)
    lower, upper = np.minimum(left, right), np.maximum(left, right)
    again = first_repeat(lower.astype(np.int64) * len(faces.templates) + upper)
    if again:
        found = f"the pair of line {listed.lines[again[1]]} again"
        expected = "each pair once, in either order"
        raise BadInput(path, f"line {listed.lines[again[0]]}", expected, found)
    genuine = faces.templates.subjects[left] == faces.templates.subjects[right]
    if listed.genuine is not None and (listed.genuine != genuine).any():
        row = int((listed.genuine != genuine).argmax())
        expected = f"{'one subject' if listed.genuine[row] else 'two subjects'}, as same says"
        found = f"{'one' if genuine[row] else 'two'} in {faces.path.name}"
        raise BadInput(path, f"line {listed.lines[row]}", expected, found)
    return Pairs(left, right, genuine, listed.fold)


def _find_templates(
    path: Path, lines: Int64[np.ndarray, " p"], faces: FaceRows, numbers: Int64[np.ndarray, " p"]
) -> Int32[np.ndarray, " p"]:
    """The positions of templates with these numbers."""
    ids = faces.templates.ids
    at = np.searchsorted(ids, numbers).clip(max=len(ids) - 1)
    unknown = np.flatnonzero(ids[at] != numbers)
    if len(unknown):
        row = unknown[0]
        expected = f"a template of {faces.path.name}"
        raise BadInput(path, f"line {lines[row]}", expected, str(numbers[row]))
    return at.astype(np.int32)


def _split_roles(
    faces: FaceRows,
) -> tuple[dict[str, Int32[np.ndarray, " _"]], Int32[np.ndarray, " _"]]:
    """Each gallery's templates, and the probes."""
    path, lines, ids = faces.path, faces.lines, faces.templates.ids
    texts = faces.columns["role"]
    roles = [PROBE if text.lower() == PROBE else text for text in texts]
    starts = faces.first[faces.templates.template]
    check_one_each(path, lines, ids[faces.templates.template], starts, "role", roles)
    members: dict[str, list[int]] = {}
    for position, row in enumerate(faces.first.tolist()):
        members.setdefault(roles[row], []).append(position)
    probes = members.pop(PROBE, [])
    if not (probes and members):
        expected = "templates of role probe, and of a gallery"
        raise BadInput(path, "", expected, "no probe" if members else "no gallery")
    for name, gallery in members.items():
        again = first_repeat(faces.templates.subjects[gallery])
        if again:
            row, earlier = (faces.first[gallery[one]] for one in again)
            expected = f"each subject once in gallery {name[:80]!r}"
            found = f"the subject of line {lines[earlier]} again"
            raise BadInput(path, f"line {lines[row]}", expected, found)
    galleries = {name: np.array(members[name], dtype=np.int32) for name in sorted(members)}
    return galleries, np.array(probes, dtype=np.int32)
