"""AFLW2000-3D: 2,000 photos with 68 landmarks, scored by yaw bin.

Layout of the root (see ``protocols/manifest.toml`` for where each file comes from)::

    AFLW2000-3D_crop.list            2,000 file names: the row order of every array below
    labels/AFLW2000-3D.pts68.npy     original landmarks, float32 (2000, 3, 68), pixels
    labels/AFLW2000-3D-Reannotated.pts68.npy   float32 (2000, 2, 68)
    labels/AFLW2000-3D-new.pose.npy  yaw, degrees, float32 (2000,): the paper's bins
    labels/AFLW2000-3D.pose.npy      yaw of the .mat files, degrees, wrapped values included
    AFLW2000-3D/imageNNNNN.{jpg,mat} the official folder (``AFLW2000/`` is accepted as well)
    released_predictions/*.npy       the authors' landmarks, float32 (2000, 68, 2), pixels
"""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from protocols.errors import BadInput, DatasetUnavailable
from protocols.matfile import read_mat
from protocols.types import InputFile, LandmarkProtocol

IMAGES = 2000
Truth = Literal["original", "reannotated"]
Bins = Literal["new-pose", "pose"]
HOW = "Get the labels with: python scripts/fetch.py aflw2000."
HOW_IMAGES = (
    "Ask for the photos at http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm "
    "and unpack them there."
)

_ROW_ORDER = "AFLW2000-3D_crop.list"
_TRUTH_FILES: Mapping[str, tuple[str, int]] = {
    "original": ("labels/AFLW2000-3D.pts68.npy", 3),
    "reannotated": ("labels/AFLW2000-3D-Reannotated.pts68.npy", 2),
}
_YAW_FILES: Mapping[str, str] = {
    "new-pose": "labels/AFLW2000-3D-new.pose.npy",
    "pose": "labels/AFLW2000-3D.pose.npy",
}
# Images a bin in the complete set, as published with each yaw file.
_BIN_COUNTS: Mapping[str, tuple[int, int, int]] = {
    "new-pose": (1306, 462, 232),
    "pose": (1312, 383, 305),
}
_NAME = re.compile(r"image\d{5}")


def load(
    root: Path,
    *,
    truth: Truth = "original",
    bins: Bins = "new-pose",
    subset: Path | None = None,
) -> LandmarkProtocol:
    """Read the npy labels of all 2,000 images, or of those that ``subset`` lists.

    Args:
        root: The data set's folder.
        truth: Which ground truth; the paper's Table 4 follows from ``original``.
        bins: Which yaw file; the paper's Table 4 follows from ``new-pose``.
        subset: A text file with one image name a line; every image by default.

    Raises:
        DatasetUnavailable: A label file is absent.
        BadInput: A file has another shape, a broken value, or other counts than published.
    """
    names, order = read_row_order(root)
    truth_file, axes = _TRUTH_FILES[truth]
    points = read_array(root / truth_file, (IMAGES, axes, 68), names)[:, :2].transpose(0, 2, 1)
    yaw_file = root / _YAW_FILES[bins]
    yaw = read_array(yaw_file, (IMAGES,), names)
    _check_boxes(root / truth_file, points, names)
    counts = tuple(len(positions) for positions in yaw_subsets(yaw).values())
    if counts != _BIN_COUNTS[bins]:
        raise BadInput(yaw_file, "yaw bins", f"{_BIN_COUNTS[bins]} images", f"{counts}")
    chosen, subset_inputs, what = _choose(names, subset)
    return LandmarkProtocol(
        name="AFLW2000-3D",
        rule=f"{truth} 68 points ({Path(truth_file).name}), "
        f"bins by |yaw| of {yaw_file.name}, {what}",
        images=tuple(names[row] for row in chosen),
        rows=chosen,
        landmarks=points[chosen],
        yaw_degrees=yaw[chosen],
        subsets=yaw_subsets(yaw[chosen]),
        inputs=(order, InputFile.of(root / truth_file), InputFile.of(yaw_file), *subset_inputs),
        complete=subset is None,
    )


def load_folder(root: Path, *, subset: Path | None = None) -> LandmarkProtocol:
    """Read the official folder of photos and ``.mat`` labels.

    The ``.mat`` files hold the original landmarks (``pt3d_68``) and the pose that the yaw file
    ``pose`` repeats in degrees; the paper's bins need the npy labels (:func:`load`).

    Args:
        root: The data set's folder, or the folder of the photos itself.
        subset: A text file with one image name a line. A folder that lacks some of the 2,000
            images is refused without it.

    Raises:
        DatasetUnavailable: There is no such folder.
        BadInput: An image has no labels, labels are broken, or the count is off.
    """
    folder = image_folder(root)
    names = tuple(sorted(path.stem for path in folder.glob("image*.jpg")))
    order: tuple[InputFile, ...] = ()
    official = names
    if len(names) != IMAGES:  # which of the 2,000 these are, only the list knows
        official, listed = read_row_order(root if folder != root else root.parent)
        order = (listed,)
    if subset is None and names != official:
        raise BadInput(
            folder,
            "photos",
            f"the {IMAGES} images of AFLW2000-3D, or --subset FILE with the names of a part",
            f"{len(set(names) & set(official))} of them",
        )
    chosen, subset_inputs, what = _choose(official, subset)
    images = tuple(official[row] for row in chosen)
    labels = [_read_mat(folder, image) for image in images]
    points = np.stack([landmarks for landmarks, _ in labels])
    pose = np.stack([angles for _, angles in labels])
    yaw = np.degrees(pose[:, 1].astype(np.float32)).astype(np.float64)
    return LandmarkProtocol(
        name="AFLW2000-3D",
        rule=f"original 68 points (pt3d_68 of the .mat files), bins by |yaw| of Pose_Para, {what}",
        images=images,
        rows=chosen,
        landmarks=points,
        yaw_degrees=yaw,
        subsets=yaw_subsets(yaw),
        inputs=(
            *order,
            *subset_inputs,
            *(InputFile.of(folder / f"{image}.mat") for image in images),
        ),
        complete=subset is None,
        pose=pose,
    )


def load_predictions(path: Path, protocol: LandmarkProtocol) -> Float64[np.ndarray, "n 68 2"]:
    """Read one landmark array of the authors' release: the protocol's rows, x and y in pixels.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: Another shape than (2000, 68, 2), or a value that is not finite.
    """
    return read_array(path, (IMAGES, 68, 2))[protocol.rows]


def yaw_subsets(yaw_degrees: Float64[np.ndarray, " n"]) -> dict[str, Int64[np.ndarray, " _"]]:
    """Split by |yaw| as the authors do: ≤30°, ≤60°, and everything above, wrapped angles too."""
    bins = np.digitize(np.abs(yaw_degrees), (30.0, 60.0), right=True)
    return {
        name: np.flatnonzero(bins == index) for index, name in enumerate(("0–30", "30–60", "60–90"))
    }


def image_folder(root: Path) -> Path:
    """The folder of photos below ``root``, or ``root`` itself.

    Raises:
        DatasetUnavailable: Neither holds a photo of the set.
    """
    for folder in (root / "AFLW2000-3D", root / "AFLW2000", root):
        if any(folder.glob("image*.jpg")):
            return folder
    raise DatasetUnavailable("AFLW2000-3D's photo folder", root / "AFLW2000-3D", HOW_IMAGES)


def read_row_order(root: Path) -> tuple[tuple[str, ...], InputFile]:
    """The image names (without ending) in the row order of the npy files, and the file."""
    path = root / _ROW_ORDER
    names = read_names(path)
    if len(names) != IMAGES:
        raise BadInput(path, "number of lines", str(IMAGES), str(len(names)))
    for line, (name, next_name) in enumerate(itertools.pairwise(names), 1):
        if name > next_name:
            raise BadInput(path, f"line {line + 1}", "names in order", f"{next_name} after {name}")
    return names, InputFile.of(path)


def read_names(path: Path) -> tuple[str, ...]:
    """Read image names, one a line, with or without ``.jpg``; ``#`` starts a comment.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: A line is no image name, or names an image twice; names the line.
    """
    if not path.is_file():
        how = HOW if path.name == _ROW_ORDER else "It has to be a text file, one name a line."
        raise DatasetUnavailable("the list of images", path, how)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(path, "", "UTF-8 text", str(error)) from error
    first: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        name = line.split("#", 1)[0].strip().removesuffix(".jpg")
        if not name:
            continue
        if not _NAME.fullmatch(name):
            raise BadInput(path, f"line {number}", "a name such as image00002.jpg", repr(line))
        if name in first:
            raise BadInput(
                path, f"line {number}", "each image once", f"{name} of line {first[name]}"
            )
        first[name] = number
    if not first:
        raise BadInput(path, "", "at least one image name", "none")
    return tuple(first)


def read_array(
    path: Path, shape: tuple[int, ...], names: tuple[str, ...] | None = None
) -> np.ndarray:
    """Read an npy file of real numbers as float64, checking shape and finiteness.

    Args:
        path: The file.
        shape: The shape that it has to have.
        names: Image names of the rows, for messages.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: It is truncated, no npy, of another shape, or holds a value that is not finite.
    """
    if not path.is_file():
        raise DatasetUnavailable(path.name, path, HOW)
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # a broken header raises many kinds, MemoryError among them
        raise BadInput(path, "", f"a whole npy array of shape {shape}", str(error)) from error
    if array.shape != shape or array.dtype.kind != "f":
        found = f"{array.dtype} {array.shape}"
        raise BadInput(path, "", f"a floating-point array of shape {shape}", found)
    broken = np.flatnonzero(~np.isfinite(array).reshape(shape[0], -1).all(axis=1))
    if len(broken):
        row = int(broken[0])
        record = f"row {row}" + (f" ({names[row]})" if names else "")
        raise BadInput(path, record, "finite numbers", f"NaN or infinity in {len(broken)} row(s)")
    return array.astype(np.float64)


def _choose(
    names: tuple[str, ...], subset: Path | None
) -> tuple[Int64[np.ndarray, " n"], tuple[InputFile, ...], str]:
    """Rows to keep, in row order; the files read; and the choice in words."""
    if subset is None:
        return np.arange(len(names)), (), f"all {len(names)} images"
    row_of = {name: row for row, name in enumerate(names)}
    wanted = read_names(subset)
    unknown = [name for name in wanted if name not in row_of]
    if unknown:
        raise BadInput(subset, unknown[0], "a name that is in AFLW2000-3D", "none of the 2,000")
    rows = np.sort(np.array([row_of[name] for name in wanted], dtype=np.int64))
    what = f"{len(rows)} of {len(names)} images listed in {subset.name}"
    return rows, (InputFile.of(subset),), what


def _read_mat(folder: Path, image: str) -> tuple[np.ndarray, np.ndarray]:
    """One image's landmarks (68, 2) in pixels and its pitch, yaw, roll in radians, float64."""
    photo, path = folder / f"{image}.jpg", folder / f"{image}.mat"
    if not photo.is_file():
        raise DatasetUnavailable(photo.name, photo, HOW_IMAGES)
    shapes = {"pt3d_68": (3, 68), "Pose_Para": (1, 7)}
    fields = read_mat(path, shapes, title=path.name, how=HOW_IMAGES, kinds="f")
    points = fields["pt3d_68"][:2].T.astype(np.float64)
    _check_boxes(path, points[None], (image,))
    return points, fields["Pose_Para"][0, :3].astype(np.float64)


def _check_boxes(path: Path, points: np.ndarray, names: tuple[str, ...]) -> None:
    """Refuse landmarks whose bounding box has no area: nothing can be normalised by it."""
    flat = np.flatnonzero((np.ptp(points, axis=1) <= 0).any(axis=1))
    if len(flat):
        row = int(flat[0])
        raise BadInput(
            path,
            f"row {row} ({names[row]})",
            "landmarks that span a box",
            "a box of zero area",
        )
