"""Sheets of what restoration makes of a folder of photos, as the paper's Fig. 6 and 7 show it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import cv2
import numpy as np
import tyro
from jaxtyping import UInt8

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.images import read_image

if TYPE_CHECKING:  # --help needs none of it
    from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
    from cfr.frontalizers.types import Frontalizer
    from cfr.landmarks.face import Landmarker

_SIDE = 168
_SEVERAL = 20


@dataclass(frozen=True)
class Compare:
    """Which photos, restored by what, on which pages."""

    photos: Annotated[Path, tyro.conf.Positional]
    """A photo, or a folder; its subfolders count."""
    out: Annotated[Path, tyro.conf.Positional]
    """The folder to write sheet-1.png, sheet-2.png, … to."""
    weights: str = "mini"
    """Of cfr-gan: a NAME that was trained here, a FILE, or published:FILE."""
    rotate_and_render: str | None = None
    """Weights of the column rotate-and-render; its own default otherwise."""
    landmarks: Literal["dlib", "dlib-hog", "insightface", "retinaface", "sidecar", "tddfa"] = "dlib"
    """What finds faces and their 68 points (docs/landmarks.md)."""
    landmarks_root: Path | None = None
    """Folder of its weights, or of the points' files; beats CFR_DATA, data.toml and data/NAME."""
    yaw: float = 0.0
    """Degrees that faces are turned to; positive turns the nose to the image's right."""
    beside: Path | None = None
    """A folder of pictures to show as well: those called as a photo, and as a photo with _ and a
    word, such as the authors' 01.jpg and 01_occ.jpg of 01.jpg."""
    most: int | None = None
    """Look at the first so many photos only."""
    rows: int = 10
    """Photos of a page, at most."""

    def __post_init__(self) -> None:
        """Refuse what no sheet could be drawn with."""
        if not -90 <= self.yaw <= 90:
            raise BadOption(f"--yaw {self.yaw}", "−90 to 90 degrees")
        if not 1 <= self.rows <= 100:
            raise BadOption(f"--rows {self.rows}", "1 to 100")
        if self.most is not None and self.most < 1:
            raise BadOption(f"--most {self.most}", "at least 1")
        if self.beside is not None and not self.beside.is_dir():
            raise BadOption(f"--beside {self.beside}", "a folder of pictures")


@dataclass(frozen=True, eq=False)
class Compared:
    """What came of it.

    Attributes:
        pages: The sheets.
        shown: How many photos are on them.
        faceless: Photos in which no face was found.
        damaged: Photos that could not be read.
        notes: Which columns are missing, and why.
    """

    pages: Sequence[Path]
    shown: int
    faceless: Sequence[str]
    damaged: Sequence[str]
    notes: Sequence[str] = field(default=())

    def sentences(self) -> Iterator[str]:
        """For the console."""
        pages = ", ".join(str(one) for one in self.pages) or "none"
        yield f"{self.shown} photos on {len(self.pages)} sheets: {pages}"
        for what, names in (("no face was found in", self.faceless), ("damaged:", self.damaged)):
            if names:
                more = f" and {len(names) - _SEVERAL} more" if len(names) > _SEVERAL else ""
                yield f"{what} {', '.join(names[:_SEVERAL])}{more}"
        yield from self.notes


def compare(config: Compare, progress: Callable[[int], None] = lambda total: None) -> Compared:
    """Restore the largest face of each photo, and draw what came of it; page by page.

    Args:
        config: The options.
        progress: Called with the number of photos, after each.

    Raises:
        DatasetUnavailable: Weights are absent.
        BadInput: There is no photo, or weights are damaged.
    """
    from results.frontalizing.photos import find_photos

    found = find_photos(config.photos, leave_out=config.out)
    if config.beside is not None:
        aside = config.beside.resolve()
        inside = [one for one in found if not one.resolve().is_relative_to(aside)]
        found = inside or found
    photos = found[: config.most]
    columns = Columns.load(config)
    config.out.mkdir(parents=True, exist_ok=True)
    base = config.photos if config.photos.is_dir() else config.photos.parent
    pages: list[Path] = []
    rows: list[Mapping[str, np.ndarray]] = []
    faceless, damaged, shown = [], [], 0
    for place, path in enumerate(photos, 1):
        name = path.relative_to(base).as_posix()
        try:
            photo = read_image(path)
        except BadInput:
            row = None
            damaged.append(name)
        else:
            row = columns.row(photo, path, Path(name).with_suffix("").as_posix())
            if row is None:
                faceless.append(name)
        if row is not None:
            rows.append(row)
            shown += 1
        if rows and (len(rows) == config.rows or place == len(photos)):
            pages.append(_write(rows, config.out / f"sheet-{len(pages) + 1}.png"))
            rows = []
        progress(len(photos))
    return Compared(pages, shown, faceless, damaged, columns.notes)


@dataclass(frozen=True, eq=False)
class Columns:
    """What makes the pictures of a photo's row.

    Attributes:
        landmarker: Finds the face.
        ours: CFR-GAN.
        rival: Rotate-and-Render, where its weights are there.
        beside: A folder of others' results.
        notes: Which columns are missing, and why.
    """

    landmarker: "Landmarker"
    ours: "CfrGanFrontalizer"
    rival: "Frontalizer | None"
    beside: Path | None
    notes: tuple[str, ...]

    @classmethod
    def load(cls, config: Compare) -> "Columns":
        """What the options name.

        Raises:
            DatasetUnavailable: Weights that were named are absent.
            BadInput: They are damaged.
        """
        from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
        from cfr.frontalizers.sources import ROTATE_AND_RENDER, load_frontalizer
        from cfr.gan.sources import load_painter
        from cfr.landmarks.sources import load_landmarker
        from cfr.morphable.sources import load_model

        landmarker = load_landmarker(config.landmarks, config.landmarks_root, need_68=True)
        painter = load_painter(config.weights)
        ours = CfrGanFrontalizer(
            load_model("builtin"), painter, yaw=math.radians(config.yaw), size=_SIDE
        )
        named = config.rotate_and_render
        baseline = ROTATE_AND_RENDER if named is None else f"{ROTATE_AND_RENDER}:{named}"
        rival, notes = None, ()
        try:
            rival = load_frontalizer(baseline)
        except (DatasetUnavailable, BadOption) as error:
            if named is not None:
                raise
            notes = (f"without {ROTATE_AND_RENDER}: {error}",)
        return cls(landmarker, ours, rival, config.beside, notes)

    def row(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path, name: str
    ) -> Mapping[str, np.ndarray] | None:
        """The pictures by column, the first by the photo's name; None without a face."""
        from results.restoration.cases import find_points

        points = find_points(self.landmarker, photo, path)
        if points is None:
            return None
        look, cleared = self.ours.look_and_deocclude(photo, points)
        hidden = look.restored.occlusion
        mask = np.zeros((_SIDE, _SIDE), bool) if hidden is None else hidden
        pictures = {
            name: look.crop,
            "R_p": look.projected,
            "R_e": look.estimated,
        }
        if self.rival is not None:
            pictures["rotate-and-render"] = self.rival.restore(photo, points).image
        pictures |= {
            "ours": look.restored.image,
            "mask": np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2),
            "de-occluded": look.alignment.crop(cleared.photo),
        }
        if self.beside is not None:
            pictures |= _beside(self.beside, path.stem)
        return {name: _square(picture) for name, picture in pictures.items()}


def _beside(folder: Path, stem: str) -> dict[str, np.ndarray]:
    """Pictures that are called as the photo, then those with a word more, in order."""
    endings = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
    there = sorted(one for one in folder.iterdir() if one.suffix.lower() in endings)
    own = [one for one in there if one.stem == stem]
    more = [one for one in there if one.stem.startswith(f"{stem}_")]
    return {f"{folder.name}{one.stem.removeprefix(stem)}": read_image(one) for one in (*own, *more)}


def _square(picture: np.ndarray) -> UInt8[np.ndarray, "168 168 3"]:
    way = cv2.INTER_AREA if min(picture.shape[:2]) > _SIDE else cv2.INTER_NEAREST
    return cv2.resize(picture, (_SIDE, _SIDE), interpolation=way)


def _write(rows: Sequence[Mapping[str, np.ndarray]], path: Path) -> Path:
    from results.figures.comparisons import draw_comparisons

    draw_comparisons(rows).savefig(path)
    return path
