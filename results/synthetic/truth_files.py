"""The ground truth beside each data set: where the points are, and what each photo shows.

``points.csv`` is what ``--landmarks sidecar --landmarks-root points.csv`` reads. ``truth.csv`` has
a row a photo in the same order.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from results.cache.durable import write_durably
from results.synthetic.plan import Photo, Truth

POINTS, TRUTH = "points.csv", "truth.csv"
COLUMNS = (
    "file",
    "person",
    "setting",
    "pitch_degrees",
    "yaw_degrees",
    "roll_degrees",
    "expression",
    "occluder",
    "occluder_seed",
    "hidden",
)


def write_truth(root: Path, photos: Sequence[Photo], truth: Truth) -> None:
    """Write both files.

    Args:
        root: The data set's folder.
        photos: In the order of the truth.
        truth: What is known of them.
    """
    axes = [f"{axis}{at}" for at in range(1, 69) for axis in "xy"]
    _write(root / POINTS, ["file", *axes], _points(photos, truth))
    _write(root / TRUTH, COLUMNS, _rows(photos, truth))


def _points(photos: Sequence[Photo], truth: Truth) -> Iterator[list[str]]:
    for photo, points in zip(photos, truth.points, strict=True):
        yield [photo.name, *(f"{value:.3f}" for value in points.ravel().tolist())]


def _rows(photos: Sequence[Photo], truth: Truth) -> Iterator[list[str]]:
    for photo, hidden in zip(photos, truth.hidden.tolist(), strict=True):
        shot = photo.shot
        yield [
            photo.name,
            str(shot.person),
            str(shot.setting),
            *(f"{angle:.4f}" for angle in shot.pose_degrees),
            shot.expression,
            shot.occluder or "none",
            str(shot.occluder_seed) if shot.occluder else "",
            f"{hidden:.4f}",
        ]


def _write(path: Path, header: Sequence[str], rows: Iterator[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    write_durably(path, buffer.getvalue().encode())
