"""What belongs to a photo that is trained on: 300W-LP's points, CelebA's part, the masked twin."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from protocols.errors import BadInput
from protocols.images import read_image
from protocols.matfile import read_mat
from protocols.roots import inside_root, is_file
from protocols.textfile import read_lines

_PART = re.compile(r"(?P<photo>[0-9]{6}\.jpg)[ \t]+(?P<part>[012])")
_MASKED = re.compile(r"(?:.*/)?([0-9]{5})_Mask(?:_Chin|_Mouth_Chin|_Nose_Mouth)?\.jpg")
_UNMASKED = re.compile(r"(?:.*/)?([0-9]{5})\.(?:png|jpg)")


def read_points(root: Path, name: str, how: str) -> Float64[np.ndarray, "68 2"]:
    """The 68 points of a photo of 300W-LP: ``pts_3d`` of ``landmarks/AFW/NAME_pts.mat``.

    The file counts pixels from 1; 1 is subtracted, so that (0, 0) is the centre of the top left
    pixel.

    Args:
        root: 300W-LP's folder.
        name: The photo's path below it, ``AFW/NAME.jpg``.
        how: How to get the set, for messages.

    Raises:
        BadInput: There is no such file, or it leads out of the root; or ``pts_3d`` is absent, not
            (68, 2), or not finite.
    """
    file = f"landmarks/{name.removesuffix('.jpg')}_pts.mat"
    path = inside_root(root, file, root / name, "file of points")
    if not is_file(path):
        raise BadInput(path, "", f"the points of {name}", "no file")
    fields = read_mat(path, {"pts_3d": (68, 2)}, title=file, how=how)
    return fields["pts_3d"].astype(np.float64) - 1


def read_partition(root: Path, path: Path, how: str) -> dict[str, int]:
    """The part of each photo of CelebA: 0 to train with, 1 to validate with, 2 to test with.

    Args:
        root: CelebA's folder.
        path: ``list_eval_partition.txt`` in it, a line "000001.jpg 0" a photo.
        how: How to get it, for messages.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: It leads out of the root; a line is malformed, or names a photo twice.
    """
    inside_root(root, path.relative_to(root).as_posix(), path, "file")
    parts: dict[str, int] = {}
    for line, text in enumerate(read_lines(path, "CelebA's partition", how), 1):
        match = _PART.fullmatch(text.strip())
        if match is None:
            expected = "'000001.jpg 0', a part from 0 to 2"
            raise BadInput(path, f"line {line}", expected, repr(text[:80]))
        if match["photo"] in parts:
            raise BadInput(path, f"line {line}", "each photo once", f"{match['photo']} again")
        parts[match["photo"]] = int(match["part"])
    return parts


def number_of_masked(name: str) -> str | None:
    """FFHQ's five digits of a photo of MaskedFace-Net, well masked or not; None for another."""
    match = _MASKED.fullmatch(name)
    return match[1] if match else None


def number_of_unmasked(name: str) -> str | None:
    """The five digits of a photo of FFHQ; None for another."""
    match = _UNMASKED.fullmatch(name)
    return match[1] if match else None


def by_number(root: Path, names: Iterable[str]) -> dict[str, str]:
    """FFHQ's photos by their number.

    Raises:
        BadInput: A number has two, for example the full size and the thumbnail.
    """
    photos: dict[str, str] = {}
    for name in names:
        number = number_of_unmasked(name) or ""
        if photos.setdefault(number, name) != name:
            expected = f"one photo without a mask of number {number}; a list can choose"
            raise BadInput(root, name, expected, f"{photos[number]} as well")
    return photos


def check_sizes(root: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Open one pair of each two folders; the photos of a folder of FFHQ are of one size.

    Args:
        root: The folder that all lie below.
        pairs: A photo and the same one with a mask.

    Raises:
        BadInput: Their sizes differ, or one cannot be read.
    """
    seen = set()
    for unmasked, masked in pairs:
        folders = (unmasked.rpartition("/")[0], masked.rpartition("/")[0])
        if folders in seen:
            continue
        seen.add(folders)
        high, wide = read_image(root / unmasked).shape[:2]
        found_high, found_wide = read_image(root / masked).shape[:2]
        if (found_high, found_wide) != (high, wide):
            expected = f"{wide} × {high} pixels, as {unmasked} has"
            raise BadInput(root / masked, "", expected, f"{found_wide} × {found_high}")
