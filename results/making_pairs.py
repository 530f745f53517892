"""Pairs of photos, on disk: the command line of ``make_pairs.py``, and what it does."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from protocols.errors import BadInput, BadOption
from results.alone import alone
from results.option_checks import require_least, require_share

if TYPE_CHECKING:  # PyTorch is imported when a run begins
    from cfr.pairs.about import About, PairSettings, Shard
    from protocols.training_photos import TrainingPhotos
    from results.export.work import Show
    from results.faces_to_pair import ShardReport
    from results.pair_orders import PairOrder, PhotoBlock, PhotoToPair

PHOTOS_A_SHARD = 64
PEOPLE = 1_000_000
"""Seeds of made-up people in pairs are below; those that are tested on lie above."""
_SMALLEST, _LARGEST = 32, 1024


@dataclass(frozen=True)
class MakePairs:
    """Make pairs: a damaged face, its guide, and the mask of what has to be repaired.

    A run that was killed goes on where it was.
    """

    photos: Annotated[Path, tyro.conf.Positional]
    """The folder of photos."""
    out: Annotated[Path, tyro.conf.Positional]
    """The folder to write to."""
    kind: Literal["folder", "300w-lp", "celeba", "multi-pie"] = "folder"
    """How the photos are laid out (docs/data.md)."""
    list: Path | None = None
    """Names of the photos to take, a line each, relative to the folder."""
    size: int = 224
    """Pixels along each side of the pictures."""
    preset: Literal["release", "paper", "parsing", "rotate-and-render"] = "release"
    """Swap-R&R as the published code or the paper has it; parsing is the ablation without Eq. 5,
    and wants a --parser that sees objects. rotate-and-render: the baseline's pairs, eroded, turned
    away and back; nothing is exchanged."""
    swap: bool = True
    """Exchange what hides the face; without is the ablation."""
    parser: str = "none"
    """What tells face and objects apart: none (the fitted face alone), bisenet:FILE,
    bisenet-public:FILE or unet:FILE."""
    coefficients: str = "fit"
    """fit, or the file of a regressor, such as assets/regressor-stage2.safetensors."""
    landmarks: Literal["dlib", "dlib-hog", "insightface", "retinaface", "sidecar", "tddfa"] = (
        "tddfa"
    )
    """What finds faces and their 68 points where the photos have none (docs/landmarks.md)."""
    landmarks_root: Path | None = None
    """Folder of its weights, or of the points' files; beats CFR_DATA, data.toml and data/NAME."""
    model: str = "builtin"
    """Face model: builtin, ict:DIR or bfm09:FILE."""
    seed: int = 0
    """Of the rotations."""
    each: int = 1
    """Rotations of a photo."""
    occluded: float = 0.0
    """Share of pairs with an occluder drawn in front of the face, which the generator sees and the
    photo that it should paint has not: an addition to the paper's pairs."""
    occluders: tuple[str, ...] = ("hand", "mask", "glasses", "scarf", "hair", "phone")
    """Its kinds (docs/occluders.md); one that is named twice is twice as likely."""
    renders: int = 0
    """Made-up people after the photos, drawn with the face model."""
    jobs: int = 0
    """Processes; 0 for one a core. On a GPU this process does it all."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks and pictures are computed; another one moves last bits."""

    def __post_init__(self) -> None:
        """Refuse what no run could use, before any file is read."""
        if not _SMALLEST <= self.size <= _LARGEST:
            raise BadOption(f"--size {self.size}", f"{_SMALLEST} to {_LARGEST} pixels")
        require_least(self, {"each": 1, "seed": 0, "jobs": 0, "renders": 0})
        if self.renders > PEOPLE:
            raise BadOption(f"--renders {self.renders}", f"at most {PEOPLE:,}")
        require_share("occluded", self.occluded)
        self._check_occluders()
        if self.preset == "rotate-and-render":
            self._check_turned()

    def _check_occluders(self) -> None:
        from cfr.occluders.kinds import KINDS, NEED_OPTIONS

        known = [kind for kind in KINDS if kind not in NEED_OPTIONS]
        if not self.occluders or not set(self.occluders) <= set(known):
            raise BadOption(f"--occluders {' '.join(self.occluders)}", f"some of {' '.join(known)}")
        if self.occluded and self.coefficients != "fit":
            expected = "--coefficients fit: a regressor's crop is cut from a photo as it is"
            raise BadOption(f"--occluded {self.occluded:g}", expected)

    def _check_turned(self) -> None:
        """Rotate-and-Render exchanges nothing, and looks for nothing."""
        if not self.swap or self.parser != "none" or self.occluded:
            what = "--no-swap, --parser or --occluded with --preset rotate-and-render"
            raise BadOption(what, "none of them")


@dataclass(frozen=True)
class MadePairs:
    """What a run left.

    Attributes:
        pairs: How many there are, over all.
        photos: Of how many photos, those left out included.
        left_out: Photo → why there is no pair of it.
        rule: What photos these are, in words.
        seconds: Of all processes of this run, by what they were spent on.
        made: Pairs of this run.
        wall: Seconds of this run.
        stages: A picture of all stages.
    """

    pairs: int
    photos: int
    left_out: Mapping[str, str]
    rule: str
    seconds: Mapping[str, float]
    made: int
    wall: float
    stages: Path

    def sentences(self) -> Iterator[str]:
        """For the console."""
        yield self.rule
        without = len(self.left_out)
        yield f"{self.pairs:,} pairs of {self.photos - without:,} photos; {without:,} left out"
        if not self.made:
            return
        own = sum(self.seconds.values()) - self.seconds.get("landmarks", 0.0)
        parts = ", ".join(f"{on} {one:.1f}" for on, one in self.seconds.items())
        yield (
            f"{self.made:,} of them made in {self.wall:.1f} s, {self.made / own:.2f} a second of "
            f"one process without landmarks (seconds of all processes: {parts})"
        )


def make_pairs_of(config: MakePairs, show: "Show") -> MadePairs:
    """Make what is not there yet.

    Raises:
        DatasetUnavailable: Photos, the face model, a regressor or weights are absent.
        BadInput: One of them is broken, no photo gives a pair, or the folder holds something else,
            or pairs made with other options; says which.
        BadOption: There is no such face model, parser or device, or the pairs would lie among the
            photos.
        WorkersLost: A process was ended by the system.
    """
    from cfr.pairs.shards import remove_partial, shard_name
    from protocols.training_photos import load_training_photos
    from results.export.mapping import Workers, map_blocks
    from results.pair_settings import begin, settings_of
    from results.pair_shards import make_shard

    begun, out = time.perf_counter(), config.out
    if out.resolve().is_relative_to(config.photos.expanduser().resolve()):
        raise BadOption(str(out), "a folder that is not below the photos: it holds pictures itself")
    found = load_training_photos(config.kind, config.photos.expanduser(), config.list)
    order = _order(config)
    settings = settings_of(order, found, PHOTOS_A_SHARD, config.renders)
    out.mkdir(parents=True, exist_ok=True)
    with alone(out):
        begin(out, settings)
        remove_partial(out)
        blocks = _blocks(_photos(found, config))
        waiting = [one for one in blocks if not (out / shard_name(one.number)).is_dir()]
        workers = Workers(1 if order.device == "cuda" else config.jobs)
        reports: list[ShardReport] = []
        photos = len(found.photos) + config.renders
        with show("making pairs", photos) as advance:
            advance(photos - sum(len(one.photos) for one in waiting))
            for at, report in map_blocks(partial(make_shard, out, order), waiting, workers):
                reports.append(report)
                advance(len(waiting[at].photos))
        about = _finish(out, settings, blocks)
        stages = _draw(out, order)
    return MadePairs(
        pairs=about.pairs,
        photos=photos,
        left_out=about.left_out,
        rule=found.rule,
        seconds=_total(reports),
        made=sum(one.pairs for one in reports),
        wall=time.perf_counter() - begun,
        stages=stages,
    )


def _order(config: MakePairs) -> "PairOrder":
    from results.export.ground import torch_device
    from results.pair_orders import PairOrder

    root = config.landmarks_root
    return PairOrder(
        model=config.model,
        size=config.size,
        preset=config.preset,
        swap=config.swap,
        parser=config.parser,
        coefficients=config.coefficients,
        landmarks=config.landmarks,
        landmarks_root=None if root is None else root.expanduser(),
        seed=config.seed,
        each=config.each,
        device=torch_device(config.device),
        occluded=config.occluded,
        occluders=config.occluders if config.occluded else (),
    )


def _photos(found: "TrainingPhotos", config: MakePairs) -> "list[PhotoToPair]":
    """The photos, and after them the made-up people."""
    from results.pair_orders import PhotoToPair

    root = config.photos.expanduser()
    names = [f"renders/{seed:06d}" for seed in range(config.renders)]
    return [
        *(PhotoToPair(o.path, o.path.relative_to(root).as_posix(), o.points) for o in found.photos),
        *(PhotoToPair(Path(name), name, None, person) for person, name in enumerate(names)),
    ]


def _blocks(photos: "Sequence[PhotoToPair]") -> "list[PhotoBlock]":
    from results.pair_orders import PhotoBlock

    return [
        PhotoBlock(number, first, tuple(photos[first : first + PHOTOS_A_SHARD]))
        for number, first in enumerate(range(0, len(photos), PHOTOS_A_SHARD))
    ]


def _finish(out: Path, settings: "PairSettings", blocks: "Sequence[PhotoBlock]") -> "About":
    """Look through all shards and write what they hold."""
    from cfr.pairs.about import ABOUT, finished
    from cfr.pairs.shards import read_left_out, shard_name
    from results.cache.durable import write_durably

    shards: list[Shard] = []
    left_out: dict[str, str] = {}
    for block in blocks:
        folder = out / shard_name(block.number)
        shards.append(_shard(folder))
        left_out |= read_left_out(folder)
    about = finished(settings, tuple(shards), left_out)
    if not about.pairs:
        path, why = next(iter(left_out.items()))
        raise BadInput(out, "", "photos with faces", f"none of {len(left_out):,}; {path}: {why}")
    write_durably(out / ABOUT, about.text().encode())
    return about


def _shard(folder: Path) -> "Shard":
    from cfr.pairs.about import Shard
    from cfr.pairs.shards import COEFFICIENTS, INDEX, read_index
    from protocols.types import InputFile

    pairs = len(read_index(folder))
    index = InputFile.of(folder / INDEX).sha256
    return Shard(pairs, index, InputFile.of(folder / COEFFICIENTS).sha256 if pairs else "")


def _draw(out: Path, order: "PairOrder") -> Path:
    """All stages of a few pairs, side by side; with drawn occluders what is on disk of more."""
    from cfr.pairs.folder import PairFolder
    from cfr.pairs.live import LivePairs
    from results.figures.stages import draw_folder, draw_stages
    from results.pair_orders import face_model, face_parser

    folder, path = PairFolder(out), out / "stages.png"
    if order.occluded:
        figure = draw_folder(folder)
    else:
        model = face_model(order.model, order.device)
        figure = draw_stages(LivePairs(folder, model, face_parser(order)))
    figure.savefig(path)
    return path


def _total(reports: "Sequence[ShardReport]") -> Mapping[str, float]:
    """Seconds of several shards, by what they were spent on."""
    found: dict[str, float] = {}
    for report in reports:
        for on, seconds in report.seconds.items():
            found[on] = found.get(on, 0.0) + seconds
    return found
