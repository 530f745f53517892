"""Add versions to a training set: parts first, in any number of processes, then the set itself."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from protocols.errors import BadInput, BadOption
from protocols.roots import artifacts_folder
from results.alone import alone
from results.augmenting.about import ABOUT, WORK, begin, finish, settings_of
from results.augmenting.assembling import SHEET, Assembly
from results.augmenting.finding import (
    Looked,
    landmark_source,
    look,
    measure_template,
    photo,
)
from results.augmenting.making import FaceToTurn, Turn, Turned
from results.augmenting.options import Augment
from results.augmenting.orders import AugmentOrder, turner
from results.augmenting.parts import Done, Failure, part_path, write_part
from results.augmenting.rafdb_writer import check_numbers
from results.augmenting.sets import SourceSet, load_set
from results.augmenting.versions import Version, draw_versions
from results.augmenting.writers import check_names
from results.export.ground import Ground, digest, torch_device
from results.export.locating import Setup
from results.export.mapping import Workers, map_blocks
from results.export.work import Show

PICTURES_A_PART = 64
_PARTS_AT_ONCE = 32
_MODULES = ("results.augmenting.making", "results.augmenting.assembling")
_PACKAGES = ("matplotlib", "numpy", "opencv-python", "pillow", "scikit-image", "torch")


@dataclass(frozen=True)
class Augmented:
    """What a run left.

    Attributes:
        record: Of the finished set: settings and counts.
        rule: What was augmented, in words.
        made: Versions of this run.
        seconds: Of this run, landmarks and writing included.
        sheet: Pictures beside their versions.
    """

    record: Mapping[str, Any]
    rule: str
    made: int
    seconds: float
    sheet: Path

    def sentences(self) -> Iterator[str]:
        """For the console."""
        found, settings = self.record, self.record["settings"]
        yield self.rule
        added = ", ".join(f"{count:,} {kind}" for kind, count in found["added"].items())
        yield f"{found['kept']:,} pictures kept, {sum(found['added'].values()):,} added: {added}"
        failures = ", ".join(f"{count:,} {name}" for name, count in found["failures"].items())
        policy = f"missing faces: {settings['missing']}; damaged pictures: {settings['damaged']}"
        yield f"Without versions: {failures} ({policy})"
        if self.made:
            rate = self.made / self.seconds
            yield f"{self.made:,} made in {self.seconds:.1f} s, {rate:.1f} a second, all included"
        yield f"Sheet: {self.sheet}"


def augment_set(config: Augment, show: Show) -> Augmented:
    """Make what is not there yet.

    Raises:
        DatasetUnavailable, PackageUnavailable: The set, weights or the face model are absent.
        BadInput: One of them is broken, a picture is damaged or has no face and that was to be an
            error, or the folder holds something else or a set with other options; says which.
        BadOption: Options do not fit the set.
        WorkersLost: A process was ended by the system.
    """
    begun, out = time.perf_counter(), config.out
    source = load_set(config.dataset.expanduser(), config.kind)
    to = _format(config, source)
    out.mkdir(parents=True, exist_ok=True)
    with alone(out):
        run = _prepare(config, source, show)
        by = run.setup.landmarks
        settings = settings_of(config, source, to, by, run.turn, PICTURES_A_PART)
        record, made = begin(out, settings), 0
        if record is None:
            made = run.make(out / WORK, show)
            record = finish(out, settings, _assemble(config, source, to, show))
        shutil.rmtree(out / WORK, ignore_errors=True)
    seconds = time.perf_counter() - begun
    return Augmented(record, source.rule, made, seconds, out / SHEET)


def _format(config: Augment, source: SourceSet) -> str:
    """What is written; refuses what cannot be."""
    if source.kind == "rafdb":
        if config.to != "same":
            raise BadOption(f"--to {config.to} with RAF-DB", "--to same: its own layout")
        if config.landmarks == "aligned":
            raise BadOption("--landmarks aligned with RAF-DB", "a detector: it is cut otherwise")
        check_numbers(source, config.each)
        return "rafdb"
    to = source.kind if config.to == "same" else config.to
    if to == "folders" and source.kind == "folders":
        check_names(source)
    return to


def _prepare(config: Augment, source: SourceSet, show: Show) -> "_Run":
    """Load everything once here, so that what is absent is told before anything is made."""
    setup = _setup(config)
    order = _order(config)
    identity = digest(turner(order).identity)
    measured = config.alignment == "measured" or (
        config.alignment == "auto" and source.kind == "rafdb"
    )
    template = measure_template(source, measured, setup, show)
    ground = Ground.here(_MODULES, _PACKAGES)
    return _Run(config, source, setup, Turn(replace(order, template=template), identity, ground))


def _setup(config: Augment) -> Setup:
    root = config.landmarks_root
    jobs = 1 if torch_device(config.device) == "cuda" else config.jobs
    return Setup(
        landmarks=landmark_source(config),
        landmarks_root=None if root is None else root.expanduser(),
        several="centre",
        device=config.device,
        workers=Workers(jobs, config.cluster),
        cache=config.cache or artifacts_folder() / "cache",
    )


def _order(config: Augment) -> AugmentOrder:
    """How versions are made, but for where they are put."""
    return AugmentOrder(
        method=config.method,
        weights=config.weights,
        regressor=config.coefficients == "regressor",
        model=config.model,
        template=(),
        worst=config.worst,
        quality=config.quality,
        black=config.beside == "black",
        device=torch_device(config.device),
    )


def _assemble(config: Augment, source: SourceSet, to: str, show: Show) -> dict[str, Any]:
    assembly = Assembly(
        out=config.out,
        source=source,
        parts=config.out / WORK,
        block=PICTURES_A_PART,
        to=to,
        drop=config.missing == "drop",
        why=f"{len(source):,} pictures with versions by {config.method}, see {ABOUT}",
    )
    with show("writing", len(source)) as advance:
        return assembly.write(advance)


@dataclass(frozen=True)
class _Run:
    """A run of the map stage over what is lacking."""

    config: Augment
    source: SourceSet
    setup: Setup
    turn: Turn

    def make(self, work: Path, show: Show) -> int:
        """Make the parts that are not there; how many versions that were."""
        every = range(0, len(self.source), PICTURES_A_PART)
        numbers = [one for one in range(len(every)) if not part_path(work, one).exists()]
        made = 0
        with show("augmenting", len(self.source)) as advance:
            advance(len(self.source) - sum(len(self._places(one)) for one in numbers))
            for first in range(0, len(numbers), _PARTS_AT_ONCE):
                some = numbers[first : first + _PARTS_AT_ONCE]
                for number, count in self._parts(some, work, show):
                    made += count
                    advance(len(self._places(number)))
        return made

    def _places(self, number: int) -> range:
        first = number * PICTURES_A_PART
        return range(first, min(first + PICTURES_A_PART, len(self.source)))

    def _parts(self, numbers: Sequence[int], work: Path, show: Show) -> Iterator[tuple[int, int]]:
        """Some parts, each as it is done: its number, and how many versions it has."""
        every = [at for number in numbers for at in self._places(number)]
        poses, seed = self.config.poses, self.config.seed
        drawn = {at: draw_versions(poses, seed, int(self.source.rows[at])) for at in every}
        wanted = [at for at in every if drawn[at]]
        looked = look(self.source, every, wanted, self.setup, show)
        self._stop_at_failures(looked, wanted)
        blocks = [[at for at in self._places(one) if at in looked.points] for one in numbers]
        faces = [
            [FaceToTurn(photo(self.source, at), looked.points[at], drawn[at]) for at in block]
            for block in blocks
        ]
        for position, turned in map_blocks(self.turn, faces, self.setup.workers):
            found = dict(zip(blocks[position], turned, strict=True))
            places = self._places(numbers[position])
            done = [self._done(at, drawn[at], looked, found.get(at)) for at in places]
            contents = [found[at].contents if at in found else [] for at in places]
            write_part(work, numbers[position], done, contents)
            yield numbers[position], sum(map(len, contents))

    def _stop_at_failures(self, looked: Looked, wanted: Sequence[int]) -> None:
        if self.config.damaged == "error":
            for error in looked.damaged.values():
                raise error
        lacking = [at for at in wanted if at not in looked.points and at not in looked.damaged]
        if self.config.missing == "error" and lacking:
            raise self._no_face(lacking[0], f"none by {self.setup.landmarks}")

    def _no_face(self, at: int, found: str) -> BadInput:
        return BadInput(*self.source.place(at), "a face (--missing keep goes on)", found)

    def _done(
        self, at: int, drawn: tuple[Version, ...], looked: Looked, turned: Turned | None
    ) -> Done:
        failure: Failure = ""
        why = ""
        if at in looked.damaged:
            failure, why = "damaged", f"found {looked.damaged[at].found}"
        elif drawn and turned is None:
            failure, why = "no face", f"none by {self.setup.landmarks}"
        elif turned is not None and turned.why:
            failure, why = "no fit", turned.why
            if self.config.missing == "error":
                raise self._no_face(at, why)
        versions = () if turned is None or turned.why else drawn
        number = int(self.source.rows[at])
        return Done(number, looked.sha256[at], versions, failure, why)
