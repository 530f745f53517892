"""IJB-B and IJB-C as insightface's archive has them: a loose crop a face, and lists about crops."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8

from cfr.align import five_from_68
from protocols.ijb_counts import GALLERIES, Dataset
from protocols.images import read_image
from results.synthetic.media import Template
from results.synthetic.nist import Faces
from results.synthetic.plan import write_file, write_text
from results.synthetic.taking import encode

_MARGIN = 0.25  # of the box, on each side


@dataclass(frozen=True, eq=False)
class Release:
    """What the lists say.

    Attributes:
        dataset: Which of the two.
        galleries: Templates of both.
        probes: Templates that are searched.
        left: Numbers of templates that are compared …
        right: … with these.
        same: Whether both are the same person.
    """

    dataset: Dataset
    galleries: Sequence[Sequence[Template]]
    probes: Sequence[Template]
    left: Sequence[int]
    right: Sequence[int]
    same: Sequence[bool]

    @property
    def templates(self) -> list[Template]:
        """All of them."""
        return [*(one for gallery in self.galleries for one in gallery), *self.probes]


def write_release(root: Path, faces: Faces, release: Release) -> int:
    """Write crops and lists below ``IJBB`` or ``IJBC``.

    A photo in several templates is a crop in each of them, as officially.

    Returns:
        How many crops there are.
    """
    short = release.dataset.replace("-", "")
    crops, meta = root / short / "loose_crop", root / short / "meta"
    prefix = str(meta / short.lower())
    crops.mkdir(parents=True, exist_ok=True)
    rows: dict[int, list[tuple[int, int]]] = {}
    listed: list[str] = []
    shown: list[int] = []
    for template in release.templates:
        for photo, medium in template.faces:
            rows.setdefault(photo, []).append((len(listed), medium))
            listed.append(f"{len(listed) + 1}.jpg {template.number} {medium}")
            shown.append(photo)
    told = {photo: _write_crops(root, crops, faces, photo, own) for photo, own in rows.items()}
    write_text(Path(f"{prefix}_face_tid_mid.txt"), listed)
    points = [f"{at}.jpg {told[photo]}" for at, photo in enumerate(shown, 1)]
    write_text(Path(f"{prefix}_name_5pts_score.txt"), points)
    pairs = zip(release.left, release.right, release.same, strict=True)
    labels = [f"{one} {other} {same:d}" for one, other, same in pairs]
    write_text(Path(f"{prefix}_template_pair_label.txt"), labels)
    for name, gallery in zip(GALLERIES[release.dataset], release.galleries, strict=True):
        _write_subjects(Path(f"{prefix}_1N_gallery_{name}.csv"), gallery, faces)
    _write_subjects(Path(f"{prefix}_1N_probe_mixed.csv"), release.probes, faces)
    return len(listed)


def _write_crops(
    root: Path, crops: Path, faces: Faces, photo: int, rows: Sequence[tuple[int, int]]
) -> str:
    """One photo's crop under all its names; what the list of points says of it."""
    picture = read_image(root / faces.photos[photo].name)
    five = five_from_68(faces.truth.points[photo].astype(np.float64))
    crop, points = _crop(picture, faces.truth.boxes[photo].astype(np.float64), five)
    content = encode(crop, ".jpg")
    for at, _ in rows:
        write_file(crops / f"{at + 1}.jpg", content)
    # Whoever is turned away or covered, a detector is less sure of.
    sure = 1 - abs(faces.photos[photo].shot.pose_degrees[1]) / 180 - faces.truth.hidden[photo] / 2
    numbers = " ".join(f"{value:.3f}" for value in points.ravel().tolist())
    return f"{numbers} {max(0.05, float(sure)):.6f}"


def _crop(
    picture: UInt8[np.ndarray, "h w 3"],
    box: Float64[np.ndarray, "4"],
    five: Float64[np.ndarray, "5 2"],
) -> tuple[UInt8[np.ndarray, "_ _ 3"], Float64[np.ndarray, "5 2"]]:
    """A loose crop as far as the photo reaches, and the points in it."""
    x, y, width, height = box.tolist()
    away = _MARGIN * max(width, height)
    rows, columns = picture.shape[:2]
    left, top = max(0, int(x - away)), max(0, int(y - away))
    right, bottom = (
        min(columns, int(x + width + away) + 1),
        min(rows, int(y + height + away) + 1),
    )
    return np.ascontiguousarray(picture[top:bottom, left:right]), five - (left, top)


def _write_subjects(path: Path, templates: Sequence[Template], faces: Faces) -> None:
    lines = ["TEMPLATE_ID,SUBJECT_ID,FILENAME"]
    for template in templates:
        head = f"{template.number},{template.subject}"
        for photo, _ in template.faces:
            lines.append(f"{head},{faces.photos[photo].name.removeprefix('images/')}")
    write_text(path, lines)
