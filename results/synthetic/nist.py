"""Rows of NIST's lists: where faces are, and what of them is seen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from cfr.align import five_from_68
from results.synthetic.media import Template
from results.synthetic.plan import Photo, Truth, write_text

SEEN = 45.0
"""Degrees of yaw up to which the lists have a FACE_YAW, and both eyes."""
_EYES, _MOUTH = ("glasses",), ("mask", "scarf", "hand", "phone")


@dataclass(frozen=True, eq=False)
class Faces:
    """All photos of a data set, and what is known of them.

    Attributes:
        photos: As planned.
        truth: As taken.
    """

    photos: Sequence[Photo]
    truth: Truth

    def row(self, photo: int, medium: int) -> Mapping[str, str]:
        """What lists may say of a face; blank where the real ones are."""
        name = self.photos[photo].name.removeprefix("images/")
        shot = self.photos[photo].shot
        pitch, yaw, roll = shot.pose_degrees
        seen = abs(yaw) <= SEEN
        five = five_from_68(self.truth.points[photo].astype(np.float64))
        frame = Path(name).stem.rpartition("_")[2] if name.startswith("frame") else ""
        x, y, width, height = (f"{value:.4f}" for value in self.truth.boxes[photo].tolist())
        row = {"FILE": name, "FILENAME": name, "MEDIA_ID": str(medium), "SIGHTING_ID": str(medium)}
        row |= {"FACE_X": x, "FACE_Y": y, "FACE_WIDTH": width, "FACE_HEIGHT": height}
        row |= {"FRAME": frame, "FRAME_NUM": frame, "FACE_YAW": f"{yaw:.4f}" if seen else ""}
        row |= {"YAW": f"{yaw:.4f}", "PITCH": f"{pitch:.4f}", "ROLL": f"{roll:.4f}"}
        row |= _points(five, yaw)
        row["EYES_VISIBLE"] = str(int(seen and shot.occluder not in _EYES))
        row["NOSE_MOUTH_VISIBLE"] = str(int(shot.occluder not in _MOUTH))
        row["FOREHEAD_VISIBLE"] = str(int(shot.occluder != "hair"))
        cells = self.truth.cells[photo].tolist()
        row |= {f"OCC{at}": str(int(cell)) for at, cell in enumerate(cells, 1)}
        return row

    def rows(self, templates: Iterable[Template]) -> Iterator[dict[str, str]]:
        """A row for each face of each template."""
        for template in templates:
            head = {"TEMPLATE_ID": str(template.number), "SUBJECT_ID": str(template.subject)}
            for photo, medium in template.faces:
                yield {**head, **self.row(photo, medium)}


def _points(five: Float64[np.ndarray, "5 2"], yaw: float) -> dict[str, str]:
    """Eyes and nose; the eye that a profile hides is blank. The person's right is on the left."""
    told = {"RIGHT_EYE": five[0], "LEFT_EYE": five[1], "NOSE_BASE": five[2], "NOSE": five[2]}
    hidden = "" if abs(yaw) <= SEEN else "LEFT_EYE" if yaw > 0 else "RIGHT_EYE"
    return {
        f"{name}_{axis}": "" if name == hidden else f"{value:.4f}"
        for name, at in told.items()
        for axis, value in zip("XY", at.tolist(), strict=True)
    }


def write_list(
    path: Path, faces: Faces, templates: Iterable[Template], columns: Sequence[str]
) -> None:
    """Write a list with a header; what is not known of made-up people is blank."""
    rows = faces.rows(templates)
    lines = (",".join(row.get(column, "") for column in columns) for row in rows)
    write_text(path, [",".join(columns), *lines])


def write_comparisons(path: Path, left: Sequence[int], right: Sequence[int]) -> None:
    """Write numbers of templates to compare, without a header."""
    write_text(path, [f"{one},{other}" for one, other in zip(left, right, strict=True)])
