"""Labelled faces for a recognizer's training: found, parted into trained-on and held-out people."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from protocols.casia import load_folders, load_records
from protocols.errors import BadInput, DatasetUnavailable
from protocols.people_folder import People, Wanted, draw_pairs
from protocols.photos import FolderPhotos
from protocols.record_photos import RecordPhotos
from protocols.roots import is_dir, is_file
from protocols.types import Pairs, Samples, Templates, TrainingFaces, VerificationProtocol
from recognizers.templates import arcface
from results.export.faces import cut
from results.training.recognizer_options import CASIA, Layout

HELD_OUT = "held out"
"""What the people that are not trained on are called."""
_RECORDS = "train.rec"
_HOW = (
    "It has to be a folder with train.rec, train.idx and property, or with a folder of aligned "
    "crops for each person."
)
_PAIRS_OF_ONE = 10


@dataclass(frozen=True)
class Crop:
    """From a photo to what the network sees.

    Attributes:
        size: Pixels a side.
        flip: Share of photos that are mirrored.
    """

    size: int
    flip: float

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator
    ) -> UInt8[np.ndarray, "s s 3"]:
        """Resize an aligned crop as the pipeline does, and perhaps mirror it.

        Raises:
            ValueError: It is not square.
        """
        height, width = photo.shape[:2]
        if height != width:
            raise ValueError(f"{height} × {width} pixels, which is no aligned, square crop")
        mirrored = rng.random() < self.flip
        if height != self.size:
            photo = cut(photo, None, arcface(self.size), smooth=True)[0]
        return photo[:, ::-1] if mirrored else photo


@dataclass(frozen=True, eq=False)
class LabelledFaces:
    """Faces to train on, and people to validate with.

    Attributes:
        faces: All of them.
        where: Their folder or file, for messages.
        digest: Names them by names, labels, and the packed file's size.
        rows: ``(n,)`` the photos that are trained on.
        labels: ``(n,)`` their classes, from 0.
        classes: How many.
        aside: ``(k,)`` the photos of held-out people.
    """

    faces: TrainingFaces
    where: Path
    digest: str
    rows: Int64[np.ndarray, " n"]
    labels: Int64[np.ndarray, " n"]
    classes: int
    aside: Int64[np.ndarray, " k"]

    @property
    def words(self) -> str:
        """What is trained on, for a card."""
        held = len(self.faces.identities) - self.classes
        told = f"{self.faces.name}: {self.faces.rule}, {len(self.rows):,} photos of "
        told += f"{self.classes:,} identities ({self.faces.counted}; digest {self.digest[:16]})"
        alone = int((np.bincount(self.labels, minlength=self.classes) == 1).sum())
        told += f"; {alone:,} identities have one photo" if alone else ""
        return told + (f"; {held:,} identities are for validation alone" if held else "")


def load_labelled(data: str, layout: Layout, hold_out: int) -> LabelledFaces:
    """Find faces, and hold every so-manieth identity out.

    Args:
        data: A folder, or ``casia``.
        layout: Which of the two kinds it is.
        hold_out: 0 for nobody.

    Raises:
        DatasetUnavailable: There is no such folder, or no faces in it.
        BadInput: It is a file, files are malformed, labels are out of range, or there are fewer
            than two identities to train on.
    """
    faces = _load(data, layout)
    where, content = _place(faces)
    content.update(np.ascontiguousarray(faces.labels, "<i4").tobytes())
    for one in faces.inputs:
        content.update(one.sha256.encode())
    count = len(faces.identities)
    kept = np.ones(count, bool)
    if hold_out:
        kept = np.arange(count) % hold_out != hold_out - 1
    if kept.sum() < 2:
        expected = "two identities or more to train on"
        raise BadInput(where, "", expected, f"{int(kept.sum())} of {count}")
    kept_photos = kept[np.asarray(faces.labels)]
    rows, renamed = np.flatnonzero(kept_photos), np.cumsum(kept) - 1
    return LabelledFaces(
        faces=faces,
        where=where,
        digest=content.hexdigest(),
        rows=rows,
        labels=renamed[faces.labels[rows]].astype(np.int64),
        classes=int(kept.sum()),
        aside=np.flatnonzero(~kept_photos),
    )


def held_out_protocol(data: LabelledFaces, seed: int) -> VerificationProtocol:
    """Pairs of the people that are not trained on, as LFW has them: ten folds if there are enough.

    Args:
        data: The faces.
        seed: Draws the pairs.

    Raises:
        BadInput: None of them has two photos, or there are fewer than two.
    """
    people: dict[str, tuple[str, ...]] = {}
    for row in data.aside.tolist():
        name = str(data.faces.identities[int(data.faces.labels[row])])
        people[name] = (*people.get(name, ()), str(row))
    if len(people) < 2:
        expected = "two held-out identities or more; a smaller --hold-out keeps more"
        raise BadInput(data.where, "", expected, f"{len(people)}")
    drawn = draw_pairs(
        People(data.where, people, 0), Wanted(folds=10, genuine=_PAIRS_OF_ONE, seed=seed)
    )
    photo = np.unique([int(one) for pair in drawn.pairs for one in pair[:2]]).astype(np.int32)
    place = {str(row): at for at, row in enumerate(photo.tolist())}
    fold = np.array([pair.fold for pair in drawn.pairs], np.int32) if drawn.folds else None
    return VerificationProtocol(
        name=HELD_OUT,
        rule=f"at most {_PAIRS_OF_ONE} genuine pairs an identity, as many impostor pairs",
        samples=Samples(data.faces.photos, photo, np.zeros(len(photo), bool)),
        templates=Templates.single(np.asarray(data.faces.labels)[photo].astype(np.int64)),
        pairs=Pairs(
            left=np.array([place[pair.left] for pair in drawn.pairs], np.int32),
            right=np.array([place[pair.right] for pair in drawn.pairs], np.int32),
            genuine=np.array([pair.genuine for pair in drawn.pairs]),
            fold=fold,
        ),
        counted="as many as there are",
        inputs=(),
    )


def _load(data: str, layout: Layout) -> TrainingFaces:
    if data == CASIA:
        from results.loading import Source, load

        (found,) = load(Source(CASIA))
        if not isinstance(found, TrainingFaces):
            raise TypeError(f"{CASIA}: {type(found).__name__}")
        return found
    folder = Path(data).expanduser()
    if not is_dir(folder):
        if folder.exists():
            raise BadInput(folder, "", "a folder of training faces", "a file")
        raise DatasetUnavailable("the training faces", folder, _HOW)
    name = folder.resolve().name
    if layout == "records" or (layout == "auto" and is_file(folder / _RECORDS)):
        return load_records(folder, name)
    return load_folders(folder, name)


def _place(faces: TrainingFaces) -> "tuple[Path, hashlib._Hash]":
    """Where photos are, and the beginnings of a digest of them."""
    photos, content = faces.photos, hashlib.sha256()
    if isinstance(photos, RecordPhotos):
        path = photos.file.path
        content.update(f"{path.name} {path.stat().st_size}\n".encode())
        return path, content
    if not isinstance(photos, FolderPhotos):
        raise TypeError(f"photos: {type(photos).__name__}")
    content.update("\n".join(photos.names).encode())
    return photos.root, content
