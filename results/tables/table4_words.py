"""What Table 4 from models says: its rows, rule, comparisons and notes."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from protocols.types import LandmarkProtocol
from results.paper import BASELINE, OURS, TABLES, paper_value
from results.record import Comparison
from results.tables import table4
from results.tables.landmark_scores import LandmarkScores
from results.tables.table4_crops import FOUND, NONE, OTHER, OVERLAP
from results.tables.table4_methods import FITTED_TO_FIVE, IN_CROP, TDDFA_TO_FIVE
from results.tables.table4_photos import CONDITIONS, Condition
from results.tables.table4_running import Predicted

LOSS = "{}: loss under occlusion"


def row_of(name: str, condition: Condition) -> str:
    """A method's row for a kind of photos."""
    return f"{name}, occluded" if condition == "occluded" else name


def conditions_of(name: str) -> tuple[Condition, ...]:
    """The kinds of photos that a row is measured on: one for what looks at no photo."""
    return CONDITIONS[:1] if name in (FITTED_TO_FIVE, TDDFA_TO_FIVE) else CONDITIONS


def rows_of(name: str) -> tuple[str, ...]:
    """A name's rows."""
    return tuple(row_of(name, condition) for condition in conditions_of(name))


def told_names(config: table4.Table4) -> tuple[str, ...]:
    """The controls that are told labelled points."""
    if "controls" not in config.others:
        return ()
    return (FITTED_TO_FIVE, TDDFA_TO_FIVE) if "tddfa" in config.others else (FITTED_TO_FIVE,)


def crop_rule(config: table4.Table4) -> str:
    """What places the crops, and the hands, in words for a table."""
    placed = "five original labelled points"
    if config.crop == "detected":
        placed = f"five points of {config.detector}, on the photo that the method sees"
    return (
        f"regressors' crops by {placed}; 'occluded' by hands around the original labelled points; "
        f"landmarks not clamped"
    )


def differences(
    scores: LandmarkScores, compared: Sequence[str], regressors: Sequence[str]
) -> Iterator[Comparison]:
    """All methods with each other, each with itself occluded, and what regressors lose.

    Args:
        scores: Of all rows.
        compared: The methods that were measured, without the controls.
        regressors: Those of them that are regressors.
    """
    for condition in CONDITIONS:
        rows = [row_of(name, condition) for name in compared]
        yield from scores.compare(itertools.combinations(rows, 2))
    both = {name: (name, row_of(name, "occluded")) for name in compared}
    yield from scores.compare((covered, clean) for clean, covered in both.values())
    pairs = [(both[a], both[b]) for a, b in itertools.combinations(regressors, 2)]
    yield from scores.compare_gains(pairs, LOSS)


def notes(
    config: table4.Table4,
    protocol: LandmarkProtocol,
    scores: LandmarkScores,
    predicted: Predicted,
    regressors: Sequence[str],
) -> Iterator[str]:
    """What a reader has to know, in sentences."""
    if config.world == "synthetic":
        yield (
            "Made-up people: the photos are drawn by the built-in face model, of which the "
            "regressors give coefficients. What this says of methods need not hold for photos of "
            "people."
        )
    if stand_ins := [one for one in config.regressor if one.partition("=")[0] in (BASELINE, OURS)]:
        named = [one.partition("=") for one in stand_ins]
        told = "; ".join(f"{row}: {Path(file).name}" for row, _, file in named)
        yield f"Rows under the paper's names are these networks, and none of the paper's: {told}."
    yield from table4.label_notes(protocol)
    yield table4.interval_note(config, with_intervals=scores.samples is not None)
    yield from _losses(scores, regressors)
    yield from _crops(config, predicted)
    if "controls" in config.others:
        yield (
            f"Controls: '{IN_CROP}' does not look at the photo and says what the crop's scale and "
            f"shift give away; '{FITTED_TO_FIVE}' maps the face model's mean face by the affine "
            f"map that fits five labelled points best, and says what those would give away: no "
            f"method sees them. It looks at no photo, so that hands do not concern it; "
            f"'{TDDFA_TO_FIVE}' is the same with the face model that the labels were made with."
        )
    yield (
        "Hands: one or two a photo, their kind's default options, a seed of its own from --seed "
        "and the image's name; each draw is a line of the file of hands among the inputs."
    )
    if (config.truth, config.bins) != ("original", "new-pose"):
        yield "The paper used --truth original --bins new-pose: its numbers are not these."
    if config.truth != "original":
        yield "Hands, crops by labels and the second control take the original points all the same."
    if not protocol.complete:
        yield f"Only {len(protocol.images):,} of the 2,000 images were scored."
    yield _papers()
    yield from (f"Warning: {one}" for one in predicted.warnings)


def _losses(scores: LandmarkScores, regressors: Sequence[str]) -> Iterator[str]:
    """How much each regressor loses under hands, as a part of what the first one loses."""
    if not regressors:
        return
    first = regressors[0], row_of(regressors[0], "occluded")
    at = scores.columns.index("Mean")
    for name in regressors[1:]:
        pair = name, row_of(name, "occluded")
        lost = [scores.values[b][at] - scores.values[a][at] for a, b in (pair, first)]
        told = (
            f"Under occlusion the Mean of {name} grows by {lost[0]:.3f}, that of {first[0]} by "
            f"{lost[1]:.3f}"
        )
        if lost[1] <= 0:
            yield f"{told}: no part of what is no loss."
            continue
        ratio, interval = scores.ratio(pair, first)
        between = "no interval: too few images, or the latter may be 0"
        if interval is not None:
            between = f"95 %: {interval.low:.3f} to {interval.high:.3f}"
        yield f"{told}: {ratio:.3f} of it ({between})."


def _crops(config: table4.Table4, predicted: Predicted) -> Iterator[str]:
    if config.crop == "truth":
        yield (
            "Crops by labels are the authors' way; they give away where the face is and how "
            "large, under hands too. The authors round eye centres down to whole pixels; these "
            "are not rounded."
        )
    others = [one for one in config.others if one != "controls"]
    if others:
        yield (
            "3DDFA-V2 and the fit never see the labels' crop: they start from the detector's face, "
            "whatever places the regressors' crops."
        )
    for condition, counts in predicted.faces.items():
        yield (
            f"{config.detector}, {condition} photos: the labelled face was found in "
            f"{counts[FOUND]:,}, no face in {counts[NONE]:,}, another face in {counts[OTHER]:,} "
            f"(the one nearest to the photo's middle is taken; it is another if its box and that "
            f"of the labelled points overlap by less than {OVERLAP:g}). In the latter two the "
            f"whole photo is the crop, and their errors stay in the means."
        )


def _papers() -> str:
    """The paper's own rows, which are other networks."""
    texts = []
    for row in TABLES["table4"].rows:
        value = paper_value("table4", row, "Mean")
        if value is not None and value.value is not None:
            texts.append(f"{row} {value.value:.3f}")
    return (
        f"The paper's Mean, for its own networks, all 2,000 images, labels' crops and hands of an "
        f"unpublished seed: {'; '.join(texts)}."
    )


def printed(
    config: table4.Table4, protocol: LandmarkProtocol, published: Sequence[str]
) -> Mapping[tuple[str, str], float]:
    """The paper's values that a row may be held against, by row and column.

    Only published weights under the paper's own name, on all original photos and by its
    conventions: its hands are not known. On the synthetic world, where nothing is the paper's, its
    numbers stand beside whatever has a row's name, as in its other tables.
    """
    if config.world == "synthetic":
        rows = TABLES["table4"].rows
        beside = {(row, column): one.value for row in rows for column, one in rows[row].items()}
        return {cell: value for cell, value in beside.items() if value is not None}
    conventions = (config.truth, config.bins, config.crop) == ("original", "new-pose", "truth")
    found: dict[tuple[str, str], float] = {}
    if not (conventions and protocol.complete):
        return found
    for row in (BASELINE, OURS):
        for column in TABLES["table4"].columns:
            value = paper_value("table4", row, column)
            if row in published and value is not None and value.value is not None:
                found[row, column] = value.value
    return found


def plain(config: table4.Table4, files: Mapping[str, str]) -> dict[str, str | int]:
    """The configuration without paths of this machine.

    Args:
        config: The options.
        files: Each regressor's file as typed.
    """
    named = [f"{name}={Path(file).name}" for name, file in files.items()]
    return {
        **table4.plain(config),
        "regressors": ", ".join(named),
        "others": ", ".join(config.others),
        "crop": config.crop,
        "detector": config.detector,
        "fit_points": config.fit_points,
        "model": config.model.partition(":")[0],
        "device": config.device,
        "world": config.world,
    }
