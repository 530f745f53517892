"""The pipeline: landmarks → [frontalizer] → align → embed → cache, for any protocol's faces.

What comes out are :class:`results.embeddings.Embeddings`, a set for each combination of recognizer
and frontalizer, to be scored like anybody's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from cfr.frontalizers.sources import NONE, check_name
from cfr.frontalizers.sources import title as frontalizer_title
from protocols.errors import BadOption
from results.export.mapping import Workers
from results.export.work import Show, no_bar

if TYPE_CHECKING:  # what computes is imported when something is computed
    from protocols.types import IdentificationProtocol, VerificationProtocol
    from recognizers.variations import Variation
    from results.embeddings import Embeddings
    from results.export.exporter import Exporter, Way
    from results.export.locating import Setup
    from results.probe.judging import ProbeReport

Failure = Literal["keep-original", "drop", "zero"]
"""What becomes of a face that was not found, or could not be frontalized: it is embedded as it is
(not frontalized; where none was found, from where one would be expected); it fails to enrol, so
that no threshold accepts it; or its vector is zeros, alike to none."""
NO_FACE, NOT_TURNED = "no face", "not turned"
_PROBE_SEED = 0


@dataclass(frozen=True)
class Embedding:
    """How faces become embeddings."""

    landmarks: str = "auto"
    """Where facial points come from: published, aligned (each photo is ArcFace's crop already),
    dlib, dlib-hog, insightface, retinaface, sidecar, tddfa. By default what the protocol
    published, aligned for a .bin, dlib for all others."""
    landmarks_root: Path | None = None
    """Folder of the detector's weights, or the points' files of sidecar."""
    several: Literal["centre", "largest"] = "centre"
    """Which of several faces, where the protocol has no box: the nearest to the middle, or the
    largest. With a box it is the face that overlaps it most."""
    no_face: Failure = "keep-original"
    """What becomes of a photo in which no face was found: keep-original cuts it where a face would
    be expected, drop lets it fail to enrol, zero makes it alike to none. It is counted."""
    not_turned: Failure = "keep-original"
    """What becomes of a face that could not be frontalized; it is counted."""
    mirrored: bool = True
    """Embed the mirrored face too, for the flip-sum."""
    probe: bool = True
    """Before the run, see on a few pairs whether another input would serve a recognizer better."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where networks run; auto takes CUDA where there is one."""
    jobs: int = 0
    """Processes; 0 for as many as there are cores."""
    cluster: str | None = None
    """Address of a Dask scheduler to work on instead, such as tcp://10.0.0.5:8786."""
    cache: Path | None = None
    """Folder of what was computed before; artifacts/cache by default."""

    def __post_init__(self) -> None:
        """Refuse what cannot be worked with."""
        if self.jobs < 0:
            raise BadOption(f"--jobs {self.jobs}", "0 for all cores, or how many processes")


@dataclass(frozen=True)
class Chosen:
    """A recognizer and what is put before it.

    Attributes:
        recognizer: A name or file that ``recognizers.sources.load_recognizer`` knows.
        frontalizer: A name that ``cfr.frontalizers.sources`` knows, or ``none``.
        root: Folder of the recognizer's weights, if not the usual place.
        title: What tables call it; the recognizer's and frontalizer's names by default.
    """

    recognizer: str
    frontalizer: str = NONE
    root: Path | None = None
    title: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no frontalizer."""
        check_name(self.frontalizer)


@dataclass(frozen=True, eq=False)
class Exported:
    """The embeddings of a protocol's faces, and how they came about.

    Attributes:
        embeddings: One set a system, in the order asked for.
        exporter: For crops to look at.
        ways: How each system embeds a face.
        weights: sha256 of each recognizer's weights, by its name.
        inputs: What each recognizer states of its input, by its name.
        systems: What was asked for, in the order of the embeddings.
        landmarks: Where the facial points come from.
        probes: What the sanity probes found.
    """

    embeddings: list["Embeddings"]
    exporter: "Exporter"
    ways: Sequence["Way"]
    systems: Sequence[Chosen]
    weights: dict[str, str]
    inputs: dict[str, str]
    landmarks: str
    probes: list["ProbeReport"] = field(default_factory=list)


def embed(
    protocol: "VerificationProtocol | IdentificationProtocol",
    systems: Sequence[Chosen],
    options: Embedding,
    show: Show = no_bar,
) -> Exported:
    """Embed every face of a protocol by every system.

    What was computed before is not computed again; what is computed is kept, whatever stops the
    run. The answers do not depend on the number of workers, nor on what was in the cache.

    Args:
        protocol: Its faces are embedded, each once.
        systems: What embeds them.
        options: How.
        show: Progress.

    Raises:
        BadInput: A photo or a weight file is damaged.
        BadOption: A name is unknown, or an option does not fit the protocol.
        DatasetUnavailable, PackageUnavailable: Weights are absent.
    """
    from recognizers.variations import AS_IS
    from results.export.contents import Contents
    from results.export.exporter import Exporter, Way
    from results.export.loaded import recognizer_of
    from results.export.locating import choose_source, locate

    setup = _setup(options, choose_source(options.landmarks, protocol.samples))
    ways = [Way(one.recognizer, one.root, AS_IS) for one in systems]
    recognizers = [recognizer_of(one.recognizer, one.root, options.device) for one in systems]
    turning = any(one.frontalizer != NONE for one in systems)
    dense = turning or any(bool(one.input.template.dense) for one in recognizers)
    contents = Contents.of(protocol.samples)
    places = locate(contents, setup, show, dense=dense)
    exporter = Exporter(contents, places, setup, show)
    titles = _titles(ways, [one.name for one in recognizers])
    names = _names(systems, titles)
    exported = Exported(
        embeddings=[],
        exporter=exporter,
        ways=ways,
        systems=systems,
        weights={
            title: one.identity.get("weights", "")
            for title, one in zip(titles, recognizers, strict=True)
        },
        inputs={title: one.input.words for title, one in zip(titles, recognizers, strict=True)},
        landmarks=setup.landmarks,
    )
    if options.probe:
        exported.probes.extend(_probe(protocol, exporter, dict(zip(ways, titles, strict=True))))
    _export_all(exporter, systems, ways, options)
    for name, system, way in zip(names, systems, ways, strict=True):
        found = _assemble(exporter, name, system, way, options, turning=turning)
        exported.embeddings.append(replace(found, against=_base(system, systems, names)))
    return exported


def _setup(options: Embedding, landmarks: str) -> "Setup":
    from protocols.roots import artifacts_folder
    from results.export.locating import Setup

    return Setup(
        landmarks=landmarks,
        landmarks_root=options.landmarks_root,
        several=options.several,
        device=options.device,
        workers=Workers(options.jobs, options.cluster),
        cache=options.cache or artifacts_folder() / "cache",
    )


def _titles(ways: Sequence["Way"], recognizers: Sequence[str]) -> list[str]:
    """What to call each recognizer: its name, with its folder where another file's is the same."""
    named = dict(zip(ways, recognizers, strict=True))
    again = {name for name in named.values() if list(named.values()).count(name) > 1}
    titles = {
        way: f"{Path(way.recognizer).parent.name}/{name}" if name in again else name
        for way, name in named.items()
    }
    return [titles[way] for way in ways]


def _names(systems: Sequence[Chosen], titles: Sequence[str]) -> list[str]:
    """What tables call each system; names that are equal still get a number."""
    names: list[str] = []
    for system, title in zip(systems, titles, strict=True):
        turned = "" if system.frontalizer == NONE else f", {frontalizer_title(system.frontalizer)}"
        name = system.title or title + turned
        again = sum(one == name or one.startswith(f"{name} (") for one in names)
        names.append(f"{name} ({again + 1})" if again else name)
    return names


def _base(system: Chosen, systems: Sequence[Chosen], names: Sequence[str]) -> str | None:
    """What a frontalized system is compared with: the same recognizer without, if it is there."""
    plain = replace(system, frontalizer=NONE, title="")
    for other, name in zip(systems, names, strict=True):
        if replace(other, title="") == plain and other is not system:
            return name
    return None


def _probe(
    protocol: "VerificationProtocol | IdentificationProtocol",
    exporter: "Exporter",
    ways: Mapping["Way", str],
) -> Iterator["ProbeReport"]:
    """See for each recognizer whether another input would serve it better."""
    from results.probe.judging import PAIRS, choose_pairs, judge

    pairs = choose_pairs(protocol, PAIRS, np.random.default_rng(_PROBE_SEED))
    for way, title in ways.items():
        recognizer = exporter.recognizer(way)

        def vectors(variation: "Variation", way: "Way" = way) -> np.ndarray:
            varied = replace(way, variation=variation)
            return exporter.vectors([varied], NONE, pairs.faces.astype(np.int64))[0]

        rng = np.random.default_rng(_PROBE_SEED)
        yield judge(title, vectors, pairs, rng, recognizer.input)


def _export_all(
    exporter: "Exporter", systems: Sequence[Chosen], ways: Sequence["Way"], options: Embedding
) -> None:
    """Compute what is lacking: each face is restored once for all recognizers."""
    present = exporter.contents.present
    rows = present[exporter.places.found[present]]
    for frontalizer in dict.fromkeys(one.frontalizer for one in systems):
        those = [
            side
            for one, way in zip(systems, ways, strict=True)
            if one.frontalizer == frontalizer
            for side in _sides(way, options)
        ]
        exporter.compute(list(dict.fromkeys(those)), frontalizer, rows)


def _sides(way: "Way", options: Embedding) -> list["Way"]:
    """The face as it is, and mirrored if that is wanted."""
    from recognizers.variations import MIRRORED

    return [way, replace(way, variation=MIRRORED)] if options.mirrored else [way]


def _assemble(
    exporter: "Exporter",
    name: str,
    system: Chosen,
    way: "Way",
    options: Embedding,
    *,
    turning: bool,
) -> "Embeddings":
    """One system's vectors of all faces, failures treated as the options say."""
    from results.embeddings import Embeddings, no_direction

    present, found = exporter.contents.present, exporter.places.found
    count, size = len(found), exporter.recognizer(way).dimension
    ways = _sides(way, options)
    sides = [np.full((count, size), np.nan, np.float32) for _ in ways]

    def fill(rows: np.ndarray, frontalizer: str) -> None:
        for side, vectors in zip(sides, exporter.vectors(ways, frontalizer, rows), strict=True):
            side[rows] = vectors

    seen, unseen = present[found[present]], present[~found[present]]
    fill(seen, system.frontalizer)
    unturned = seen[~np.isfinite(sides[0][seen]).all(axis=1)]
    zeroed = np.zeros(count, bool)
    for rows, policy in ((unseen, options.no_face), (unturned, options.not_turned)):
        if policy == "keep-original":
            fill(rows, NONE)
        elif policy == "zero":
            zeroed[rows] = True
            for side in sides:
                side[rows] = 0
    mirrored = sides[1] if options.mirrored else None
    # A vector of zeros, or one that its mirror image cancels, has no direction.
    failed = no_direction(sides[0], mirrored) & ~zeroed & ~exporter.contents.samples.absent
    return Embeddings(
        name=name,
        faces=sides[0],
        mirrored=mirrored,
        failed=failed,
        inputs=(),
        zeroed=zeroed,
        counts={NO_FACE: len(unseen)} | ({NOT_TURNED: len(unturned)} if turning else {}),
    )
