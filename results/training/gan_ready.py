"""A training run of a generator made ready: pairs opened, networks built, everything digested."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from cfr.gan.batches import PairDraws
from cfr.gan.building import Nets, build_nets, build_objective
from cfr.gan.losses import Embed
from cfr.gan.objective import Objective, PerceptualNetwork
from cfr.gan.painting import FaceGenerator
from cfr.gan.presets import GanAugmentation, GanPreset, GanSchedule
from cfr.gan.sources import weights_file
from cfr.gan.weights import kind_of, open_generator
from cfr.pairs.folder import PairFolder
from cfr.pairs.joined import JoinedPairs
from cfr.pairs.types import PairSource
from cfr.training.course import Course
from protocols.errors import BadOption
from protocols.types import InputFile
from results.cache.canonical import canonical
from results.environment import current_environment
from results.record import Environment
from results.training.gan_networks import load_identity, load_perceptual
from results.training.gan_options import TrainGan

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_AS_THEY_ARE = GanAugmentation(coarse=0.0, erased=0.0, flip=0.0)
_LOOKED_AT = 8  # pairs of a batch of validation


@dataclass(frozen=True, eq=False)
class GanRun:
    """A run that is ready to go.

    Attributes:
        config: The options.
        preset: Their numbers.
        folder: Where it leaves what it makes.
        pairs: The folders of pairs.
        nets: Both networks, on their device.
        objective: The losses of both networks.
        draws: The batches.
        held_out: Batches for validation, as they are.
        embed: A recognizer to validate with, if the run has one.
        course: How long.
        networks: What the losses and the validation look through, in words, by loss; and what it
            started from.
        environment: Commit, device and versions, as they were at the start.
    """

    config: TrainGan
    preset: GanPreset
    folder: Path
    pairs: tuple[PairFolder, ...]
    nets: Nets
    objective: Objective
    draws: PairDraws
    held_out: PairDraws
    embed: Embed | None
    course: Course[GanSchedule]
    networks: dict[str, str]
    environment: Environment


def make_ready(config: TrainGan, folder: Path, fabric: "Fabric") -> GanRun:
    """Open the pairs, build the networks and what they are trained with.

    Args:
        config: The options.
        folder: Of the run.
        fabric: Launched.

    Raises:
        DatasetUnavailable: Weights that a loss looks through are absent.
        BadInput: Pairs or weights are broken.
        WrongFaceModel: Pairs are to be made anew, and were made with another face model.
        BadOption: There are too few pairs, the batch cannot be shared by the processes, or the
            weights to start from are those of a network of another size.
    """
    environment = current_environment(device=fabric.device.type)
    preset, device = config.numbers, fabric.device
    pairs = tuple(PairFolder(one) for one in config.pairs)
    kept = pairs[0] if len(pairs) == 1 else JoinedPairs(pairs)
    source = _live(pairs[0], config) if config.live else kept
    perceptual, embed, networks = _look_through(config, preset, device)
    nets = _nets(config, preset, device, networks)
    draws = PairDraws(
        source,
        preset.size,
        preset.augmentation,
        preset.binary,
        preset.schedule.batch,
        config.seed,
        rank=fabric.global_rank,
        ranks=fabric.world_size,
    )
    held_out = PairDraws(
        kept, preset.size, _AS_THEY_ARE, preset.binary, _LOOKED_AT, config.seed, held_out=True
    )
    steps = preset.schedule.steps or (preset.schedule.epochs or 1) * draws.steps_of_epoch
    course = Course(
        schedule=preset.schedule,
        steps=steps,
        seed=config.seed,
        checkpoint=folder / "checkpoint.pt",
        digest=_digest(config, preset, source, networks),
        every=config.checkpoint_every,
        validate=config.validate_every,
        workers=config.workers,
    )
    return GanRun(
        config=config,
        preset=preset,
        folder=folder,
        pairs=pairs,
        nets=nets,
        objective=build_objective(preset, perceptual, embed),
        draws=draws,
        held_out=held_out,
        embed=embed,
        course=course,
        networks=networks,
        environment=environment,
    )


def _look_through(
    config: TrainGan, preset: GanPreset, device: torch.device
) -> tuple[PerceptualNetwork | None, Embed | None, dict[str, str]]:
    """What losses and validation look through, and what it is in words."""
    weights, words = preset.losses.terms(), {}
    perceptual = embed = None
    if weights["perceptual"]:
        perceptual, words["perceptual loss"] = load_perceptual(config.perceptual, device)
    # A method without this loss is measured by the recognizer all the same.
    if weights.get("identity", 1.0):
        looks = "identity loss" if "identity" in weights else "identity, measured"
        embed, words[looks] = load_identity(config.recognizer, device)
    return perceptual, embed, words


def _nets(config: TrainGan, preset: GanPreset, device: torch.device, words: dict[str, str]) -> Nets:
    """Both networks as training finds them; ``words`` is told what it starts from."""
    torch.manual_seed(config.seed)  # the same on every process
    nets = build_nets(preset)
    generator = nets.generator
    if config.start is not None:
        generator, words["started from"] = _first_generator(config.start, preset)
    return Nets(generator.to(device), nets.discriminator.to(device))


def _first_generator(start: str, preset: GanPreset) -> tuple[FaceGenerator, str]:
    """The generator that is to be started from, and what it is in words."""
    path = weights_file(start)
    saved = open_generator(path, kind_of(preset.generator))
    if saved.net.size != preset.generator:
        expected, found = (str(asdict(one)) for one in (preset.generator, saved.net.size))
        raise BadOption(f"--start {start}, a generator of {found}", expected)
    what = f"{path.name} (sha256 {InputFile.of(path).sha256})"
    return saved.net.requires_grad_(requires_grad=True), what


def _live(pairs: PairFolder, config: TrainGan) -> PairSource:
    """The pairs made anew; batches are drawn on the CPU, wherever networks are trained."""
    from cfr.morphable.sources import load_model
    from cfr.pairs.live import LivePairs
    from cfr.parsing.sources import load_parser
    from results.pair_orders import NO_PARSER

    parser = None if config.parser == NO_PARSER else load_parser(config.parser)
    return LivePairs(pairs, load_model(config.model), parser)


def _digest(
    config: TrainGan, preset: GanPreset, source: PairSource, networks: dict[str, str]
) -> str:
    """Of everything that decides the run's result, but not where it lies or how it is watched.

    The number of processes is not in it: with as large a batch in all, a run may go on with another
    one, and ends close to where it would have.
    """
    what = {
        "preset": asdict(preset),
        "pairs": source.digest,
        "networks": networks,
        "seed": config.seed,
        "precision": config.precision,
    }
    return hashlib.sha256(canonical(what).encode()).hexdigest()
