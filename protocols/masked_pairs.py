"""Pairs of photos with and without a face mask: prajnasb/observations.

The masks are clip art pasted onto the photos, so that a pair agrees in everything else: what was
hidden is known, and so is what hid it. They are not photos of people who wear masks.

Layout of the root::

    without_mask/101.jpg
    with_mask/101-with-mask.jpg
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from protocols.errors import BadInput, DatasetUnavailable
from protocols.images import read_image
from protocols.roots import is_file

TITLE = "masked and unmasked photos (prajnasb/observations)"
HOW = (
    "Get it: clone prajnasb/observations and put with_mask/ and without_mask/ of "
    "experiements/data side by side."
)
_MASKED, _PLAIN, _ENDING = "with_mask", "without_mask", "-with-mask.jpg"
_LEVELS = 24  # of 255, in any channel: above what JPEG leaves of equal pixels
_CLOSING, _OPENING = 5, 3  # pixels
_LEAST_PART = 0.05  # of the largest patch of difference: smaller ones are noise, or something else
_LARGEST_HOLE = 0.035  # of the largest patch: those between a strap and the cheek are larger


@dataclass(frozen=True, eq=False)
class MaskedPair:
    """A face with and without a mask pasted on; RGB, one size.

    Attributes:
        name: Such as ``101``.
        masked: Where the masked photo lies.
        plain: Where the unmasked one lies.
    """

    name: str
    masked: Path
    plain: Path

    def read(self) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w 3"]]:
        """The masked photo and the unmasked one.

        Raises:
            BadInput: One is damaged, or they have two sizes.
        """
        masked, plain = read_image(self.masked), read_image(self.plain)
        if masked.shape != plain.shape:
            height, width = plain.shape[:2]
            found = f"{masked.shape[1]} × {masked.shape[0]}"
            raise BadInput(self.masked, "", f"{width} × {height}, as without mask", found)
        return masked, plain


def load(root: Path) -> tuple[MaskedPair, ...]:
    """The pairs of a folder, in the order of their numbers.

    Raises:
        DatasetUnavailable: A folder, or every masked photo, is absent.
        BadInput: A masked photo has no unmasked one.
    """
    found = sorted((root / _MASKED).glob(f"*{_ENDING}"))
    if not found:
        raise DatasetUnavailable(TITLE, root / _MASKED, HOW)
    pairs = []
    for masked in found:
        name = masked.name.removesuffix(_ENDING)
        plain = root / _PLAIN / f"{name}.jpg"
        if not is_file(plain):
            raise BadInput(masked, "", f"its unmasked photo {_PLAIN}/{plain.name}", "no such file")
        pairs.append(MaskedPair(name, masked, plain))
    return tuple(sorted(pairs, key=lambda one: (len(one.name), one.name)))


def true_mask(
    masked: UInt8[np.ndarray, "h w 3"], plain: UInt8[np.ndarray, "h w 3"]
) -> Bool[np.ndarray, "h w"]:
    """Where the mask is: where the photos differ, without specks, gaps and holes.

    A patch counts if it has a twentieth of the largest one's pixels or more. Where mask and skin
    have the same colour at the mask's edge, it is missed.

    Args:
        masked: RGB.
        plain: RGB, pixel upon pixel.
    """
    from scipy import ndimage

    apart = np.abs(masked.astype(np.int16) - plain).max(axis=2) > _LEVELS
    closed = ndimage.binary_closing(np.pad(apart, _CLOSING), np.ones((_CLOSING, _CLOSING)))
    closed = np.asarray(closed)[_CLOSING:-_CLOSING, _CLOSING:-_CLOSING]
    opened = np.asarray(ndimage.binary_opening(closed, np.ones((_OPENING, _OPENING))), bool)
    patches, sizes = _patches(opened)
    if not sizes.any():
        return opened
    mask = np.isin(patches, np.flatnonzero(sizes >= _LEAST_PART * sizes.max()))
    filled = np.asarray(ndimage.binary_fill_holes(mask), bool)
    holes, within = _patches(filled & ~mask)
    small = np.flatnonzero((within > 0) & (within <= _LARGEST_HOLE * sizes.max()))
    return mask | np.isin(holes, small)


def _patches(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of each pixel's patch (0 is none), and how large the patch of each number is."""
    from skimage.measure import label

    numbers = np.asarray(label(mask, connectivity=1))
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return numbers, sizes
