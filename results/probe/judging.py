"""Does a recognizer get the input that it was trained on? A probe of a few faces before a run.

Nothing says that channels are swapped or that a crop is off; accuracy is merely lower. The probe
takes a few dozen genuine pairs of the very protocol, embeds their faces as stated and in each of
:data:`recognizers.variations.VARIATIONS`, and compares how far genuine pairs stand out from all
pairs of strangers among these faces. An input that tells people apart clearly better than the one
stated is probably the right one.

What it can find was measured on LFW: see :data:`PAIRS`. It cannot find what costs a recognizer
next to nothing: a mirrored crop (MobileFaceNet and dlib's ResNet tell people apart equally well in
a mirror), or faces 15 % too large for dlib's. Wrong means and standard deviations are not tried,
nor is a crop squeezed in one direction, nor a picture taken whole moved. Of several faults the
gravest is told; the others show once it is mended.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Float64

from eval.intervals import Interval
from eval.separation import compare, separation
from eval.units import Units
from recognizers.types import Input
from recognizers.variations import AS_IS, MIRRORED, VARIATIONS, Variation
from results.probe.pairs import ProbePairs, choose_pairs

__all__ = ["AS_IS", "PAIRS", "ProbePairs", "ProbeReport", "ProbeRow", "choose_pairs", "judge"]

PAIRS = 64
"""How many genuine pairs it takes. Measured on the pairs of LFW's folds 1 to 4: 60 random choices
of people with MobileFaceNet and 40 with dlib's ResNet (out of 170 pairs). With the right input no
choice raised an alarm. With 64 pairs (with 48), this share of them told what was wrong, in percent:

=====================  =============  =============
stated wrongly         MobileFaceNet  dlib's ResNet
=====================  =============  =============
red and blue swapped   98 (92)        92 (70)
upside down            100 (100)      100 (100)
8 % off, any side      100 (100)      100 (98)
13 % too small         100 (98)       72 (62)
15 % too large         98 (90)        12 (2)
mirrored               0              0
=====================  =============  =============
"""
FEWEST = 48
"""With fewer genuine pairs, or people, nothing is said: on 30 photos with and without a mask pasted
on, sound recognizers looked better in the mirror, or with larger faces."""
LEVEL = 0.99
"""Of the intervals of differences."""
RESAMPLES = 1000
_COLOUR, _PLACE = 0.03, 0.05
"""The least gain that is told, as a part of the separation as stated. Sound recognizers are a bit
better in the mirror, or with faces a bit larger, on some photos and not on others: dlib's by 1.5 %
in the mirror. With swapped colours they are not."""
CHANCE = 1.0
"""Genuine pairs that stand out by fewer standard deviations of strangers hardly do. On LFW, grey
levels alone give 0.6, MobileFaceNet with upside-down faces 1.5, with upright ones 6.4."""


@dataclass(frozen=True)
class ProbeRow:
    """What one input does.

    Attributes:
        separation: See :func:`eval.separation.separation`.
        difference: From the input as stated.
        interval: Of the difference, at :data:`LEVEL`; None where resampling says nothing.
    """

    separation: float
    difference: float = 0.0
    interval: Interval | None = None

    def clearly_better(self, stated: float, least: float) -> bool:
        """Whether the gain is real, and at least such a part of the separation as stated."""
        real = self.interval is not None and self.interval.low > 0
        return real and self.difference >= least * abs(stated)


@dataclass(eq=False)
class ProbeReport:
    """What a probe found.

    Attributes:
        name: The recognizer.
        pairs: How many genuine pairs were looked at.
        table: What each input does, the one stated first; empty where nothing could be told.
        warnings: What is probably wrong, and how to mend it.
        notes: Why something could not be told, where that is so.
    """

    name: str
    pairs: int
    table: dict[Variation, ProbeRow] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(
    name: str,
    embed: Callable[[Variation], Float32[np.ndarray, "f d"]],
    pairs: ProbePairs,
    rng: np.random.Generator,
    stated: Input,
) -> ProbeReport:
    """Compare the input as stated with its variations, and say what is probably wrong.

    Args:
        name: The recognizer, for messages.
        embed: A row for each of ``pairs.faces`` under a variation; rows that are not finite, or
            zero, are failures.
        pairs: What is compared.
        rng: Where the resamples come from.
        stated: What the recognizer says that it expects.
    """
    report = ProbeReport(name, int(pairs.genuine.sum()))
    faces = _units(embed(AS_IS))
    scores = _cosines(faces, pairs)
    if lacking := _too_few(scores, pairs):
        report.notes.append(f"{name} was not probed: {lacking}")
        return report
    separate = separation(scores, pairs.genuine)
    if separate is None:
        report.warnings.append(f"{name}: it ignores its input: all strangers are equally alike")
        return report
    report.table[AS_IS] = ProbeRow(separate)
    for variation in VARIATIONS:
        if not variation.applies(stated.template):
            continue
        varied = _units(embed(variation))
        row = _compare(scores, _cosines(varied, pairs), pairs, rng)
        if row is None:
            report.notes.append(f"{name}: nothing can be told of faces {variation.name}")
            continue
        report.table[variation] = row
        if variation == MIRRORED:
            report.warnings.extend(_in_the_mirror(name, faces, varied, scores[~pairs.genuine]))
    report.warnings[:0] = _warnings(report, stated)
    return report


def _units(rows: Float32[np.ndarray, "f d"]) -> Float64[np.ndarray, "f d"]:
    """Rows of length 1; NaN where a row has no direction."""
    wide = rows.astype(np.float64)
    length = np.linalg.norm(wide, axis=1)
    known = np.isfinite(length) & (length > 0)
    wide[~known], length[~known] = np.nan, 1
    return wide / length[:, None]


def _cosines(units: Float64[np.ndarray, "f d"], pairs: ProbePairs) -> Float64[np.ndarray, " p"]:
    return np.einsum("pd,pd->p", units[pairs.left], units[pairs.right])


def _too_few(scores: np.ndarray, pairs: ProbePairs) -> str:
    """What a verdict lacks, in words; empty if there is enough."""
    known = np.isfinite(scores) & pairs.genuine
    count, people = int(known.sum()), len(np.unique(pairs.people[pairs.left[known]]))
    if count >= FEWEST and people >= FEWEST:
        return ""
    return (
        f"that takes {FEWEST} genuine pairs of {FEWEST} people whose faces can be embedded, and "
        f"there are {count} of {people}"
    )


def _compare(
    stated: np.ndarray, varied: np.ndarray, pairs: ProbePairs, rng: np.random.Generator
) -> ProbeRow | None:
    """A row of the table; None where too few faces could be embedded, or all look the same."""
    if _too_few(stated + varied, pairs):
        return None
    units = Units(pairs.left, pairs.right, pairs.people)
    how = {"resamples": RESAMPLES, "rng": rng, "level": LEVEL}
    found = compare(stated, varied, pairs.genuine, units, **how)
    return found and ProbeRow(found.second, found.difference, found.interval)


def _warnings(report: ProbeReport, stated: Input) -> Iterator[str]:
    """Whether another input is clearly better, or the one stated of no use."""
    name, before = report.name, report.table[AS_IS].separation
    better = [
        one
        for one, row in report.table.items()
        if one != MIRRORED  # no fault shows as this one, so that it could only be a false alarm
        and row.clearly_better(before, _COLOUR if one.swapped else _PLACE)
    ]
    better.sort(key=lambda one: -report.table[one].difference)
    if better:
        best, *others = better
        after = report.table[best].separation
        also = f" Better, too: {', '.join(one.name for one in others)}." if others else ""
        yield (
            f"{name}: its input is probably wrong. With faces {best.name}, genuine pairs stand out "
            f"by {after:.1f} standard deviations of strangers; as stated ({stated.words}), by "
            f"{before:.1f}.{also} {_mend(best, stated)}"
        )
    elif before < CHANCE:
        yield (
            f"{name}: it hardly tells people apart. Genuine pairs stand out by {before:.1f} "
            f"standard deviations of strangers. Are these the right weights, faces and facial "
            f"points? Is the input right that is stated ({stated.words})?"
        )


def _mend(best: Variation, stated: Input) -> str:
    """What to do if a variation is right, for a recognizer from a file."""
    if best.swapped:
        other = "RGB" if stated.colour == "BGR" else "BGR"
        return f'Write colour = "{other}" on the card beside the weights (mine.onnx: mine.toml).'
    if best.flip:
        return "Check whether the pictures, or the facial points, are upside down."
    return (
        "Name the template that it was trained with on the card beside the weights (mine.onnx: "
        "mine.toml), or check the facial points."
    )


def _in_the_mirror(
    name: str, faces: np.ndarray, mirrored: np.ndarray, strangers: np.ndarray
) -> Iterator[str]:
    """Whether faces are as far from themselves in the mirror as from other people."""
    themselves = np.einsum("fd,fd->f", faces, mirrored)
    scores = np.concatenate((themselves, strangers))
    apart = separation(scores, np.arange(len(scores)) < len(themselves))
    if apart is not None and apart < CHANCE:
        yield (
            f"{name}: mirrored faces are hardly more like themselves ({apart:.1f} standard "
            f"deviations) than strangers are. Do not pool them with the faces (F1), and check "
            f"whether faces are upright and in the middle of their crops."
        )
