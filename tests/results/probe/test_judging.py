"""What a probe says of recognizers fed wrongly: invented ones, and MobileFaceNet on LFW."""

import csv
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from protocols.lfw import load
from recognizers.sources import load_recognizer
from recognizers.templates import arcface, whole
from recognizers.types import Input
from recognizers.variations import AS_IS, MIRRORED, VARIATIONS, Flip, Variation
from results.export.faces import Points, fed
from results.probe.judging import ProbeReport, judge
from results.probe.pairs import ProbePairs, choose_pairs

STATED = Input("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5), arcface())
SWAPPED, UPSIDE_DOWN = VARIATIONS[0], VARIATIONS[2]
Embed = Callable[[Variation], np.ndarray]


def people(count: int) -> ProbePairs:
    """Two faces of each person: i and count + i."""
    whose = np.tile(np.arange(count), 2)
    one, other = np.triu_indices(2 * count, 1)
    genuine = whose[one] == whose[other]
    order = np.argsort(~genuine, kind="stable")
    left, right = one[order].astype(np.int32), other[order].astype(np.int32)
    faces = np.arange(2 * count, dtype=np.int32)
    return ProbePairs(faces, left, right, genuine[order], whose)


def network(
    pairs: ProbePairs,
    noise: dict[Variation, float],
    usual: float,
    *,
    seed: int = 0,
    fresh: float = 0.2,
) -> Embed:
    """A vector a person, and noise of each face: more or less of it under an input, partly anew."""
    rng = np.random.default_rng(seed)
    persons = rng.normal(size=(pairs.people.max() + 1, 64))
    always = rng.normal(size=(len(pairs.faces), 64))
    now = {one: rng.normal(size=always.shape) for one in (AS_IS, *VARIATIONS)}

    def embed(variation: Variation) -> np.ndarray:
        size = noise.get(variation, usual)
        rows = persons[pairs.people] + size * (always + fresh * now[variation])
        return rows.astype(np.float32)

    return embed


def told(embed: Embed, pairs: ProbePairs, stated: Input = STATED) -> ProbeReport:
    return judge("mine", embed, pairs, np.random.default_rng(0), stated)


def test_the_right_input_raises_no_alarm() -> None:
    pairs = people(60)
    report = told(network(pairs, {AS_IS: 0.8}, 1.2), pairs)
    assert (report.warnings, report.notes, report.pairs) == ([], [], 60)
    assert list(report.table) == [AS_IS, *VARIATIONS]
    assert report.table[AS_IS].difference == 0
    for one in VARIATIONS:
        row = report.table[one]
        assert row.difference == row.separation - report.table[AS_IS].separation < 0
        assert row.interval is not None
        assert row.interval.low < row.difference < row.interval.high < 0


@pytest.mark.parametrize("seed", range(3))
def test_inputs_that_are_all_the_same_raise_no_alarm(seed) -> None:
    pairs = people(60)
    assert told(network(pairs, {}, 1.0, seed=seed), pairs).warnings == []


@pytest.mark.parametrize(("colour", "other"), [("RGB", "BGR"), ("BGR", "RGB")])
def test_swapped_colours_are_mended_on_the_card(colour, other) -> None:
    pairs = people(60)
    stated = replace(STATED, colour=colour)
    (warning,) = told(network(pairs, {SWAPPED: 0.8}, 1.2), pairs, stated).warnings
    assert warning.startswith("mine: its input is probably wrong. With faces with red and blue")
    assert f'colour = "{other}" on the card' in warning
    assert colour in stated.words
    assert stated.words in warning


def test_the_best_input_is_named_and_the_others_after_it() -> None:
    pairs = people(60)
    higher, lower = VARIATIONS[5:7]
    (warning,) = told(network(pairs, {higher: 0.6, lower: 0.8}, 1.3), pairs).warnings
    assert "With faces 8 % higher" in warning
    assert "Better, too: 8 % lower." in warning
    assert "template" in warning


def test_a_wrong_turn_is_told() -> None:
    pairs = people(60)
    (warning,) = told(network(pairs, {UPSIDE_DOWN: 0.7}, 1.3), pairs).warnings
    assert "With faces upside down" in warning
    assert "are upside down." in warning


def test_a_gain_in_the_mirror_is_no_fault_that_could_be_mended() -> None:
    pairs = people(60)
    report = told(network(pairs, {MIRRORED: 0.7}, 1.3), pairs)
    row = report.table[MIRRORED]
    assert row.interval is not None
    assert row.interval.low > 0
    assert report.warnings == []


def test_a_small_gain_counts_for_colours_only() -> None:
    pairs = people(60)
    for variation, warns in ((SWAPPED, True), (MIRRORED, False)):
        embed = network(pairs, {variation: 0.965}, 1.0, fresh=0.01)
        report = told(embed, pairs)
        row = report.table[variation]
        assert row.interval is not None
        assert row.interval.low > 0
        assert 0.03 < row.difference / report.table[AS_IS].separation < 0.05
        assert bool(report.warnings) == warns


def test_a_gain_by_chance_raises_no_alarm() -> None:
    pairs = people(48)
    report = told(network(pairs, {}, 1.2, fresh=1.2, seed=26), pairs)
    stated = report.table[AS_IS].separation
    gains = [row.difference for one, row in report.table.items() if one != MIRRORED]
    assert max(gains) > 0.2 * stated
    assert report.warnings == []


def test_near_chance() -> None:
    pairs = people(60)
    report = told(network(pairs, {}, 8.0), pairs)
    assert 0 < report.table[AS_IS].separation < 1
    assert any("hardly tells people apart" in one for one in report.warnings)


def test_faces_that_their_mirror_image_does_not_resemble() -> None:
    pairs = people(60)
    plain = network(pairs, {}, 0.5)
    strange = network(pairs, {}, 0.5, seed=1)
    report = told(lambda one: strange(one) if one == MIRRORED else plain(one), pairs)
    (warning,) = report.warnings
    assert "mirrored faces are hardly more like themselves" in warning


def test_mirrored_faces_need_only_be_more_alike_than_strangers() -> None:
    pairs = people(60)
    embed = network(pairs, {}, 0.3, fresh=3.0)
    report = told(embed, pairs)
    assert not any("mirrored faces are hardly" in one for one in report.warnings)


def test_a_network_that_ignores_its_input() -> None:
    pairs = people(50)
    report = told(lambda _: np.ones((100, 8), np.float32), pairs)
    assert report.warnings == ["mine: it ignores its input: all strangers are equally alike"]
    assert not report.table


def test_too_few_people() -> None:
    pairs = people(47)
    report = told(network(pairs, {SWAPPED: 0.1}, 2.0), pairs)
    assert (report.warnings, report.table) == ([], {})
    assert "48 people" in report.notes[0]
    assert "47 of 47" in report.notes[0]


@pytest.mark.parametrize("broken", [np.nan, 0, np.inf])
def test_failed_faces_are_left_out(broken) -> None:
    pairs = people(60)
    embed = network(pairs, {SWAPPED: 0.8}, 1.2)
    rows = np.arange(0, 120, 17)

    def failing(variation: Variation) -> np.ndarray:
        found = embed(variation)
        if variation != UPSIDE_DOWN:
            found[rows] = broken
        return found

    report = told(failing, pairs)
    kept = ~np.isin(pairs.left, rows) & ~np.isin(pairs.right, rows)
    fewer = ProbePairs(
        pairs.faces, pairs.left[kept], pairs.right[kept], pairs.genuine[kept], pairs.people
    )
    wanted = told(embed, fewer)
    assert [one.separation for one in report.table.values()] == pytest.approx(
        [one.separation for one in wanted.table.values()]
    )
    assert len(report.warnings) == 1


def test_faces_that_fail_under_one_input_or_in_all() -> None:
    pairs = people(60)
    embed = network(pairs, {AS_IS: 0.8}, 1.2)

    def failing(broken: Variation) -> Embed:
        return lambda one: embed(one) * np.float32(np.nan if one == broken else 1)

    report = told(failing(UPSIDE_DOWN), pairs)
    assert UPSIDE_DOWN not in report.table
    assert report.notes == ["mine: nothing can be told of faces upside down"]
    report = told(failing(AS_IS), pairs)
    assert not report.table
    assert "0 of 0" in report.notes[0]


def test_faces_are_not_moved_in_pictures_taken_whole() -> None:
    pairs = people(50)
    asked: list[Variation] = []
    embed = network(pairs, {AS_IS: 0.8}, 1.2)

    def noting(variation: Variation) -> np.ndarray:
        asked.append(variation)
        return embed(variation)

    told(noting, pairs, replace(STATED, template=whole(112, 112)))
    assert asked == [AS_IS, *VARIATIONS[:3]]


def five_points(file: Path) -> dict[str, Points]:
    """RetinaFace's five points by photo."""
    columns = [
        f"{part}_{axis}" for part in ("leye", "reye", "nose", "lmouth", "rmouth") for axis in "xy"
    ]
    with file.open() as lines:
        return {
            row["image"]: Points(np.array([float(row[one]) for one in columns]).reshape(5, 2))
            for row in csv.DictReader(lines)
        }


@pytest.mark.slow
def test_mobilefacenet_on_lfw(shared: Path) -> None:
    """Fed rightly, with BGR in place of RGB, and with faces 8 % too low."""
    root = shared / "lfw"
    protocol = load(root, pairs=root / "lists" / "pairs_folds1to4.txt")
    recognizer = load_recognizer(
        "mobilefacenet", shared / "networks" / "foamliu_mobilefacenet", device="cpu", threads=1
    )
    points = five_points(root / "landmarks_retinaface_mnet025.csv")
    pairs = choose_pairs(protocol, 48, np.random.default_rng(0))
    photos = protocol.samples.photos
    faces = [
        (photos.read(face), points[str(photos.names[face]).rsplit("/", 1)[-1]])
        for face in protocol.samples.photo[pairs.faces].tolist()
    ]

    @cache
    def rightly(swapped: bool, flip: Flip, right: float, down: float, zoom: float) -> np.ndarray:
        variation = Variation("", swapped, flip, right, down, zoom)
        return recognizer.embed(fed(faces, recognizer, variation, smooth=False))

    def fault(swapped: bool = False, down: float = 0.0) -> list[str]:
        def embed(one: Variation) -> np.ndarray:
            lower = round(one.down + one.zoom * down, 9)
            return rightly(one.swapped != swapped, one.flip, one.right, lower, one.zoom)

        return told(embed, pairs, recognizer.input).warnings

    assert fault() == []
    (colours,) = fault(swapped=True)
    assert 'colour = "BGR" on the card' in colours
    (low,) = fault(down=0.08)
    assert "With faces 8 % higher" in low
