"""How often each detector finds the face: photos of AFLW2000-3D by yaw, and folders of photos.

A photo of AFLW2000-3D counts as found if a box overlaps the bounding box of its 68 labelled points
(intersection over union) by at least a given part. A photo of a folder has no labels: it counts if
any face is found in it.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from protocols.aflw2000 import HOW, image_folder, load
from protocols.errors import BadOption, DatasetUnavailable, PackageUnavailable
from protocols.roots import require_root, resolve_root
from protocols.types import InputFile
from recognizers.types import Device
from results.environment import current_environment
from results.export.ground import torch_device
from results.record import Cell, RunRecord
from results.tables.result import Result

if TYPE_CHECKING:  # the detectors are imported when something is computed
    from cfr.landmarks.face import FoundFace, Landmarker

Detector = Literal["dlib-hog", "dlib", "retinaface", "insightface"]
_NOTES = (
    "Intervals: Wilson, 95 %.",
    "dlib-hog: gradients after doubling the photo once. dlib: the same, and its network (mmod) "
    "where that finds nothing. retinaface: mobilenet0.25, probability above 0.5.",
    "A folder has no labels: a false alarm beside a missed face would count as found.",
)
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class Detection:
    """Detection rates (%) on AFLW2000-3D by yaw bin, and on folders of photos of one face each."""

    detectors: tuple[Detector, ...] = ("dlib-hog", "dlib", "retinaface")
    """Which detectors; dlib is dlib-hog, and its network where that finds nothing."""
    folder: tuple[str, ...] = ()
    """Folders of photos as NAME=DIR, for example masked=photos/with_mask; searched in depth."""
    root: Path | None = None
    """Folder of AFLW2000-3D; beats CFR_DATA, data.toml and data/aflw2000."""
    weights: Path | None = None
    """Folder of RetinaFace's weights; beats CFR_DATA, data.toml and data/mobilefacenet."""
    every: int = 1
    """Take every so many photos of AFLW2000-3D that are there; 0 leaves the set out."""
    overlap: float = 0.3
    """Least intersection over union of a found box and the labelled points' bounding box."""
    device: Device = "cpu"
    """Where networks run; dlib's runs where it was built for."""

    def __post_init__(self) -> None:
        """Refuse what nothing could be measured with, before any photo is read."""
        if self.every < 0:
            raise BadOption(f"--every {self.every}", "0 or more")
        if not 0 < self.overlap < 1:
            raise BadOption(f"--overlap {self.overlap}", "a part between 0 and 1")
        if not self.detectors or len(set(self.detectors)) < len(self.detectors):
            raise BadOption("--detectors", "at least one, each once")
        if not self.every and not self.folder:
            raise BadOption("--every 0", "a --folder NAME=DIR to look at instead")
        names = [_split(one)[0] for one in self.folder]
        if len(set(names)) < len(names):
            raise BadOption("--folder", "another name for each folder")


@dataclass(frozen=True, eq=False)
class _Group:
    """Photos of one column; ``boxes`` are those of the labelled points, where there are any."""

    name: str
    photos: tuple[Path, ...]
    boxes: np.ndarray | None = None


def compute(config: Detection) -> Result:
    """Run every detector on every photo.

    Raises:
        DatasetUnavailable: AFLW2000-3D's labels or photos, or a folder, are absent.
        BadInput: A photo or a label file is broken.
        BadOption: There is no such device.
    """
    started = time.perf_counter()
    device = torch_device(config.device)
    groups, inputs, there = _groups(config)
    cells: list[Cell] = []
    weights: dict[str, str] = {}
    for name in config.detectors:
        try:
            detector = _load(name, config, device)
        except (PackageUnavailable, DatasetUnavailable) as error:
            cells += _unavailable(name, groups, str(error))
            continue
        weights |= {path.name: InputFile.of(path).sha256 for path in _weight_files(name, config)}
        cells += [_cell(name, group, _found(detector, group, config)) for group in groups]
    record = RunRecord(
        table="detection",
        title="Photos in which the face is found, %",
        rule=f"AFLW2000-3D: a found box overlaps the bounding box of the original 68 points by at "
        f"least {config.overlap:g} (intersection over union), bins by |yaw| of new-pose; folders: "
        f"any face is found",
        columns=tuple(group.name for group in groups),
        rows=config.detectors,
        cells=tuple(cells),
        notes=_NOTES,
        config=_plain(config),
        inputs=inputs,
        seed=0,
        seconds=time.perf_counter() - started,
        environment=current_environment(device=device),
        weights=weights,
        status=_status(config, there),
    )
    return Result(record)


def _groups(config: Detection) -> tuple[list[_Group], dict[str, str], int]:
    """The columns, the digests of the label files, and how many photos of the set are there."""
    groups: list[_Group] = []
    inputs: dict[str, str] = {}
    there = 0
    if config.every:
        groups, inputs, there = _yaw_groups(config)
    for one in config.folder:
        name, folder = _split(one)
        photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
        if not photos:
            how = f"A folder of photos ({', '.join(ENDINGS)}) is needed."
            raise DatasetUnavailable(f"the photos of --folder {name}", folder, how)
        groups.append(_Group(name, tuple(photos)))
    return groups, inputs, there


def _yaw_groups(config: Detection) -> tuple[list[_Group], dict[str, str], int]:
    root = require_root("aflw2000", "AFLW2000-3D", HOW, config.root)
    protocol, folder = load(root), image_folder(root)
    photos = [folder / f"{name}.jpg" for name in protocol.images]
    there = np.array([path.is_file() for path in photos])
    taken = np.zeros(len(photos), bool)
    taken[np.flatnonzero(there)[:: config.every]] = True
    boxes = np.concatenate((protocol.landmarks.min(1), protocol.landmarks.max(1)), axis=1)
    groups = []
    for name, rows in protocol.subsets.items():
        rows = rows[taken[rows]]
        if not len(rows):
            raise BadOption(
                f"--every {config.every}", f"few enough left out: |yaw| {name}° is empty"
            )
        chosen = tuple(photos[row] for row in rows)
        groups.append(_Group(f"yaw {name}°", chosen, boxes[rows]))
    inputs = {one.path.name: one.sha256 for one in protocol.inputs}
    return groups, inputs, int(there.sum())


def _load(name: Detector, config: Detection, device: str) -> "Landmarker":
    from cfr.landmarks.sources import load_landmarker

    root = config.weights if name == "retinaface" else None
    return load_landmarker(name, root, device=device)


def _weight_files(name: Detector, config: Detection) -> list[Path]:
    from cfr.landmarks import retinaface, with_dlib, with_insightface

    if name == "retinaface":
        return [resolve_root("mobilefacenet", config.weights).path / retinaface.FILE]
    if name == "insightface":
        return sorted(with_insightface.find_pack().glob("*.onnx"))
    network = [with_dlib.NETWORK_FILE] if name == "dlib" else []
    return [with_dlib.weights(file) for file in network]


def _found(detector: "Landmarker", group: _Group, config: Detection) -> int:
    """In how many photos of a group the face is found."""
    from rich.console import Console
    from rich.progress import track

    from protocols.images import read_image

    console = Console(stderr=True)
    shown = track(
        enumerate(group.photos),
        f"{detector.name}, {group.name}",
        total=len(group.photos),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    found = 0
    for index, path in shown:
        faces = detector(read_image(path), path)
        if group.boxes is None:
            found += bool(faces)
        else:
            found += any(_matches(face, group.boxes[index], config.overlap) for face in faces)
    return found


def _matches(face: "FoundFace", box: np.ndarray, overlap: float) -> bool:
    """Whether intersection over union reaches ``overlap``."""
    shared = np.minimum(face.box[2:], box[2:]) - np.maximum(face.box[:2], box[:2])
    both = np.prod(np.clip(shared, 0, None))
    union = np.prod(face.size) + np.prod(box[2:] - box[:2]) - both
    return bool(both >= overlap * union)


def _cell(row: str, group: _Group, found: int) -> Cell:
    from scipy.stats import binomtest

    count = len(group.photos)
    interval = binomtest(found, count).proportion_ci(method="wilson")
    return Cell(
        row=row,
        column=group.name,
        value=100 * found / count,
        origin="measured on real data",
        n=count,
        interval=(100 * float(interval.low), 100 * float(interval.high)),
    )


def _unavailable(row: str, groups: list[_Group], reason: str) -> Iterator[Cell]:
    for group in groups:
        yield Cell(row, group.name, None, "unavailable", n=len(group.photos), reason=reason)


def _split(one: str) -> tuple[str, Path]:
    name, equals, folder = one.partition("=")
    if not (name and equals and folder):
        raise BadOption(f"--folder {one}", "NAME=DIR")
    return name, Path(folder).expanduser()


def _plain(config: Detection) -> Mapping[str, str | int | float]:
    """The configuration without paths of this machine."""
    return {
        "detectors": ", ".join(config.detectors),
        "folders": ", ".join(_split(one)[0] for one in config.folder),
        "every": config.every,
        "overlap": config.overlap,
        "device": config.device,
    }


def _status(config: Detection, there: int) -> str:
    if not config.every:
        return "without AFLW2000-3D"
    if there == 2000 and config.every == 1:
        return "complete"
    return f"every {config.every}. of the {there:,} photos of AFLW2000-3D that are there"
