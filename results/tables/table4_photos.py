"""AFLW2000-3D's photos as Table 4 shows them to models: as they are, and with hands drawn in.

What is drawn is recorded, one JSON text a line, so that anyone can draw it again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.occluders.hand import Hand
from cfr.occluders.kinds import occlude
from protocols.aflw2000 import HOW_IMAGES
from protocols.errors import DatasetUnavailable
from protocols.images import read_image
from protocols.types import LandmarkProtocol

Condition = Literal["original", "occluded"]
CONDITIONS: tuple[Condition, ...] = ("original", "occluded")
KIND = "hand"


@dataclass(frozen=True, eq=False)
class LabelledPhotos:
    """Photos, and the points that place the hands in them.

    Attributes:
        folder: Holds ``NAME.jpg``.
        images: Their names.
        points: ``(n, 68, 2)`` the original labels, in pixels.
        seed: Of all hands; each image has its own, of this and its name.
    """

    folder: Path
    images: tuple[str, ...]
    points: Float64[np.ndarray, "n 68 2"]
    seed: int

    def path(self, index: int) -> Path:
        """Where a photo lies."""
        return self.folder / f"{self.images[index]}.jpg"

    def show(self, index: int, condition: Condition) -> UInt8[np.ndarray, "h w 3"]:
        """A photo as the models see it, RGB.

        Raises:
            BadInput: It is damaged.
        """
        return self.draw(index)[0] if condition == "occluded" else read_image(self.path(index))

    def draw(self, index: int) -> tuple[UInt8[np.ndarray, "h w 3"], str]:
        """A photo with hands, and the line that records them.

        The line holds the image's name, kind, options and seed of
        :func:`cfr.occluders.kinds.occlude`, what was drawn, and sha256 of the drawn pixels.

        Raises:
            BadInput: The photo is damaged.
        """
        seed, options = image_seed(self.seed, self.images[index]), Hand()
        photo = read_image(self.path(index))
        drawn = occlude(photo, self.points[index], KIND, seed, options=options)
        record = {
            "image": self.images[index],
            "kind": drawn.record.kind,
            "options": asdict(options),
            "seed": drawn.record.seed,
            "settings": drawn.record.settings,
            "sha256": hashlib.sha256(drawn.image.tobytes()).hexdigest(),
        }
        return drawn.image, json.dumps(record, sort_keys=True)


def image_seed(seed: int, image: str) -> int:
    """The seed of one image's hands: the first six bytes of sha256 of "SEED NAME"."""
    return int.from_bytes(hashlib.sha256(f"{seed} {image}".encode()).digest()[:6], "big")


def at_hand(protocol: LandmarkProtocol, folder: Path, *, listed: bool) -> LandmarkProtocol:
    """The part of a protocol whose photos are there.

    Args:
        protocol: Labels of all images, or of listed ones.
        folder: The photos.
        listed: Whether a list chose the images: each of them has to be there then.

    Raises:
        DatasetUnavailable: No photo is there, or a listed one is not.
    """
    there = np.array([(folder / f"{image}.jpg").is_file() for image in protocol.images])
    if there.all():
        return protocol
    if listed or not there.any():
        absent = folder / f"{protocol.images[int(np.flatnonzero(~there)[0])]}.jpg"
        raise DatasetUnavailable("a photo of AFLW2000-3D", absent, HOW_IMAGES)
    rows = np.flatnonzero(there)
    position = np.cumsum(there) - 1
    return replace(
        protocol,
        images=tuple(protocol.images[row] for row in rows),
        rows=protocol.rows[rows],
        landmarks=protocol.landmarks[rows],
        yaw_degrees=protocol.yaw_degrees[rows],
        subsets={
            name: position[positions[there[positions]]]
            for name, positions in protocol.subsets.items()
        },
        rule=f"{protocol.rule}, of which {len(rows):,} photos are there",
        complete=False,
        pose=None if protocol.pose is None else protocol.pose[rows],
    )


def write_draws(folder: Path, lines: Sequence[str]) -> tuple[Path, str]:
    """Write the records of all hands; the file is named by its content.

    Returns:
        The file, and its sha256.

    Raises:
        CacheFailed: It could not be written.
    """
    from results.cache.durable import write_durably

    content = "".join(f"{line}\n" for line in lines).encode()
    digest = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"hands-{digest[:16]}.jsonl"
    write_durably(path, content)
    return path, digest
