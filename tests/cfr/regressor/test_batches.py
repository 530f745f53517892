"""Batches: each from its seed and step alone, of the samples asked for, changed as asked for.

A sample's number is the blue of all its pixels, so that each is known again in a batch.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cfr.morphable.model import MorphableModel
from cfr.regressor.batches import Batch, Draws
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.presets import Augmentation, Mix
from cfr.regressor.samples import KINDS, Frame, Sample, SampleFiles, save_samples
from cfr.training.reading_ahead import read_ahead
from protocols.errors import BadInput, BadOption

FRAME = Frame(crop=40, wide=56)
INNER = slice(8, 48)
EVEN = Mix(photo=0.5, turned=0.25, render=0.25)
NOTHING = Augmentation()
HANDS = Augmentation(occluded=1.0)
PEOPLE = 40
Make = Callable[..., Draws]


def sample(model: MorphableModel, number: int) -> Sample:
    """Photos are 0 to 39, turned ones 40 to 79, renders 80 to 119; every third one is masked."""
    rng, layout = np.random.default_rng(number), model.layout()
    coefficients = layout.zeros(1).parts()
    deviations = {"rotation": 0.4, "translation": 0.08, "lighting": 0.2}
    for name, part in coefficients.items():
        drawn = rng.normal(0, deviations.get(name, 1.0), part.shape)
        coefficients[name] = torch.from_numpy(drawn).float()
    vector = torch.cat(list(coefficients.values()), dim=1)
    seen = project_landmarks(model, layout.split(vector), FRAME.wide_camera)[0].numpy()
    image = rng.integers(0, 256, (FRAME.wide, FRAME.wide, 3), dtype=np.uint8)
    image[..., 2] = number
    masked = image.copy()
    masked[20:, :, :2] = 255
    return Sample(
        image=image,
        masked=masked if number % 3 == 0 else None,
        points=seen,
        coefficients=vector[0].numpy(),
        kind=KINDS[number // PEOPLE],
        estimated=number % 2 == 0,
        source=number % PEOPLE,
    )


@pytest.fixture(scope="module")
def files(small_model: MorphableModel, tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    folder = tmp_path_factory.mktemp("samples")
    samples = [sample(small_model, number) for number in range(3 * PEOPLE)]
    paths = [folder / "one", folder / "two"]
    save_samples(paths[0], samples[:50], small_model.digest)
    save_samples(paths[1], samples[50:], small_model.digest)
    return SampleFiles(paths, small_model.digest, FRAME.wide)


@pytest.fixture(scope="module")
def make(small_model: MorphableModel, files: SampleFiles) -> Make:
    def make(amounts: Augmentation = NOTHING, mix: Mix = EVEN, **more: Any) -> Draws:
        options = {"files": files, "batch": 16, "seed": 3, **more}
        return Draws(model=small_model, frame=FRAME, mix=mix, amounts=amounts, **options)

    return make


def numbers(batch: Batch) -> np.ndarray:
    return (255 * batch.clean[:, 2, 20, 20]).round().int().numpy()


def assert_same(one: Batch, other: Batch) -> None:
    for name, a, b in zip(Batch._fields, one, other, strict=True):
        # A vector is moved with others, and products of another size round otherwise.
        near = 1e-4 if name == "vector" else 1e-6
        torch.testing.assert_close(a, b, atol=near, rtol=near, msg=name)


EVERYTHING = Augmentation(
    occluded=0.7,
    occluders=(("hand", 0.6), ("worn", 0.2), ("erasing", 0.2)),
    jitter=0.5,
    jitter_by=(0.3, 0.3, 0.3, 0.05),
    coarse=0.3,
    turned=0.3,
    framed=0.3,
    shift=10.0,
    scale=0.1,
    tilt=10.0,
    flip=0.5,
    erased=0.3,
)


def test_unchanged_samples_are_cut_from_the_middle(make: Make, files: SampleFiles) -> None:
    batch = make()[2]
    for place, row in enumerate(numbers(batch).tolist()):
        picture = torch.from_numpy(files.image(row)[INNER, INNER]).permute(2, 0, 1) / 255
        torch.testing.assert_close(batch.clean[place], picture.float())
        np.testing.assert_allclose(batch.points[place], files.points[row] - 8, atol=1e-4)
        np.testing.assert_allclose(batch.vector[place], files.coefficients[row], atol=1e-3)
        assert batch.photo[place] == (row < PEOPLE)
        assert batch.estimated[place] == (row % 2 == 0)
        assert batch.lit[place] == (not PEOPLE <= row < 2 * PEOPLE)
    assert torch.equal(batch.given, batch.clean)
    assert batch.known.all()


def test_a_batch_depends_on_seed_and_step_alone(make: Make) -> None:
    going = make(EVERYTHING)
    before = [going[step] for step in range(6)]
    fresh = make(EVERYTHING)[5]
    assert_same(before[5], fresh)
    for other in (before[4], make(EVERYTHING, seed=4)[5]):
        assert not torch.equal(other.given, fresh.given)
        assert not np.array_equal(numbers(other), numbers(fresh))


def test_two_processes_share_a_batch(make: Make) -> None:
    whole = make(EVERYTHING)[3]
    for rank in (0, 1):
        part = make(EVERYTHING, rank=rank, ranks=2)[3]
        assert len(part.given) == 8
        assert_same(part, Batch(*(one[rank::2] for one in whole)))
    with pytest.raises(BadOption, match="a batch of 16: expected a multiple of 3 processes"):
        make(ranks=3)


@pytest.mark.parametrize(
    ("mix", "batch", "expected"),
    [
        (EVEN, 16, (8, 4, 4)),
        (Mix(), 5, (5, 0, 0)),
        (Mix(photo=0.0, render=2.0), 7, (0, 0, 7)),
        (Mix(photo=0.1875, turned=0.625, render=0.1875), 64, (12, 40, 12)),
        (Mix(photo=1.0, turned=1.0, render=1.0), 16, (5, 5, 6)),
        (Mix(photo=0.5, turned=0.5), 9, (4, 5, 0)),
    ],
)
def test_so_many_of_each_kind(
    make: Make, mix: Mix, batch: int, expected: tuple[int, int, int]
) -> None:
    drawn = make(mix=mix, batch=batch)
    for step in (0, 7):
        kinds = numbers(drawn[step]) // PEOPLE
        assert tuple(np.bincount(kinds, minlength=3)) == expected


def test_every_sample_comes_once_a_round(make: Make) -> None:
    drawn = make()
    seen = np.concatenate([numbers(drawn[step]) for step in range(29)])
    held_out = {19, 39}
    for kind, per_step in enumerate((8, 4, 4)):
        expected = [
            n for n in range(PEOPLE * kind, PEOPLE * kind + PEOPLE) if n % 40 not in held_out
        ]
        order = seen[seen // PEOPLE == kind]
        assert len(order) == 29 * per_step
        rounds = [order[at : at + 38].tolist() for at in range(0, len(order) - 37, 38)]
        assert len(rounds) >= 3
        assert all(sorted(one) == expected for one in rounds)
        assert rounds[0] != rounds[1]
        assert rounds[0] != expected


def test_few_samples_come_several_times_in_a_batch(make: Make) -> None:
    batch = make(held_out=True)[0]
    counts = np.bincount(numbers(batch), minlength=3 * PEOPLE)
    assert {number: counts[number] for number in np.flatnonzero(counts)} == {
        19: 4, 39: 4, 59: 2, 79: 2, 99: 2, 119: 2
    }  # fmt: skip


def test_samples_for_validation_are_never_trained_on(make: Make) -> None:
    training, validation = make(), make(held_out=True)
    seen, kept = (
        {*np.concatenate([numbers(draws[step]) for step in range(12)]).tolist()}
        for draws in (training, validation)
    )
    assert kept == {19, 39, 59, 79, 99, 119}
    assert seen == {*range(3 * PEOPLE)} - kept


def test_an_epoch_is_one_round(make: Make) -> None:
    photos = make(mix=Mix(), batch=10)
    assert photos.steps_of_epochs(1) == 4  # 38 photos
    assert photos.steps_of_epochs(5) == 19
    assert make(mix=Mix(), batch=2, held_out=True).steps_of_epochs(3) == 3


def test_hands_lie_over_the_input_alone(make: Make) -> None:
    moved = replace(NOTHING, shift=10.0, tilt=10.0)
    plain, covered = make(moved)[1], make(replace(moved, occluded=1.0))[1]
    assert torch.equal(plain.given, plain.clean)
    for name in Batch._fields:
        if name != "given":
            assert torch.equal(getattr(plain, name), getattr(covered, name)), name
    changed = (covered.given != covered.clean).any(1).flatten(1).float().mean(1)
    assert (changed > 0.02).all()
    assert changed.mean() < 0.8
    some = make(replace(moved, occluded=0.5), batch=64)
    shares = [(one.given != one.clean).any(1).flatten(1).any(1) for one in (some[0], some[1])]
    assert 0.35 < torch.cat(shares).float().mean() < 0.65


def test_a_worn_mask_is_the_samples_own(make: Make, files: SampleFiles) -> None:
    batch = make(replace(HANDS, occluders=(("worn", 1.0),)))[0]
    rows = numbers(batch)
    assert 0 < (rows % 3 == 0).sum() < 16
    for place, row in enumerate(rows.tolist()):
        picture = files.image(row, masked=row % 3 == 0)[INNER, INNER]
        given = (255 * batch.given[place]).round().byte().permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(given, picture)
        assert torch.equal(batch.given[place], batch.clean[place]) == (row % 3 != 0)
    with_hands = make(replace(HANDS, occluders=(("worn", 0.5), ("hand", 0.5))))[0]
    unmasked = torch.from_numpy(numbers(with_hands) % 3 != 0)
    assert (with_hands.given != with_hands.clean).flatten(1).any(1)[unmasked].all()


@pytest.mark.parametrize("name", ["erased", "coarse", "framed"])
def test_what_spoils_the_input_leaves_the_rest(make: Make, name: str) -> None:
    spoiled, plain = make(replace(NOTHING, **{name: 1.0}))[0], make()[0]
    differs = (spoiled.given != spoiled.clean).flatten(1).any(1)
    assert differs.float().mean() > 0.9  # a frame of no width is drawn now and then
    assert torch.equal(spoiled.clean, plain.clean)
    assert torch.equal(spoiled.points, plain.points)


def test_moved_vectors_project_onto_the_moved_points(
    make: Make, small_model: MorphableModel
) -> None:
    for amounts, near in (
        (replace(NOTHING, tilt=20.0, turned=0.5), 2e-3),
        (replace(NOTHING, tilt=20.0, turned=0.5, scale=0.1, shift=10.0), 0.5),
    ):
        batch = make(amounts)[4]
        coefficients = small_model.layout().split(batch.vector)
        seen = project_landmarks(small_model, coefficients, FRAME.camera)
        assert (seen - batch.points).norm(dim=2).max() < near
        assert (batch.points - make()[4].points).abs().amax((1, 2)).min() > 0.1


def test_moves_keep_to_their_amounts(make: Make, files: SampleFiles) -> None:
    """By the similarity between a sample's points and a batch's: pixels are a 224 crop's."""
    amounts = replace(NOTHING, tilt=5.0, turned=0.5, turned_by=40.0, scale=0.1, shift=20.0)
    found = []
    draws = make(amounts, batch=64)
    for batch in (draws[0], draws[1], draws[2]):
        for row, points in zip(numbers(batch), batch.points.numpy(), strict=True):
            before, after = (one @ (1, -1j) for one in (files.points[row] - 27.5, points - 19.5))
            design = np.column_stack((before, np.ones(68)))
            (factor, shift), *_ = np.linalg.lstsq(design, after, rcond=None)
            assert np.abs(design @ (factor, shift) - after).max() < 1e-3
            angle = np.degrees(np.angle(factor))
            found.append((angle, abs(factor) - 1, shift.real, shift.imag))
    angle, scale, across, down = np.array(found).T
    assert 30 < np.abs(angle).max() <= 45
    assert 0.55 < (np.abs(angle) <= 5).mean() < 0.8  # half, and an eighth of the others
    for values, most in ((scale, 0.1), (across, 20 * 40 / 224), (down, 20 * 40 / 224)):
        assert 0.9 * most < values.max() <= most + 1e-4
        assert -most - 1e-4 <= values.min() < -0.9 * most


def test_only_photos_are_mirrored_and_then_unknown(make: Make) -> None:
    batch, plain = make(replace(NOTHING, flip=1.0))[0], make()[0]
    photo = batch.photo
    assert torch.equal(batch.clean[photo], plain.clean[photo].flip(3))
    assert torch.equal(batch.clean[~photo], plain.clean[~photo])
    assert torch.equal(batch.known, ~photo)
    assert not batch.lit[photo].any()
    assert torch.equal(batch.points[~photo], plain.points[~photo])
    for one, other in ((36, 45), (45, 36), (0, 16), (48, 54), (30, 30), (8, 8)):
        there = plain.points[photo, other]
        expected = torch.stack((39 - there[:, 0], there[:, 1]), 1)
        torch.testing.assert_close(batch.points[photo, one], expected, atol=1e-4, rtol=0)
    half = make(replace(NOTHING, flip=0.5), Mix(), batch=64)[0]
    assert 16 < half.known.sum() < 48


def test_the_light_is_known_where_it_is_neither_another_poses_nor_jittered(make: Make) -> None:
    amounts = replace(NOTHING, flip=0.3, occluded=0.5)
    plain = make(amounts, batch=48)[0]
    batch = make(replace(amounts, jitter=0.5), batch=48)[0]
    jittered = (batch.clean != plain.clean).flatten(1).any(1)
    assert 12 < jittered.sum() < 36
    turned = torch.tensor([False] * 24 + [True] * 12 + [False] * 12)
    assert torch.equal(batch.known, plain.known)
    assert torch.equal(batch.lit, batch.known & ~turned & ~jittered)
    assert batch.lit.any()
    covered = (plain.given != plain.clean).flatten(1).any(1)
    same = jittered & ~covered  # the same colours in the input and in its target
    assert same.sum() > 3
    assert torch.equal(batch.given[same], batch.clean[same])


def test_pairs_are_samples_with_a_masked_picture(make: Make) -> None:
    pairs = make(mix=replace(EVEN, pairs=True))
    seen = {*np.concatenate([numbers(pairs[step]) for step in range(6)]).tolist()}
    assert seen == {n for n in range(0, 3 * PEOPLE, 3) if n % 20 != 19}


def test_a_kind_that_is_not_there(make: Make, small_model: MorphableModel, tmp_path: Path) -> None:
    samples = [sample(small_model, number) for number in (0, 1, 19, 41)]
    save_samples(tmp_path / "few", samples, small_model.digest)
    files = SampleFiles([tmp_path / "few"], small_model.digest, FRAME.wide)
    make(mix=Mix(), files=files)
    with pytest.raises(
        BadInput, match="expected render samples in the part for training, found none"
    ):
        make(files=files)
    turned = Mix(photo=0.5, turned=0.5)
    make(mix=turned, files=files)
    with pytest.raises(BadInput, match="expected turned samples in the part for validation"):
        make(mix=turned, files=files, held_out=True)
    make(mix=Mix(pairs=True), files=files)
    with pytest.raises(BadInput, match="expected turned samples with a masked picture in the part"):
        make(mix=replace(turned, pairs=True), files=files)


def test_another_process_draws_the_same(make: Make) -> None:
    draws = make(EVERYTHING, batch=8)
    here, there = (list(read_ahead(draws, 2, 5, workers)) for workers in (0, 1))
    assert len(here) == len(there) == 3
    for step, (one, other) in enumerate(zip(here, there, strict=True), 2):
        assert_same(one, draws[step])
        assert_same(one, other)
