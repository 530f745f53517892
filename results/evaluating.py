"""Any recognizer, behind any frontalizer, on any protocol: embedded, scored, explained."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cfr.frontalizers.sources import NONE
from protocols.errors import BadOption
from results.export.work import Show, distinct, no_bar
from results.loading import Source
from results.pipeline import NO_FACE, NOT_TURNED, Chosen, Embedding, Exported, embed
from results.scoring import Scoring, Whole, load_protocols, score

if TYPE_CHECKING:  # what computes is imported when something is computed
    from protocols.types import VerificationProtocol
    from results.embeddings import Embeddings
    from results.scoring import Protocol
    from results.systems import Scored


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What came of an evaluation.

    Attributes:
        whole: The protocol and everything that was measured on it.
        exported: The embeddings of each split.
        warnings: What is probably wrong.
    """

    whole: Whole
    exported: Sequence[Exported]
    warnings: tuple[str, ...]

    @property
    def scored(self) -> "Scored":
        """What was measured, over all splits."""
        return self.whole.scored

    @property
    def protocols(self) -> Sequence["Protocol"]:
        """The protocol; several where it has splits."""
        return self.whole.protocols

    @property
    def verified(self) -> Sequence["VerificationProtocol"]:
        """The splits of a protocol of verification; none of one of identification."""
        from protocols.types import VerificationProtocol

        return [one for one in self.protocols if isinstance(one, VerificationProtocol)]


def evaluate(
    source: Source,
    systems: Sequence[Chosen],
    options: Embedding,
    scoring: Scoring,
    show: Show = no_bar,
) -> Evaluated:
    """Embed the faces of a protocol by every system, and score it.

    Args:
        source: Which protocol.
        systems: Recognizers and what is put before them. A frontalized one is compared with the
            same recognizer without, where that is among them; others with the first.
        options: How faces become embeddings.
        scoring: What is read off.
        show: Progress.

    Raises:
        BadOption: A name is unknown, options do not fit the protocol, or a system is named twice.
        DatasetUnavailable, PackageUnavailable: The protocol or weights are absent.
        BadInput: A file is damaged.
    """
    from results.systems import choose_poolings

    if not systems or len(set(systems)) < len(systems):
        raise BadOption("--recognizer, --frontalizer", "at least one of each, each once")
    protocols = load_protocols(source, "refuse")
    for protocol in protocols:  # before hours of work, not after
        choose_poolings(scoring.pooling, protocol.samples, flip=options.mirrored)
    found: list[Exported] = []

    def given(protocol: "Protocol") -> Sequence["Embeddings"]:
        # The input is the same in every split: it is probed once.
        probing = replace(options, probe=options.probe and not found)
        found.append(embed(protocol, systems, probing, show))
        return found[-1].embeddings

    whole = score(source, protocols, given, scoring)
    notes = tuple(f"{note}." for note in _notes(found, options))
    return Evaluated(replace(whole, notes=notes), found, tuple(dict.fromkeys(_warnings(found))))


def _notes(found: Sequence[Exported], options: Embedding) -> Iterator[str]:
    """Sources, policies and counts over all splits, in sentences."""
    for name, stated in found[0].inputs.items():
        yield f"{name} is fed {stated}"
    faces = sum(len(one.exporter.contents.samples) for one in found)
    present = sum(len(one.exporter.contents.present) for one in found)
    lost = sum(one.embeddings[0].counts[NO_FACE] for one in found)
    absent = f"the photos of {faces - present:,} faces are absent; " if present < faces else ""
    yield (
        f"Facial points: {found[0].landmarks}; {absent}{present - lost:,} of {present:,} faces "
        f"found, {lost:,} not (then: {options.no_face})"
    )
    for index, system in enumerate(found[0].systems):
        if system.frontalizer != NONE:
            unturned = sum(one.embeddings[index].counts[NOT_TURNED] for one in found)
            yield (
                f"{found[0].embeddings[index].name}: {present - lost - unturned:,} faces "
                f"frontalized, {unturned:,} could not be (then: {options.not_turned})"
            )
    for report in found[0].probes:
        yield from (note.rstrip(".") for note in report.notes)


def _warnings(found: Sequence[Exported]) -> Iterator[str]:
    """What is probably wrong: with the input, with the answers, with the cache."""
    from eval.duplicates import collapsed

    for exported in found:
        for report in exported.probes:
            yield from report.warnings
        exporter = exported.exporter
        present = exporter.contents.present
        _, first, _ = distinct([exporter.contents.digests[row] for row in present.tolist()])
        rows, samples = present[first], exporter.contents.samples
        names = [str(samples.photos.names[int(samples.photo[row])]) for row in rows.tolist()]
        for one in exported.embeddings:
            if told := collapsed(one.faces[rows]).words(one.name, names):
                yield told
        yield from exporter.places.warnings
        yield from exporter.warnings
