"""Real photos where none were named: of data roots that are there, or insightface's own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from cfr.landmarks.face import Landmarker
from protocols import aflw2000, lfw, masked_pairs
from protocols.errors import DatasetUnavailable
from protocols.images import read_image
from protocols.photos import FolderPhotos
from protocols.roots import is_dir, resolve_root
from results.demonstration import group_photo
from results.export.work import Show
from results.figures.landmarks import evenly_chosen
from results.pictures.found import PhotoFile, show_photos
from results.pictures.options import Kind
from results.pictures.types import Chosen, Face
from results.tables.table4_photos import at_hand

GetLandmarker = Callable[[], Landmarker]
_TURNED, _COVERED = ("aflw2000", "lfw"), ("masked-pairs", "lfw")
PREFERRED: Mapping[Kind, Sequence[Sequence[str]]] = {
    "plain": (("aflw2000", "lfw"),),
    "turned": (_TURNED,),
    "occluded": (_COVERED,),
    "both": (_TURNED, _COVERED),
}
"""For each kind of figure: from each of these lists the first data set that is there."""
_TURNED_DEGREES = (30.0, 60.0)
LICENSED = "Not to be passed on: the photos are licensed."


def data_sets(kind: Kind) -> list[str]:
    """The data sets that a figure would show, each once; empty if no root is there."""
    found: list[str] = []
    for names in PREFERRED[kind]:
        there = (name for name in names if is_dir(resolve_root(name).path))
        found += [name for name in there if name not in found][:1]
    return found


def real_photos(kind: Kind, count: int, landmarker: GetLandmarker, show: Show) -> Chosen:
    """Faces of those data sets, in equal parts; of insightface's group photo if there are none.

    Raises:
        DatasetUnavailable: There is not even that photo, or a root lacks what it should have.
        PackageUnavailable: What finds faces is not installed.
        BadInput: A file is malformed, or there is no face in the photos.
    """
    names = data_sets(kind)[:count]
    if not names:
        path = group_photo()
        file = PhotoFile(path, path.name)
        whose = "The group photo that comes with insightface"
        return show_photos([file], count, landmarker(), whose, show)
    shares = [len(part) for part in np.array_split(np.arange(count), len(names))]
    parts = [
        _LOADERS[name](resolve_root(name).path, kind, share, landmarker, show)
        for name, share in zip(names, shares, strict=True)
    ]
    return _joined(parts)


def _aflw2000(root: Path, kind: Kind, count: int, landmarker: GetLandmarker, show: Show) -> Chosen:
    folder = aflw2000.image_folder(root)
    protocol = at_hand(aflw2000.load(root), folder, listed=False)
    rows, which = np.arange(len(protocol.images)), "photos"
    if kind != "plain":
        low, high = _TURNED_DEGREES
        yaw = np.abs(protocol.yaw_degrees)
        rows, which = np.flatnonzero((yaw >= low) & (yaw <= high)), f"with |yaw| {low:g}–{high:g}°"
    chosen = evenly_chosen(rows, count)
    faces = []
    with show("reading AFLW2000-3D", len(chosen)) as advance:
        for row in chosen:
            name, yaw = protocol.images[row], float(protocol.yaw_degrees[row])
            about = {"file": f"{name}.jpg", "yaw_degrees": round(yaw, 2)}
            photo = read_image(folder / f"{name}.jpg")
            faces.append(Face(f"{name}.jpg", photo, protocol.landmarks[row], about))
            advance(1)
    return Chosen(
        faces=tuple(faces),
        world="real",
        told=f"AFLW2000-3D: {len(faces)} of {len(rows):,} {which}, spread evenly over the order of "
        f"its list, none chosen by eye. {LICENSED}",
        points="AFLW2000-3D's labels",
        labelled=True,
    )


def _masked_pairs(
    root: Path, kind: Kind, count: int, landmarker: GetLandmarker, show: Show
) -> Chosen:
    files = [PhotoFile(one.masked, one.masked.name, one.plain) for one in masked_pairs.load(root)]
    whose = "Photos with masks pasted on, clip art (prajnasb/observations)"
    return show_photos(files, count, landmarker(), whose, show)


def _lfw(root: Path, kind: Kind, count: int, landmarker: GetLandmarker, show: Show) -> Chosen:
    """Of its pairs: the generators of ``assets/`` were trained on people who are in none."""
    samples = lfw.load(root, missing="failure-to-enrol").samples
    photos = samples.photos
    if not isinstance(photos, FolderPhotos):
        raise TypeError(f"LFW's photos: expected a folder, found {type(photos).__name__}")
    shown: list[int] = np.unique(samples.photo[~samples.absent]).tolist()
    names = [photos.names[at] for at in shown]
    files = [PhotoFile(photos.root / one, Path(one).name) for one in names]
    if not files:
        raise DatasetUnavailable("a photo of LFW", photos.root, lfw.HOW)
    return show_photos(files, count, landmarker(), "Photos of LFW's pairs", show)


_LOADERS: Mapping[str, Callable[[Path, Kind, int, GetLandmarker, Show], Chosen]] = {
    "aflw2000": _aflw2000,
    "masked-pairs": _masked_pairs,
    "lfw": _lfw,
}


def _joined(parts: Sequence[Chosen]) -> Chosen:
    """One after the other; what is said about each stands once."""
    if len(parts) == 1:
        return parts[0]
    return Chosen(
        faces=tuple(face for part in parts for face in part.faces),
        world="real",
        told=" ".join(part.told for part in parts),
        points=" and ".join(dict.fromkeys(part.points for part in parts)),
        labelled=all(part.labelled for part in parts),
        left_out=tuple(one for part in parts for one in part.left_out),
    )
