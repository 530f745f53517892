"""3DDFA-V2: 68 points from a 3D face fitted by a small network, also where the head hides them.

Guo et al., Towards Fast, Accurate and Stable 3D Dense Face Alignment, ECCV 2020. The network gives
62 numbers: a 3 × 4 camera, 40 shape and 10 expression weights of a face model whose 68 vertices
come with the first 3DDFA. Source of the conventions: cleardusk/3DDFA_V2 (``TDDFA.py``) and
cleardusk/3DDFA (``utils/ddfa.py``).

The authors' code places the crop's points by x · side / 120 + left, as if pixels were counted by
their corners; the crop is cut as if by their areas. Here both are by areas: half a crop pixel less
half a photo pixel further right and down, which is the better on AFLW2000-3D (docs/landmarks.md).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.align import five_from_68, warp
from cfr.landmarks import retinaface
from cfr.landmarks.face import FoundFace, Landmarker
from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import require_root
from protocols.safe_pickle import read_pickled_arrays

if TYPE_CHECKING:  # PyTorch is imported when the weights are loaded
    from cfr.landmarks.tddfa_network import TddfaNetwork

TITLE = "3DDFA-V2's network and 68-point basis"
HOW = "Get them with: python scripts/fetch.py tddfa."
NETWORK_FILE = "mb05_120x120.pth"
STATISTICS_FILE = "param_mean_std_62d_120x120.pkl"
BASIS_FILES = {"u_base.txt": (204, 1), "w_shp_base.txt": (204, 40), "w_exp_base.txt": (204, 10)}
_SIZE = 120


@dataclass(frozen=True, eq=False)
class Regressor:
    """The network with its face model: 68 points of one face.

    Attributes:
        network: In evaluation mode.
        mean: ``(62,)`` of the parameters in training.
        deviation: ``(62,)`` likewise.
        basis: ``(204, 51)`` mean, shape and expression modes of 68 points, x y z of each in turn.
    """

    network: "TddfaNetwork"
    mean: Float64[np.ndarray, "62"]
    deviation: Float64[np.ndarray, "62"]
    basis: Float64[np.ndarray, "204 51"]

    def points_in_crop(self, crop: UInt8[np.ndarray, "120 120 3"]) -> Float64[np.ndarray, "68 2"]:
        """The points in an RGB crop of the network's size, in its pixels."""
        import torch

        device = next(self.network.parameters()).device
        pixels = (crop[..., ::-1].astype(np.float32) - 127.5) / 128
        given = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]
        with torch.inference_mode():
            whitened = self.network(given.to(device))[0].double().cpu().numpy()
        numbers = whitened * self.deviation + self.mean
        camera = numbers[:12].reshape(3, 4)
        shape = (self.basis @ np.concatenate(([1.0], numbers[12:]))).reshape(68, 3)
        placed = shape @ camera[:2, :3].T + camera[:2, 3]
        # The model counts pixels from 1, and y upwards.
        return np.column_stack((placed[:, 0] - 1, _SIZE - placed[:, 1]))

    def points_in_square(
        self, photo: UInt8[np.ndarray, "h w 3"], square: Float64[np.ndarray, "4"]
    ) -> Float64[np.ndarray, "68 2"]:
        """The points of the face in a square of a photo, in the photo's pixels.

        Args:
            photo: RGB; black is put where the square leaves it.
            square: Left, top, right, bottom: outer edges.
        """
        side = (square[2:] - square[:2]) / _SIZE
        zoom = np.column_stack((np.diag(1 / side), -square[:2] / side - 0.5))
        crop = warp(photo, zoom, _SIZE, _SIZE, antialias=False)[0]
        return (self.points_in_crop(crop) + 0.5) * side + square[:2]

    def points_of(
        self, photo: UInt8[np.ndarray, "h w 3"], face: FoundFace, *, rounds: int = 2
    ) -> Float64[np.ndarray, "68 2"]:
        """The points of a found face, first in a square around its box, then around the points.

        Args:
            photo: RGB.
            face: A face of this photo.
            rounds: How often the network looks; the authors' code offers 1 and 2.
        """
        points = self.points_in_square(photo, square_of_box(face.box))
        for _ in range(rounds - 1):
            points = self.points_in_square(photo, square_of_points(points))
        return points


def square_of_box(box: Float64[np.ndarray, "4"]) -> Float64[np.ndarray, "4"]:
    """The crop for a detector's box: 1.58 times its mean side, 0.14 of it lower."""
    side = (box[2:] - box[:2]).mean()
    middle = (box[:2] + box[2:]) / 2 + (0, 0.14 * side)
    half = 1.58 * side / 2
    return np.concatenate((middle - half, middle + half))


def square_of_points(points: Float64[np.ndarray, "68 2"]) -> Float64[np.ndarray, "4"]:
    """The crop for known points: √2 times the longer side of their bounding box."""
    low, high = points.min(0), points.max(0)
    half = np.sqrt(2) * (high - low).max() / 2
    middle = (low + high) / 2
    return np.concatenate((middle - half, middle + half))


@dataclass(frozen=True, eq=False)
class Tddfa:
    """A detector for the boxes, the regressor for the points.

    Attributes:
        detector: Finds the faces.
        regressor: Places the points.
        name: What commands print.
    """

    detector: Landmarker
    regressor: Regressor
    name: str = "tddfa"

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """Find the faces of a photo; box and score are the detector's."""
        faces = []
        for face in self.detector(photo, path):
            points = self.regressor.points_of(photo, face)
            faces.append(FoundFace(face.box, face.score, five_from_68(points), points, self.name))
        return faces


def load(root: Path | None = None, device: str = "cpu") -> Tddfa:
    """Load the regressor from the root ``tddfa``, with RetinaFace from ``mobilefacenet``.

    Args:
        root: The folder of the regressor's files, if not the usual place.
        device: Where the networks run.

    Raises:
        DatasetUnavailable: A file is absent.
        BadInput: A file is not what it has to be.
    """
    regressor = load_regressor(require_root("tddfa", TITLE, HOW, root), device)
    return Tddfa(retinaface.load(None, device), regressor)


def files(root: Path | None = None) -> tuple[Path, ...]:
    """The regressor's files and RetinaFace's.

    Raises:
        DatasetUnavailable: A file is absent.
    """
    return (*_own_files(require_root("tddfa", TITLE, HOW, root)), *retinaface.files())


def load_regressor(folder: Path, device: str = "cpu") -> Regressor:
    """Read the published files; errors as of :func:`load`."""
    _own_files(folder)
    basis = [_read_matrix(folder / name, shape) for name, shape in BASIS_FILES.items()]
    mean, deviation = _read_statistics(folder / STATISTICS_FILE)
    network = load_network(folder / NETWORK_FILE).to(device)
    return Regressor(network, mean, deviation, np.column_stack(basis))


def load_network(path: Path) -> "TddfaNetwork":
    """Read the published checkpoint, but for a head (``fc_lm``) that was used in training only.

    Raises:
        BadInput: It is damaged, or another network's.
    """
    import torch

    from cfr.landmarks.tddfa_network import TddfaNetwork

    network = TddfaNetwork()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        state = {
            name.removeprefix("module.").replace("fc_param.", "fc."): value
            for name, value in state.items()
            if not name.startswith("module.fc_lm.")
        }
        network.load_state_dict(state)
    except Exception as error:  # a damaged file raises many kinds
        found = " ".join(str(error).split())[:200]
        raise BadInput(path, "", "3DDFA-V2's mb05 weights", found) from error
    return network.eval()


def _own_files(folder: Path) -> list[Path]:
    """The regressor's files, all there."""
    paths = [folder / name for name in (NETWORK_FILE, STATISTICS_FILE, *BASIS_FILES)]
    for path in paths:
        if not path.is_file():
            raise DatasetUnavailable("a file of 3DDFA-V2", path, HOW)
    return paths


def _read_statistics(path: Path) -> tuple[np.ndarray, np.ndarray]:
    content: Any = read_pickled_arrays(path)
    fields = content if isinstance(content, dict) else {}
    for name in ("mean", "std"):
        array = fields.get(name)
        if not isinstance(array, np.ndarray) or array.shape != (62,):
            found = f"shape {array.shape}" if isinstance(array, np.ndarray) else "none"
            raise BadInput(path, name, "62 numbers", found)
    return fields["mean"].astype(np.float64), fields["std"].astype(np.float64)


def _read_matrix(path: Path, shape: tuple[int, int]) -> np.ndarray:
    try:
        matrix = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise BadInput(path, "", f"a table of {shape} numbers", str(error)) from error
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise BadInput(path, "", f"a table of {shape} finite numbers", f"{matrix.shape}")
    return matrix
