"""Blocks of pictures in, their versions out: the map stage; it runs in any process."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.align import align_deep3d, five_from_68
from cfr.frontalizers.painting import PaintingFrontalizer
from cfr.frontalizers.poses import Pose
from cfr.frontalizers.types import Restored
from protocols.images import encode_jpeg
from recognizers.templates import Template
from results.augmenting.orders import AugmentOrder, turner
from results.augmenting.versions import Version
from results.export.faces import cut, restored_points
from results.export.ground import Ground, OtherWeights, digest, one_thread
from results.export.stages import Photo

_PICTURE = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True, eq=False)
class FaceToTurn:
    """A picture that versions are made of.

    Attributes:
        photo: The picture.
        points: ``(68, 2)`` in its pixels.
        versions: Which.
    """

    photo: Photo
    points: Float64[np.ndarray, "68 2"]
    versions: tuple[Version, ...]


@dataclass
class Turned:
    """What came of a picture.

    Attributes:
        contents: Each version, encoded.
        why: Why there is none, in words; empty if there is.
    """

    contents: list[bytes] = field(default_factory=list)
    why: str = ""


@dataclass(frozen=True)
class Turn:
    """Make the versions of pictures.

    Attributes:
        order: How.
        expected: Digest of the method's identity: a worker refuses to answer with another one.
        ground: What else has to be the same wherever it runs.
    """

    order: AugmentOrder
    expected: str
    ground: Ground

    def __call__(self, block: Sequence[FaceToTurn]) -> list[Turned]:
        """The versions of each picture.

        Raises:
            BadInput: A picture is damaged.
            OtherWeights: This process would answer differently than the command's own.
        """
        self.ground.check(self.order.method)
        ours = turner(self.order)
        if digest(ours.identity) != self.expected:
            raise OtherWeights(
                f"{self.order.method}: a worker has other weights than this command. Every worker "
                "needs the same at the same path."
            )
        with nullcontext() if self.order.device == "cuda" else one_thread():
            photos = [face.photo.read() for face in block]
            found = [Turned(why=_unfit(face.points)) for face in block]
            wanted = [
                (at, version)
                for at, (face, one) in enumerate(zip(block, found, strict=True))
                if not one.why
                for version in face.versions
            ]
            made = self._made(photos, block, wanted)
            for (at, _), (picture, miss) in zip(wanted, made, strict=True):
                if not miss <= self.order.worst:  # what is no number is no fit
                    found[at] = Turned(why=f"the fit misses the points by {miss:.1f} pixels")
                elif not found[at].why:
                    found[at].contents.append(encode_jpeg(picture, self.order.quality))
        return found

    def _made(
        self,
        photos: Sequence[_PICTURE],
        block: Sequence[FaceToTurn],
        wanted: Sequence[tuple[int, Version]],
    ) -> list[tuple[_PICTURE, float]]:
        """Each version, in the set's own alignment, and how far the fit was off."""
        made: dict[int, tuple[_PICTURE, float]] = {}
        own = [at for at, (_, version) in enumerate(wanted) if version.kind == "deoccluded"]
        rest = [at for at in range(len(wanted)) if at not in set(own)]
        ours = turner(self.order)
        given = [photos[wanted[at][0]] for at in rest]
        points = [block[wanted[at][0]].points for at in rest]
        poses = [_pose(wanted[at][1]) for at in rest]
        for at, photo, one in zip(
            rest, given, ours.restore_many(given, points, poses), strict=True
        ):
            made[at] = self._placed(one, photo), _number(one.miss)
        if own and isinstance(ours, PaintingFrontalizer):
            given = [photos[wanted[at][0]] for at in own]
            points = [block[wanted[at][0]].points for at in own]
            for at, one in zip(own, ours.deocclude_many(given, points), strict=True):
                made[at] = one.photo, _number(one.miss)
        return [made[at] for at in range(len(wanted))]

    def _placed(self, one: Restored, photo: _PICTURE) -> _PICTURE:
        """A restored face where faces lie in the set's pictures."""
        if not np.isfinite(one.points).all():  # no fit; it is told by the miss
            return one.image
        image = one.image
        if self.order.black and one.covered is not None:
            image = np.where(one.covered[..., None], image, np.uint8(0))
        template = template_of(self.order, photo)
        return cut(image, restored_points(one.points), template, smooth=True)[0]


def template_of(order: AugmentOrder, photo: _PICTURE) -> Template:
    """Where the five points belong in a picture as large as this one."""
    height, width = photo.shape[:2]
    points = tuple((x * width / 112, y * height / 112) for x, y in order.template)
    return Template("set", width, height, points)


def _unfit(points: Float64[np.ndarray, "68 2"]) -> str:
    """Why nothing can be fitted to these points; empty if it can."""
    try:
        align_deep3d(five_from_68(points))
    except ValueError as error:
        return str(error)
    return ""


def _pose(version: Version) -> Pose:
    yaw = float(np.radians(version.yaw or 0.0))
    return Pose(yaw, None if version.pitch is None else float(np.radians(version.pitch)))


def _number(miss: float | None) -> float:
    return float("nan") if miss is None else miss
