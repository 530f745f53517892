"""Templates: where the facial points lie in the crop that a recognizer was trained on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

Points = tuple[tuple[float, float], ...]

_ARCFACE: Points = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
_SPHEREFACE: Points = (
    (30.2946, 51.6963),
    (65.5318, 51.5014),
    (48.0252, 71.7366),
    (33.5493, 92.3655),
    (62.7299, 92.2041),
)
_DLIB_FACE: Points = (
    (0.490127, 0.203352),
    (0.490127, 0.307009),
    (0.490127, 0.409805),
    (0.490127, 0.515625),
    (0.36688, 0.587326),
    (0.426036, 0.609345),
    (0.490127, 0.628106),
    (0.554217, 0.609345),
    (0.613373, 0.587326),
    (0.121737, 0.216423),
    (0.187122, 0.178758),
    (0.265825, 0.179852),
    (0.334606, 0.231733),
    (0.260918, 0.245099),
    (0.182743, 0.244077),
    (0.645647, 0.231733),
    (0.714428, 0.179852),
    (0.793132, 0.178758),
    (0.858516, 0.216423),
    (0.79751, 0.244077),
    (0.719335, 0.245099),
    (0.254149, 0.780233),
    (0.340985, 0.745405),
    (0.428858, 0.727388),
    (0.490127, 0.742578),
    (0.551395, 0.727388),
    (0.639268, 0.745405),
    (0.726104, 0.780233),
    (0.290379, 0.784792),
    (0.428096, 0.778746),
    (0.490127, 0.785343),
    (0.552157, 0.778746),
    (0.689874, 0.784792),
)
_DLIB_INDICES = (*range(27, 55), *range(60, 65))
_DLIB_PADDING = 0.25


@dataclass(frozen=True)
class Template:
    """A crop and where the facial points belong in it.

    Attributes:
        name: What tables and recognizer cards call it.
        width: Columns of the crop.
        height: Rows of the crop.
        five: The image's left eye, right eye, nose tip, mouth corners (left, right): x, y in pixels
            of the crop, (0, 0) the centre of the top-left one. A face is placed by the similarity
            (turn, scale, shift) that fits them best. Empty for ``whole``: the picture as it is,
            resized.
        dense: Where iBUG-68 points belong, by their index; where a face has 68 points these are
            fitted in place of the five.
        antialias: Whether a crop that shrinks averages the pixels that it leaves out. ArcFace's
            training crops were cut without.
        in_photo: Whether the best fit is that with the least squares in the photo, as dlib's, and
            not in the crop: a face that is not much like the template comes out larger. That is
            the inverse of the similarity that takes the template to the photo.
    """

    name: str
    width: int
    height: int
    five: Points
    dense: tuple[tuple[int, float, float], ...] = ()
    antialias: bool = False
    in_photo: bool = False

    def moved(self, right: float = 0.0, down: float = 0.0, zoom: float = 1.0) -> "Template":
        """A template that puts the face elsewhere, as a mistake would: for the sanity probe.

        Args:
            right: Shift of the face, in crop widths.
            down: Shift of the face, in crop heights.
            zoom: How much larger the face gets, about the middle of the crop.
        """
        middle_x, middle_y = (self.width - 1) / 2, (self.height - 1) / 2

        def move(x: float, y: float) -> tuple[float, float]:
            return (
                middle_x + zoom * (x - middle_x) + right * self.width,
                middle_y + zoom * (y - middle_y) + down * self.height,
            )

        return replace(
            self,
            name=f"{self.name} moved {right:g} {down:g} {zoom:g}",
            five=tuple(move(x, y) for x, y in self.five),
            dense=tuple((index, *move(x, y)) for index, x, y in self.dense),
        )


def arcface(size: int = 112) -> Template:
    """ArcFace's template, scaled to a square of ``size`` pixels as insightface scales it.

    Source: deepinsight/insightface, ``face_align.py``: a multiple of 128 is scaled by size / 128
    and moved right by 8 of 128 pixels; other sizes by size / 112.
    """
    by_128 = size % 128 == 0 and size % 112 != 0
    ratio, shift = (size / 128, 8 * size / 128) if by_128 else (size / 112, 0.0)
    points = tuple((x * ratio + shift, y * ratio) for x, y in _ARCFACE)
    return Template("arcface", size, size, points)


def sphereface() -> Template:
    """SphereFace's template, 96 × 112: ArcFace's points, 8 pixels further left.

    Source: wy1iu/sphereface, ``face_align_demo.m``; CosFace and MTCNN's alignment use it too.
    """
    return Template("sphereface", 96, 112, _SPHEREFACE)


def dlib_chip(size: int = 150) -> Template:
    """The face chip of dlib: its mean face, with a quarter of that around it, in a square.

    dlib fits 33 of the 68 points: nose, eyes, upper lip and the corners of the mouth. Its mean face
    counts from the chip's outer edge, so that pixel centres lie half a pixel lower. It then
    stretches the chip by up to a part in ``size``, depending on the photo's scale (not at all where
    a pixel of the photo becomes one of the chip); that is left out here: it is at most a third of
    a pixel at the points, unless the photo is enlarged. It shrinks through an image pyramid.

    Source: davisking/dlib, ``interpolation.h``: ``get_face_chip_details``, ``chip_details``.
    """
    ratio = size / (1 + 2 * _DLIB_PADDING)
    shift = _DLIB_PADDING * ratio - 0.5
    placed = {
        index: (x * ratio + shift, y * ratio + shift)
        for index, (x, y) in zip(_DLIB_INDICES, _DLIB_FACE, strict=True)
    }
    eyes = _middle(placed[36], placed[39]), _middle(placed[42], placed[45])
    five = (*eyes, placed[30], placed[48], placed[54])
    dense = tuple((index, x, y) for index, (x, y) in placed.items())
    return Template("dlib", size, size, five, dense, antialias=True, in_photo=True)


def _middle(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def whole(width: int, height: int) -> Template:
    """The picture as it is, resized: for pictures that are cut already."""
    return Template("whole", width, height, ())


TEMPLATES: Mapping[str, str] = {
    "arcface": "ArcFace's five points (square; insightface's own scaling)",
    "sphereface": "SphereFace's five points in 96 × 112",
    "dlib": "dlib's mean face, padded by a quarter, 150 × 150",
    "whole": "the picture as it is, resized",
}
"""The names that a recognizer card may use."""


def template_named(name: str, width: int, height: int) -> Template:
    """The template of this name for a crop of this size.

    Args:
        name: A key of :data:`TEMPLATES`.
        width: Columns of the crop.
        height: Rows of the crop.

    Raises:
        ValueError: There is no template of this name, or none of this size.
    """
    if name not in TEMPLATES:
        raise ValueError(f"template {name}: expected one of {', '.join(TEMPLATES)}")
    if min(width, height) < 1:
        raise ValueError(f"template {name}: expected a size above 0, found {width} × {height}")
    if name == "whole":
        return whole(width, height)
    if name == "sphereface":
        if (width, height) != (96, 112):
            raise ValueError(f"template sphereface is 96 × 112, not {width} × {height}")
        return sphereface()
    if width != height:
        raise ValueError(f"template {name} is square, not {width} × {height}")
    return arcface(width) if name == "arcface" else dlib_chip(width)
