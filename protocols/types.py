"""The types that flow out of the loaders. Every array is numpy; nothing here knows torch."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from protocols.photos import PackedPhotos, Photos


@dataclass(frozen=True)
class InputFile:
    """A file that a result was computed from.

    Attributes:
        path: Where it was read.
        sha256: Its digest, 64 hexadecimal digits.
    """

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "InputFile":
        """Digest the file at ``path``."""
        with path.open("rb") as file:
            return cls(path, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(frozen=True)
class LandmarkProtocol:
    """Images with ground-truth landmarks, split into named subsets.

    Attributes:
        name: The data set's name, as reported in tables.
        rule: Which labels these are (ground truth, pose source, subset), in words for a table.
        images: File names, in row order; ``n`` of them, unique.
        rows: Each image's row in the complete data set, so that predictions for all of it can be
            indexed; ``0 … n−1`` when the protocol is complete.
        landmarks: ``(n, 68, 2)`` ground-truth x, y in pixels of the full photo.
        yaw_degrees: ``(n,)`` yaw in degrees, as published (wrapped angles occur).
        subsets: Positions (into ``images``) of each named subset, in table order.
        inputs: The files that were read, with digests.
        complete: False when an explicit list left images out; a table has to say so.
        pose: ``(n, 3)`` pitch, yaw, roll in radians as published, where the labels hold them.
    """

    name: str
    rule: str
    images: tuple[str, ...]
    rows: Int64[np.ndarray, " n"]
    landmarks: Float64[np.ndarray, "n 68 2"]
    yaw_degrees: Float64[np.ndarray, " n"]
    subsets: Mapping[str, Int64[np.ndarray, " _"]]
    inputs: tuple[InputFile, ...]
    complete: bool
    pose: Float64[np.ndarray, "n 3"] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name the protocol by its content: equal digests score equal predictions equally."""
        content = hashlib.sha256("\n".join(self.images).encode())
        content.update(np.ascontiguousarray(self.landmarks, "<f8").tobytes())
        for subset, positions in self.subsets.items():
            content.update(subset.encode())
            content.update(np.ascontiguousarray(positions, "<i8").tobytes())
        object.__setattr__(self, "digest", content.hexdigest())


@dataclass(frozen=True, eq=False)
class Samples:
    """The faces that a protocol asks for: what is embedded, once each.

    Attributes:
        photos: Where the pictures are.
        photo: ``(n,)`` which picture each face is in; several faces may share one.
        absent: ``(n,)`` pictures that are not there, where that is to be counted: such a face is a
            failure to enrol.
        boxes: ``(n, 4)`` x, y, width, height in pixels of the picture as published, where the
            protocol has them; NaN where it leaves one blank.
        landmarks: ``(n, 5, 2)`` x, y in pixels as published: the eye on the image's left, the one
            on its right, nose, mouth corners likewise; NaN where unknown.
        scores: ``(n,)`` the published detector's confidence, where there is one.
    """

    photos: Photos
    photo: Int32[np.ndarray, " n"]
    absent: Bool[np.ndarray, " n"]
    boxes: Float32[np.ndarray, "n 4"] | None = None
    landmarks: Float32[np.ndarray, "n 5 2"] | None = None
    scores: Float32[np.ndarray, " n"] | None = None

    def __len__(self) -> int:
        return len(self.photo)

    @classmethod
    def whole(cls, photos: Photos, absent: Bool[np.ndarray, " n"]) -> "Samples":
        """One face a picture, and nothing known of where it is."""
        return cls(photos, np.arange(len(photos.names), dtype=np.int32), absent)


@dataclass(frozen=True, eq=False)
class Templates:
    """Which faces stand together for a person: ``t`` templates, ``m`` memberships.

    Attributes:
        ids: ``(t,)`` the official numbers, ascending.
        subjects: ``(t,)`` whose face it is; −1 where the protocol does not say.
        sample: ``(m,)`` a face (into the samples) …
        template: ``(m,)`` … belongs to a template (into ``ids``) …
        media: ``(m,)`` … in this medium: a still, or a video whose frames share the number.
            The same number in another template is another medium.
    """

    ids: Int64[np.ndarray, " t"]
    subjects: Int64[np.ndarray, " t"]
    sample: Int32[np.ndarray, " m"]
    template: Int32[np.ndarray, " m"]
    media: Int64[np.ndarray, " m"]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def single(cls, subjects: Int64[np.ndarray, " n"]) -> "Templates":
        """Every face a template of its own, as in LFW."""
        each = np.arange(len(subjects), dtype=np.int32)
        return cls(each.astype(np.int64), subjects, each, each, each.astype(np.int64))

    def enrolled(self, absent: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " t"]:
        """Which templates have at least one face that is there."""
        count = np.bincount(self.template[~absent[self.sample]], minlength=len(self))
        return count > 0


@dataclass(frozen=True, eq=False)
class Pairs:
    """Comparisons of two templates.

    Attributes:
        left: ``(p,)`` positions of templates.
        right: ``(p,)`` positions of templates.
        genuine: ``(p,)`` whether both are the same person.
        fold: ``(p,)`` the part for cross-validation, from 0, where the protocol has parts.
    """

    left: Int32[np.ndarray, " p"]
    right: Int32[np.ndarray, " p"]
    genuine: Bool[np.ndarray, " p"]
    fold: Int32[np.ndarray, " p"] | None = None

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, eq=False)
class VerificationProtocol:
    """1:1: are these two the same person?

    Attributes:
        name: The data set's name, as reported in tables.
        rule: Which list, split and release this is, in words for a table.
        samples: The faces to embed.
        templates: How faces make templates.
        pairs: What is compared.
        counted: By which counts this was checked, in words for a table.
        inputs: The files that were read, with digests.
        split: Which of several splits this is; results of splits are averaged, never pooled.
        digest: Names the protocol by its content.
    """

    name: str
    rule: str
    samples: Samples
    templates: Templates
    pairs: Pairs
    counted: str
    inputs: tuple[InputFile, ...]
    split: int | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it by its content: equal digests score equal embeddings equally."""
        pairs = self.pairs
        fold = () if pairs.fold is None else (pairs.fold,)
        arrays = (*_contents(self.templates), pairs.left, pairs.right, pairs.genuine, *fold)
        digest = _digest(self.samples, arrays)
        object.__setattr__(self, "digest", digest)


@dataclass(frozen=True, eq=False)
class IdentificationProtocol:
    """1:N: who is this? A probe's person need not be in a gallery (open set).

    Attributes:
        name: The data set's name, as reported in tables.
        rule: Which list, split and release this is, in words for a table.
        samples: The faces to embed.
        templates: How faces make templates; their ``subjects`` are known.
        galleries: Each gallery's templates, by position. They are searched one at a time: merged,
            no probe would be left whose person is unknown.
        probes: Each gallery's probes, by position of the template.
        counted: By which counts this was checked, in words for a table.
        inputs: The files that were read, with digests.
        split: Which of several splits this is; results of splits are averaged, never pooled.
        digest: Names the protocol by its content.
    """

    name: str
    rule: str
    samples: Samples
    templates: Templates
    galleries: Mapping[str, Int32[np.ndarray, " _"]]
    probes: Mapping[str, Int32[np.ndarray, " _"]]
    counted: str
    inputs: tuple[InputFile, ...]
    split: int | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it by its content: equal digests score equal embeddings equally."""
        lists = [
            one for name in self.galleries for one in (self.galleries[name], self.probes[name])
        ]
        digest = _digest(self.samples, (*_contents(self.templates), *lists), list(self.galleries))
        object.__setattr__(self, "digest", digest)


@dataclass(frozen=True, eq=False)
class ExpressionProtocol:
    """Which expression does this face have?

    Attributes:
        name: The data set's name, as reported in tables.
        rule: Which lists this is, in words for a table.
        samples: The faces, one a photo.
        labels: ``(n,)`` positions in ``classes``.
        classes: The names of the expressions.
        subsets: Positions of each subset's photos (``train``, ``test``, …), in table order. A
            list that names a photo twice counts it twice, as published results do.
        counted: By which counts this was checked, in words for a table.
        inputs: The files that were read, with digests.
        digest: Names the protocol by its content.
    """

    name: str
    rule: str
    samples: Samples
    labels: Int64[np.ndarray, " n"]
    classes: tuple[str, ...]
    subsets: Mapping[str, Int32[np.ndarray, " _"]]
    counted: str
    inputs: tuple[InputFile, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it by its content."""
        words = [*self.classes, *self.subsets]
        digest = _digest(self.samples, (self.labels, *self.subsets.values()), words)
        object.__setattr__(self, "digest", digest)


@dataclass(frozen=True, eq=False)
class TrainingFaces:
    """Labelled faces to train a recognizer on.

    Attributes:
        name: The data set's name.
        rule: Which release this is, in words for a table.
        photos: The pictures, one face each.
        labels: ``(n,)`` positions in ``identities``.
        identities: What the data set calls each person.
        counted: By which counts this was checked, in words for a table.
        inputs: The files that were read, with digests.
    """

    name: str
    rule: str
    photos: Photos
    labels: Int32[np.ndarray, " n"]
    identities: Sequence[str]
    counted: str
    inputs: tuple[InputFile, ...]


def _contents(templates: Templates) -> tuple[np.ndarray, ...]:
    """The whole-number arrays of templates, in a fixed order."""
    one = templates
    return one.ids, one.subjects, one.sample, one.template, one.media


def _digest(samples: Samples, arrays: Iterable[np.ndarray], words: Iterable[str] = ()) -> str:
    """sha256 over the pictures' names, where the faces are in them, and whole-number arrays.

    Pictures that a packed file holds have no names: their bytes count. Which photos are absent does
    not: that is a matter of the machine.
    """
    content = hashlib.sha256("\n".join([*samples.photos.names, "", *words]).encode())
    if isinstance(samples.photos, PackedPhotos):
        for picture in samples.photos.contents:
            content.update(hashlib.sha256(picture).digest())
    where = (samples.boxes, samples.landmarks, samples.scores)
    for array in (samples.photo, *where, *arrays):
        if array is None:
            content.update(b"none")
            continue
        kind = "<f4" if array.dtype.kind == "f" else "?" if array.dtype == bool else "<i8"
        content.update(f"{array.shape}{kind}".encode())
        for start in range(0, len(array), 1 << 20):  # widened a block at a time
            content.update(np.ascontiguousarray(array[start : start + (1 << 20)], kind).tobytes())
    return content.hexdigest()
