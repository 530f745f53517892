"""Photos that the 3D face regressor is trained on: which there are, and where their points are.

The paper names 300W-LP, CelebA and Multi-PIE, and masked faces for the second stage (Ju et al.,
"Complete Face Recovery GAN: Unsupervised Joint Face Rotation and De-Occlusion from a Single-View
Image", WACV 2022); any folder of photos can stand in for them. Nothing is decoded here but for one
pair of each folder of masked photos. Layouts of the root::

    300w-lp     AFW/NAME.jpg, landmarks/AFW/NAME_pts.mat; likewise HELEN, IBUG and LFPW
    celeba      img_celeba/000001.jpg, or else img_align_celeba/000001.jpg; and optionally
                list_eval_partition.txt, also in Eval: "000001.jpg 0"
    multi-pie   session01/multiview/001/01/05_1/001_01_01_051_06.png, also in data
    masked      00001_Mask.jpg and the like, and FFHQ's 00001.png or .jpg, in any folders
    folder      photos in any folders

Sources: Zhu et al., "Face alignment across large poses: a 3D solution", CVPR 2016 (300W-LP); Liu et
al., "Deep learning face attributes in the wild", ICCV 2015 (CelebA); Gross et al., "Multi-PIE",
Image and Vision Computing 2010; Cabani et al., "MaskedFace-Net", Smart Health 2021.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from protocols.errors import BadInput, BadOption
from protocols.photo_companions import (
    by_number,
    check_sizes,
    number_of_masked,
    number_of_unmasked,
    read_partition,
    read_points,
)
from protocols.photo_files import PhotoFiles, choose, find_photo_files, path_order, size_in_bytes
from protocols.roots import is_dir, is_file

HOW_300W_LP = (
    "Ask for 300W-LP at http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm and "
    "unpack it there: AFW/NAME.jpg, landmarks/AFW/NAME_pts.mat, and so on."
)
HOW_CELEBA = (
    "Get CelebA at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html and put img_celeba (in the "
    "wild) or img_align_celeba there, and list_eval_partition.txt beside it."
)
HOW_MULTI_PIE = (
    "Buy a licence of Multi-PIE from Carnegie Mellon University (http://www.multipie.org) and put "
    "session01/multiview/001/01/05_1/001_01_01_051_06.png, … there."
)
HOW_MASKED = (
    "Get MaskedFace-Net at https://github.com/cabani/MaskedFace-Net and FFHQ at "
    "https://github.com/NVlabs/ffhq-dataset and put both there: CMFD/00000/00001_Mask.jpg, "
    "ffhq/00000/00001.png, and so on."
)
HOW_FOLDER = "It has to be a folder with photos in it, or in folders in it."

_ELSEWHERE = "photos that lie elsewhere or are named otherwise"
_MASKED = "masked photos"
_OF_300W_LP = re.compile(r"(?P<subset>AFW|HELEN|IBUG|LFPW)(?P<mirrored>_Flip)?/[^/]+\.jpg")
_OF_CELEBA = re.compile(r"(?P<folder>img_celeba|img_align_celeba)/(?P<photo>[0-9]{6}\.jpg)")
_PARTS = ("training photos", "photos to validate with", "photos to test with")
_MULTI_PIE_FOLDER = re.compile(
    r"(?:data/)?session(?P<session>[0-9]{2})/multiview/(?P<subject>[0-9]{3})"
    r"/(?P<recording>[0-9]{2})/(?P<camera>[0-9]{2}_[0-9])/(?P<file>[^/]+)"
)
_MULTI_PIE_ENDING = re.compile(r"[0-9]{2}\.(?:png|jpg|jpeg)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class TrainingPhoto:
    """A photo of one face.

    Attributes:
        path: The photo, without a mask.
        points: ``(68, 2)`` iBUG's points as x, y in the photo's pixels, (0, 0) the centre of the
            top left one; they may lie outside. None where they have to be estimated.
        masked: The same photo, as large, with a mask on the face, if the set has one.
    """

    path: Path
    points: Float64[np.ndarray, "68 2"] | None
    masked: Path | None = None


@dataclass(frozen=True, eq=False)
class TrainingPhotos:
    """Photos to train on.

    Attributes:
        name: The kind of data set, one of :data:`KINDS`.
        photos: Sorted by path; at least one.
        rule: What was taken and what was left out, in words, with counts.
        digest: sha256 of the photos' paths below the root, sizes in bytes and points, and of the
            paths of masked ones: another list of photos, or other points, have another digest.
    """

    name: str
    photos: tuple[TrainingPhoto, ...]
    rule: str
    digest: str


class _Row(NamedTuple):
    """A photo by its path below the root; its points, and its masked twin, if it has them."""

    name: str
    points: np.ndarray | None = None
    masked: str | None = None


def load_training_photos(kind: str, root: Path, listed: Path | None = None) -> TrainingPhotos:
    """The photos of a data set, or those of them that a list names.

    Args:
        kind: Which data set it is, one of :data:`KINDS`.
        root: Its folder.
        listed: A text file with the path of one photo a line, below the root and with forward
            slashes; blank lines do not count. Each has to be there, and one that its kind takes.

    Raises:
        BadOption: There is no such kind.
        DatasetUnavailable: There is no such folder, or no such list.
        BadInput: No photo is left; a line of the list is no photo to take, names one twice or
            leads out of the root; a link in the root does; or a file of the set is malformed.
    """
    if kind not in KINDS:
        raise BadOption(f"kind {kind}", f"one of {', '.join(KINDS)}")
    return KINDS[kind](root, listed)


def load_300w_lp(root: Path, listed: Path | None = None) -> TrainingPhotos:
    """300W-LP without its mirrored copies: the trainer mirrors by itself.

    The points are ``pts_3d``: they stay on the same spot of the head when it turns, as those do
    that AFLW2000-3D is scored with; of ``pts_2d`` the jaw slides along the outline. The files count
    pixels from 1, so 1 is subtracted: the authors' MATLAB code turns y over as ``height + 1 − y``
    before it draws, and cleardusk/3DDFA_V2 subtracts 1 as well, "for Python compatibility".

    Raises:
        DatasetUnavailable: There is no such folder, or no such list.
        BadInput: As of :func:`load_training_photos`; or a photo has no file of points, or one
            whose ``pts_3d`` is absent, not (68, 2), or not finite.
    """
    files = find_photo_files(root, listed, "300W-LP", HOW_300W_LP)

    def left_out(name: str) -> str | None:
        match = _OF_300W_LP.fullmatch(name)
        mirrored = "mirrored copies (_Flip)" if match and match["mirrored"] else None
        return mirrored if match else _ELSEWHERE

    names, left = choose(files, left_out)
    subsets = ", ".join(sorted({name.partition("/")[0] for name in names}))
    rows = [_Row(name, read_points(root, name, HOW_300W_LP)) for name in names]
    return _gather("300w-lp", files, rows, f"of {subsets} with their pts_3d", left, HOW_300W_LP)


def load_celeba(root: Path, listed: Path | None = None) -> TrainingPhotos:
    """CelebA's training photos, or all of them where the partition is absent.

    Without a list, ``img_celeba`` (in the wild) counts, and ``img_align_celeba`` if it is absent.

    Raises:
        DatasetUnavailable: There is no such folder, or no such list.
        BadInput: As of :func:`load_training_photos`; or a line of the partition is malformed or
            names a photo twice, or none names a photo that is there.
    """
    files = find_photo_files(root, listed, "CelebA", HOW_CELEBA)
    folder = "img_celeba" if is_dir(root / "img_celeba") else "img_align_celeba"
    places = ("list_eval_partition.txt", "Eval/list_eval_partition.txt")
    partition = next((root / one for one in places if is_file(root / one)), None)
    parts = read_partition(root, partition, HOW_CELEBA) if partition else {}

    def left_out(name: str) -> str | None:
        match = _OF_CELEBA.fullmatch(name)
        if match is None or not (listed or match["folder"] == folder):
            return _ELSEWHERE
        if partition is None:
            return None
        if match["photo"] not in parts:
            raise BadInput(partition, "", f"a line for {match['photo']}, which is there", "none")
        return _PARTS[parts[match["photo"]]] if parts[match["photo"]] else None

    names, left = choose(files, left_out)
    if partition and not listed:
        left["training photos that are not there"] = list(parts.values()).count(0) - len(names)
    what = "" if listed else f"in {folder}, "
    what += f"of part 0 (train) in {partition.name}" if partition else "without a partition"
    return _gather("celeba", files, map(_Row, names), what, left, HOW_CELEBA)


def load_multi_pie(root: Path, listed: Path | None = None) -> TrainingPhotos:
    """Multi-PIE's photos of every session, camera and light; those in ``highres`` are left out.

    Raises:
        DatasetUnavailable: There is no such folder, or no such list.
        BadInput: As of :func:`load_training_photos`; or a photo's name contradicts its folder.
    """
    files = find_photo_files(root, listed, "Multi-PIE", HOW_MULTI_PIE)

    def left_out(name: str) -> str | None:
        match = _MULTI_PIE_FOLDER.fullmatch(name)
        if match is None:
            return _ELSEWHERE
        camera = match["camera"].replace("_", "")
        start = f"{match['subject']}_{match['session']}_{match['recording']}_{camera}_"
        rest = match["file"].removeprefix(start)
        if rest == match["file"] or not _MULTI_PIE_ENDING.fullmatch(rest):
            expected = f"a name such as {start}06.png, as its folder says"
            raise BadInput(root / name, "name", expected, match["file"][:80])
        return None

    names, left = choose(files, left_out)
    return _gather("multi-pie", files, map(_Row, names), "of multiview", left, HOW_MULTI_PIE)


def load_masked(root: Path, listed: Path | None = None) -> TrainingPhotos:
    """FFHQ's photos that MaskedFace-Net masked, once for each masked copy.

    A list names the photos without masks. One pair of each two folders is opened: both have to
    have the same size.

    Raises:
        DatasetUnavailable: There is no such folder, or no such list.
        BadInput: As of :func:`load_training_photos`; or a number has two photos without a mask, a
            listed photo has no masked one, or the sizes of a pair differ.
    """
    files = find_photo_files(root, listed, "MaskedFace-Net", HOW_MASKED)
    every = find_photo_files(root, None, "MaskedFace-Net", HOW_MASKED) if listed else files
    masked = [(number, one) for one in every.names if (number := number_of_masked(one))]
    numbers = {number for number, _ in masked}

    def left_out(name: str) -> str | None:
        number = number_of_unmasked(name)
        if number and number not in numbers:
            return "photos without a masked one"
        return None if number else _MASKED if number_of_masked(name) else _ELSEWHERE

    names, left = choose(files, left_out)
    del left[_MASKED]
    unmasked = by_number(root, names)
    pairs = [(unmasked[number], one) for number, one in masked if number in unmasked]
    if not listed:
        left["masked photos without the unmasked one"] = len(masked) - len(pairs)
    check_sizes(root, pairs)
    rows = [_Row(name, masked=one) for name, one in pairs]
    return _gather("masked", files, rows, "with a masked one each", left, HOW_MASKED)


def load_folder(root: Path, listed: Path | None = None) -> TrainingPhotos:
    """Every photo below a folder, or those that a list names.

    Raises:
        DatasetUnavailable: There is no such folder, or no such list.
        BadInput: As of :func:`load_training_photos`.
    """
    files = find_photo_files(root, listed, "the folder of photos", HOW_FOLDER)
    return _gather("folder", files, map(_Row, files.names), "", Counter(), HOW_FOLDER)


KINDS: Mapping[str, Callable[[Path, Path | None], TrainingPhotos]] = {
    "300w-lp": load_300w_lp,
    "celeba": load_celeba,
    "multi-pie": load_multi_pie,
    "masked": load_masked,
    "folder": load_folder,
}
"""Loads each kind of data set from its root and, if that is not None, a list."""


def _gather(
    kind: str, files: PhotoFiles, rows: Iterable[_Row], what: str, left: Counter[str], how: str
) -> TrainingPhotos:
    """The photos in order, what they are in words, and their digest."""
    rows = sorted(rows, key=lambda row: (path_order(row.name), path_order(row.masked or "")))
    if not rows:
        raise BadInput(files.source, "", f"at least one photo ({how})", _left_in_words(left, files))
    end = f", listed in {files.listed.name}" if files.listed else ""
    end = end or f"; left out: {_left_in_words(left, files)}"
    rule = f"{len(rows):,} photos {what}".rstrip() + end
    root = files.root
    photos = tuple(
        TrainingPhoto(root / name, points, root / masked if masked else None)
        for name, points, masked in rows
    )
    return TrainingPhotos(kind, photos, rule, _digest(root, rows))


def _left_in_words(left: Counter[str], files: PhotoFiles) -> str:
    counts = {**left, "other files": files.others}
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if count) or "none"


def _digest(root: Path, rows: Iterable[_Row]) -> str:
    content = hashlib.sha256()
    for name, points, masked in rows:
        content.update(f"{name}\0{size_in_bytes(root / name)}\0{masked or ''}\0".encode())
        content.update(b"none" if points is None else np.ascontiguousarray(points, "<f8").tobytes())
    return content.hexdigest()
