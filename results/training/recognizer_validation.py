"""How a recognizer is measured while it trains: pairs of faces, cut once, embedded each time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import nn

from protocols.errors import BadOption
from protocols.roots import artifacts_folder
from protocols.types import VerificationProtocol
from recognizers.precision import exact
from recognizers.templates import arcface
from recognizers.training.arcface import scaled
from recognizers.types import Device
from results.embeddings import Embeddings, no_direction
from results.export.contents import Contents
from results.export.faces import cut
from results.export.locating import Setup, choose_source, locate
from results.export.mapping import Workers
from results.export.work import Show
from results.loading import Source, load_verification
from results.systems import Draws, Measured
from results.training.recognizer_data import Crop
from results.verification import ACCURACY, Settings, score

_BATCH = 128
_FARS = (1e-3, 1e-2)
_ROW = "network"
_SPREAD = f"{ACCURACY} std"


@dataclass(frozen=True, eq=False)
class Judging:
    """Faces to validate with.

    Attributes:
        name: What curves call it.
        protocol: Says which pairs there are.
        crops: ``(n, s, s, 3)`` each face as the network sees it; black where the photo is absent.
        landmarks: Where the facial points come from.
    """

    name: str
    protocol: VerificationProtocol
    crops: UInt8[np.ndarray, "n s s 3"]
    landmarks: str


def judging_of_crops(protocol: VerificationProtocol, size: int) -> Judging:
    """Faces that are aligned crops already.

    Args:
        protocol: Whose photos they are.
        size: Pixels a side.

    Raises:
        BadInput: A photo cannot be read.
    """
    crop, rng = Crop(size, 0.0), np.random.default_rng(0)
    samples = protocol.samples
    crops = [crop(samples.photos.read(at), rng) for at in samples.photo.tolist()]
    return Judging(protocol.name, protocol, np.stack(crops), "aligned")


def judging_of_protocol(
    name: str, landmarks: str, size: int, device: Device, show: Show
) -> Judging:
    """The faces of a protocol that ``evaluate.py`` knows, found and cut as there.

    Args:
        name: Of the protocol, or its file.
        landmarks: Where facial points come from.
        size: Pixels a side.
        device: Where a detector runs.
        show: Progress.

    Raises:
        DatasetUnavailable, PackageUnavailable: The protocol, a photo or a detector is absent.
        BadInput: A file is malformed.
        BadOption: It has several splits, or is no protocol of verification.
    """
    source = Source(name)
    protocol, *others = load_verification(source)
    if others:
        raise BadOption(f"--validate-on {name}", "a protocol without splits")
    contents = Contents.of(protocol.samples)
    chosen = choose_source(landmarks, protocol.samples)
    cache = artifacts_folder() / "cache"
    setup = Setup(chosen, None, "centre", device, Workers(1), cache)
    places = locate(contents, setup, show, dense=False)
    crops = np.zeros((len(protocol.samples), size, size, 3), np.uint8)
    for row in contents.present.tolist():
        points = None if places.whole else places.points(row, dense=False)
        photo = contents.photo(row).read()
        crops[row] = cut(photo, points, arcface(size), smooth=False)[0]
    return Judging(source.name, protocol, crops, chosen)


def measure(
    network: nn.Module, judging: Judging, device: torch.device, draws: Draws
) -> dict[str, Measured]:
    """Accuracy over folds, AUC, EER and TAR of a network's flip-sums, in percent.

    Args:
        network: In evaluation mode.
        judging: The faces.
        device: Where the network is.
        draws: The bootstrap behind intervals.
    """
    sides = [
        embed_crops(network, one, device) for one in (judging.crops, judging.crops[:, :, ::-1])
    ]
    failed = no_direction(*sides) & ~judging.protocol.samples.absent
    given = Embeddings(_ROW, sides[0], sides[1], failed, ())
    settings = Settings(_FARS, "nearest", "grid", (), draws)
    return score(judging.protocol, [given], settings).values[_ROW]


def curves_of(
    network: nn.Module, judgings: Sequence[Judging], device: torch.device
) -> Iterator[tuple[str, float]]:
    """Name and value in percent of everything that can be measured, without intervals."""
    for one in judgings:
        for column, measured in measure(network, one, device, Draws(0)).items():
            if measured.value is not None and column != _SPREAD:
                yield f"{column}, {one.name}", measured.value


def intervals_of(
    network: nn.Module, judgings: Sequence[Judging], device: torch.device, draws: Draws
) -> Mapping[str, str]:
    """For a card: each protocol's values with what a bootstrap of people says of them."""
    told = {}
    for one in judgings:
        words = [
            f"{column} {found.value:.2f}{_between(found)}"
            for column, found in measure(network, one, device, draws).items()
            if found.value is not None
        ]
        told[f"{one.name}, %"] = (
            f"{'; '.join(words)} ({len(one.protocol.pairs):,} pairs; facial points: "
            f"{one.landmarks}; in brackets 95 % of {draws.resamples:,} resamples of people)"
        )
    return told


@torch.no_grad()
def embed_crops(
    network: nn.Module, crops: UInt8[np.ndarray, "n s s 3"], device: torch.device
) -> Float32[np.ndarray, "n d"]:
    """Embed RGB crops, in full precision."""
    answers = []
    with exact():
        for start in range(0, len(crops), _BATCH):
            part = np.ascontiguousarray(crops[start : start + _BATCH].transpose(0, 3, 1, 2))
            answers.append(network(scaled(torch.from_numpy(part).to(device))).float().cpu().numpy())
    return np.concatenate(answers)


def _between(found: Measured) -> str:
    return "" if found.interval is None else " ({:.2f}–{:.2f})".format(*found.interval)
