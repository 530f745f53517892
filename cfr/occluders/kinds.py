"""The kinds of occluders by name, one of them in front of a face, or one at random."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.occluders.erasing import Erasing
from cfr.occluders.glasses import Glasses
from cfr.occluders.hair import Hair
from cfr.occluders.hand import Hand
from cfr.occluders.mask import Mask
from cfr.occluders.paint import lay_over
from cfr.occluders.phone import Phone
from cfr.occluders.scarf import Scarf
from cfr.occluders.supplied import Cutout, Silhouette
from cfr.occluders.types import FittedFace, Occluded, Occluder, OccluderRecord, Scene, Settings

KINDS: Mapping[str, type[Occluder]] = {
    "hand": Hand,
    "mask": Mask,
    "glasses": Glasses,
    "scarf": Scarf,
    "hair": Hair,
    "phone": Phone,
    "erasing": Erasing,
    "silhouette": Silhouette,
    "cutout": Cutout,
}
"""Name → options, which know how to draw themselves."""

NEED_OPTIONS = ("silhouette", "cutout")
"""Kinds that draw what a user brings: they have no default options."""


def occlude(
    photo: UInt8[np.ndarray, "h w 3"],
    points: Float64[np.ndarray, "68 2"],
    kind: str,
    seed: int,
    fitted: FittedFace | None = None,
    options: Occluder | None = None,
) -> Occluded:
    """Put an occluder in front of a face; the photo itself is left as it is.

    Args:
        photo: RGB.
        points: The iBUG-68 points in the photo's pixels; they may lie outside it.
        kind: A key of :data:`KINDS`.
        seed: Of all that is drawn: the same seed and input give the same bytes.
        fitted: A face model fitted to this photo; ``mask`` needs it.
        options: Of the kind; its defaults if None, which ``silhouette`` and ``cutout`` lack.

    Raises:
        ValueError: The kind is unknown, the options are another kind's or missing, something that
            the kind needs is missing, the points are not finite or lie in one place, or the photo
            is empty or not the fitted camera's picture.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r}: expected one of {', '.join(KINDS)}")
    if options is None and kind in NEED_OPTIONS:
        raise ValueError(f"{kind}: expected options ({KINDS[kind].__name__}), found none")
    drawer = KINDS[kind]() if options is None else options
    if type(drawer) is not KINDS[kind]:
        found = type(drawer).__name__
        raise ValueError(f"{kind}: expected options {KINDS[kind].__name__}, found {found}")
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
        raise ValueError(f"photo: expected (h, w, 3) uint8, found {photo.dtype} {photo.shape}")
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise ValueError("points: expected (68, 2) finite positions")
    if fitted is not None and photo.shape[:2] != (fitted.camera.size, fitted.camera.size):
        expected = f"{fitted.camera.size} × {fitted.camera.size}, the fitted camera's picture"
        raise ValueError(f"photo: expected {expected}, found {photo.shape[0]} × {photo.shape[1]}")
    scene = Scene(photo, points.astype(np.float64), np.random.default_rng(seed), fitted)
    drawn = drawer.draw(scene)
    image, alpha = lay_over(photo, drawn.color, drawn.alpha)
    return Occluded(image, alpha, OccluderRecord(kind, seed, drawn.settings))


def draw_random(
    photo: UInt8[np.ndarray, "h w 3"],
    points: Float64[np.ndarray, "68 2"],
    seed: int,
    shares: Mapping[str, float],
    fitted: FittedFace | None = None,
    options: Mapping[str, Occluder] | None = None,
) -> Occluded:
    """Put an occluder of a random kind in front of a face.

    The record's kind and seed are those with which :func:`occlude` repeats it; the settings add
    ``drawn_with_seed``, ``kinds`` and ``shares``.

    Args:
        photo: RGB.
        points: The iBUG-68 points in the photo's pixels.
        seed: Of the choice and of all that is drawn.
        shares: Kind → how often, relative to the others.
        fitted: A face model fitted to this photo.
        options: Kind → its options, where they are not the defaults.

    Raises:
        ValueError: No share is above 0, one is negative or not finite, or as :func:`occlude`.
    """
    kinds = list(shares)
    weights = np.array([shares[kind] for kind in kinds], np.float64)
    if not len(kinds) or not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise ValueError(f"shares {dict(shares)}: expected some above 0 and none below")
    # Two streams: the first draw of the kind must not know what the choice has drawn.
    choosing, drawing = (int(one) for one in np.random.SeedSequence(seed).generate_state(2))
    chosen = np.random.default_rng(choosing).choice(len(kinds), p=weights / weights.sum())
    kind = kinds[int(chosen)]
    done = occlude(photo, points, kind, drawing, fitted, (options or {}).get(kind))
    added: Settings = {
        "drawn_with_seed": seed,
        "kinds": kinds,
        "shares": [float(value) for value in weights],
    }
    record = OccluderRecord(kind, drawing, {**done.record.settings, **added})
    return Occluded(done.image, done.alpha, record)
