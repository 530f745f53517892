"""The training loop: that it learns, goes on where it was, and says what is wrong."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.regressor import mini
from cfr.regressor.batches import Batch, Draws
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.network import MINI, RNet, build
from cfr.regressor.objectives import Cost, FaceObjective, Looks
from cfr.regressor.presets import BASELINE, Augmentation, FacePreset, Mix, Schedule
from cfr.regressor.samples import Frame, Kind, Sample, SampleFiles, save_samples
from cfr.regressor.training import (
    build_optimizer,
    learning_rate,
    train,
    validation_error,
)
from cfr.render.shading import render
from cfr.training.checkpoint import Diverged
from cfr.training.course import Course
from protocols.errors import BadInput

FRAME = Frame(64, 82)
SCHEDULE = Schedule("adamw", 2e-3, batch=4, steps=6, weight_decay=1e-2)
PRESET = FacePreset(
    mini.STAGE1.weights, SCHEDULE, mini.STAGE1.augmentation, known=mini.STAGE1.known
)
HALF = Mix(photo=0.5, render=0.5)
Values = list[tuple[int, dict[str, float]]]


class Stopped(Exception):
    """What a run is ended with."""


class Fixed(Draws):
    """The same batch again and again."""

    only: Batch

    def __getitem__(self, step: int) -> Batch:
        return self.only


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """More of them move last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def files(small_model: MorphableModel, tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """Heads before grey, photos and renders in turn; the last two people are held out."""
    torch.manual_seed(7)
    layout, samples = small_model.layout(), []
    vectors = 0.3 * torch.randn(22, layout.size)
    parts = layout.split(vectors)
    parts = replace(parts, lighting=0.2 * parts.lighting, translation=0.2 * parts.translation)
    drawn = render(reconstruct(small_model, parts), FRAME.wide_camera)
    grey = torch.where(drawn.coverage[:, None], drawn.image, 0.5)
    images = (255 * grey.clamp(0, 1)).byte().permute(0, 2, 3, 1).numpy()
    points = project_landmarks(small_model, parts, FRAME.wide_camera).numpy()
    vectors = layout.join(parts).numpy()
    for row, image in enumerate(images):
        kind: Kind = "photo" if row % 2 else "render"
        source = row if row < 20 else 19 + 20 * (row - 20)
        samples.append(Sample(image, None, points[row], vectors[row], kind, row % 3 == 0, source))
    path = tmp_path_factory.mktemp("samples") / "samples.safetensors"
    save_samples(path, samples, small_model.digest)
    return SampleFiles([path], small_model.digest, FRAME.wide)


def draws_of(files: SampleFiles, model: MorphableModel, seed: int = 0, **changes: Any) -> Draws:
    return Draws(files, model, FRAME, HALF, PRESET.augmentation, 4, seed, **changes)


def new_net(model: MorphableModel) -> RNet:
    """With dropout, which needs the step's own seed."""
    torch.manual_seed(0)
    made = build(MINI, model.layout(), size=FRAME.crop)
    made.trunk.drop_rate = 0.3
    return made


def launched() -> Fabric:
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    return fabric


def nothing(step: int) -> Mapping[str, float]:
    return {}


Setup = Callable[..., RNet]


@pytest.fixture
def run(files: SampleFiles, small_model: MorphableModel) -> Setup:
    """Trains for six steps with a checkpoint every two; ``stop`` ends it after so many."""

    def call(
        folder: Path,
        *,
        stop: int = 99,
        seed: int = 0,
        wrap: Callable[[FaceObjective], Any] = lambda one: one,
        validate: Callable[[int], Mapping[str, float]] = nothing,
        told: Values | None = None,
        validate_every: int = 1000,
        **changes: Any,
    ) -> RNet:
        net = new_net(small_model)
        objective = wrap(FaceObjective(net, small_model, PRESET))
        begun = Course(SCHEDULE, 6, seed, folder / "checkpoint.pt", "digest", every=2, workers=0)
        course = replace(begun, validate=validate_every, **changes)
        folder.mkdir(exist_ok=True)
        done = [0]

        def advance(by: int) -> None:
            done[0] += by
            if done[0] == stop:
                raise Stopped

        def watch(step: int, values: Mapping[str, float]) -> None:
            if told is not None:
                told.append((step, dict(values)))

        draws = draws_of(files, small_model, seed)
        train(launched(), net, objective, draws, course, validate, watch, advance)
        return net

    return call


def checkpoint(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def same(one: Any, other: Any) -> bool:
    """Whether two nests of dictionaries and lists hold the same, bit by bit."""
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


def test_the_learning_rate_is_a_cosine_or_drops() -> None:
    cosine = Schedule("adam", 0.3, batch=1)
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.3)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    for step in range(40):
        assert learning_rate(cosine, step, 40) == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
    assert learning_rate(cosine, 0, 40) == 0.3
    assert learning_rate(cosine, 40, 40) == pytest.approx(0, abs=1e-12)
    published = BASELINE["paper"].schedule
    found = [learning_rate(published, step, 200_000) for step in (0, 99_999, 100_000, 199_999)]
    assert found == pytest.approx([1e-4, 1e-4, 2e-5, 2e-5])


def test_the_optimizer_has_the_schedules_numbers(small_model: MorphableModel) -> None:
    net = new_net(small_model)
    adam = Schedule("adam", 0.3, batch=1, betas=(0.5, 0.7), weight_decay=0.1)
    adamw = replace(adam, optimizer="adamw")
    for schedule, expected in ((adam, torch.optim.Adam), (adamw, torch.optim.AdamW)):
        optimizer = build_optimizer(net, schedule)
        assert type(optimizer) is expected
        (group,) = optimizer.param_groups
        assert (group["lr"], group["betas"], group["weight_decay"]) == (0.3, (0.5, 0.7), 0.1)
        assert sum(map(torch.numel, group["params"])) == sum(map(torch.numel, net.parameters()))


@pytest.mark.parametrize("shuffled", [False, True])
def test_it_learns_what_pictures_show_and_nothing_else(
    shuffled: bool, files: SampleFiles, small_model: MorphableModel, tmp_path: Path
) -> None:
    """The true landmarks come nearer, unless it was told those of others."""
    draws = Fixed(files, small_model, FRAME, Mix(photo=0.0, render=1.0), Augmentation(), 10, 0)
    true = Draws.__getitem__(draws, 0)
    others = true._replace(vector=true.vector.roll(3, 0), points=true.points.roll(3, 0))
    object.__setattr__(draws, "only", others if shuffled else true)
    net = new_net(small_model)
    apart: list[float] = []

    @torch.no_grad()
    def validate(step: int) -> dict[str, float]:
        points = project_landmarks(small_model, net.layout.split(net(true.clean)), FRAME.camera)
        apart.append((points - true.points).norm(dim=-1).mean().item())
        return {}

    schedule = replace(SCHEDULE, learning_rate=5e-3)
    course = Course(schedule, 90, 0, tmp_path / "c.pt", "", every=90, validate=90, workers=0)
    objective = FaceObjective(net, small_model, PRESET)
    train(launched(), net, objective, draws, course, validate, lambda *_: None, lambda by: None)
    first, last = apart
    assert last > first if shuffled else last < 0.5 * first


def test_a_stopped_run_ends_as_one_that_was_not(run: Setup, folder: Path, tmp_path: Path) -> None:
    whole = run(folder)
    for stop in (5, 2, 1):  # after a checkpoint and a step, right after one, before the first
        with pytest.raises(Stopped):
            run(tmp_path / str(stop), stop=stop)
        net = run(tmp_path / str(stop))
        assert same(net.state_dict(), whole.state_dict())
        found, expected = checkpoint(tmp_path / str(stop)), checkpoint(folder)
        assert (found["step"], expected["step"]) == (6, 6)
        assert len(found["optimizer"]["state"]) == len(list(net.parameters()))
        assert same(found, expected)
    assert not whole.training


def test_statistics_are_settled_and_weights_go_on(run: Setup, tmp_path: Path) -> None:
    """After half of the run batch normalisation keeps its statistics, stopped or not."""
    schedule = replace(SCHEDULE, settled=0.5)
    with pytest.raises(Stopped):
        run(tmp_path / "half", stop=3, every=3, schedule=schedule)
    half = checkpoint(tmp_path / "half")["net"]
    ends = run(tmp_path / "half", every=3, schedule=schedule).state_dict()
    assert same(ends, run(tmp_path / "whole", schedule=schedule).state_dict())
    statistics = [name for name in ends if name.endswith(("running_mean", "running_var"))]
    assert statistics
    assert all(torch.equal(ends[name], half[name]) for name in statistics)
    assert not torch.equal(ends["heads.rotation.weight"], half["heads.rotation.weight"])
    other = run(tmp_path / "other").state_dict()
    assert not any(torch.equal(other[name], half[name]) for name in statistics)


def test_what_decides_the_weights_and_what_does_not(
    run: Setup, folder: Path, tmp_path: Path
) -> None:
    """Neither a validation nor a checkpoint; the seed does."""
    whole = run(folder).state_dict()

    def validate(step: int) -> dict[str, float]:
        return {"drawn": torch.rand(3).mean().item()}

    looked = run(tmp_path / "looked", validate=validate, validate_every=1, every=5)
    assert same(looked.state_dict(), whole)
    assert not same(run(tmp_path / "seed", seed=1).state_dict(), whole)


def test_a_finished_run_does_nothing(run: Setup, folder: Path) -> None:
    whole = run(folder).state_dict()
    before = (folder / "checkpoint.pt").stat().st_mtime_ns
    told: Values = []
    assert same(run(folder, told=told).state_dict(), whole)
    assert (folder / "checkpoint.pt").stat().st_mtime_ns == before
    assert told == []


def test_curves_are_means_of_the_steps_and_validations(run: Setup, tmp_path: Path) -> None:
    totals, told = [], []
    nets: list[bool] = []

    class Listening:
        def __init__(self, objective: FaceObjective) -> None:
            self.objective = objective

        def __call__(self, net: Looks, batch: Batch) -> Cost:
            cost = self.objective(net, batch)
            nets.append(net.training)  # type: ignore[attr-defined]
            totals.append(cost.total.item())
            return cost

    def validate(step: int) -> dict[str, float]:
        return {"step": float(step)}

    run(tmp_path, told=told, wrap=Listening, validate=validate, every=99, validate_every=4)
    assert [step for step, _ in told] == [0, 4, 6, 6]
    validations = [told[place][1] for place in (0, 1, 3)]
    assert validations == [{"validation: step": float(step)} for step in (0, 4, 6)]
    losses = told[2][1]
    assert losses["total"] == pytest.approx(np.mean(totals), rel=1e-5)
    assert losses["learning rate"] == pytest.approx(2e-3 * (1 + np.cos(np.pi * 5 / 6)) / 2)
    assert {"error of rotation", "photometric", "all landmarks"} < set(losses)
    assert nets == [True] * 6


def test_curves_of_a_run_that_went_on_are_means_too(run: Setup, tmp_path: Path) -> None:
    """It begins to count where it goes on."""
    whole, after = [], []
    run(tmp_path / "whole", told=whole, every=3)
    with pytest.raises(Stopped):
        run(tmp_path / "stopped", stop=4, every=3)
    run(tmp_path / "stopped", told=after, every=3)
    assert [step for step, _ in whole] == [0, 3, 6, 6]
    assert [step for step, _ in after] == [6, 6]
    assert after[0] == whole[2]


def test_weights_that_are_no_numbers_are_never_kept(run: Setup, tmp_path: Path) -> None:
    """Losses are looked at before each checkpoint, however often that is."""

    class Exploding:
        def __init__(self, objective: FaceObjective) -> None:
            self.objective, self.calls = objective, 0

        def __call__(self, net: Looks, batch: Batch) -> Cost:
            self.calls += 1
            cost = self.objective(net, batch)
            return Cost(cost.total * (1e38 if self.calls == 1 else 1.0) ** 2, cost.terms)

    with pytest.raises(Diverged, match="finite losses at step 1"):
        run(tmp_path, wrap=Exploding, every=1)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_other_options_and_damage_are_refused(run: Setup, folder: Path, tmp_path: Path) -> None:
    run(folder)
    with pytest.raises(BadInput, match=r"checkpoint\.pt: expected the options, photos and code"):
        run(folder, digest="another")
    content = (folder / "checkpoint.pt").read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"not a checkpoint"):
        (tmp_path / "checkpoint.pt").write_bytes(damaged)
        with pytest.raises(BadInput, match="a whole checkpoint; remove it to begin anew"):
            run(tmp_path)
        assert (tmp_path / "checkpoint.pt").read_bytes() == damaged
    for other in ({"net": {}}, [1, 2]):
        torch.save(other, tmp_path / "checkpoint.pt")
        with pytest.raises(BadInput, match="cfr-regressor-checkpoint-1"):
            run(tmp_path)


def test_a_checkpoint_runs_no_code(run: Setup, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    torch.save(Evil(), tmp_path / "checkpoint.pt")
    with pytest.raises(BadInput, match="a whole checkpoint"):
        run(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_losses_that_are_no_numbers_end_the_run(run: Setup, tmp_path: Path) -> None:
    class Broken:
        def __init__(self, objective: FaceObjective) -> None:
            self.objective, self.calls = objective, 0

        def __call__(self, net: Looks, batch: Batch) -> Cost:
            cost = self.objective(net, batch)
            self.calls += 1
            wrong = torch.nan if self.calls == 6 else 0.0
            terms = {**cost.terms, "gamma": cost.terms["gamma"] + wrong}
            return Cost(cost.total + wrong, terms)

    words = r"finite losses at step 6: .*found NaN or infinity in gamma, total$"
    with pytest.raises(Diverged, match=words):
        run(tmp_path, wrap=Broken)
    left = checkpoint(tmp_path)
    assert left["step"] == 4
    assert all(one.isfinite().all() for one in left["net"].values())
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.pt"}


def test_the_validation_error_is_a_mean_over_samples(
    files: SampleFiles, small_model: MorphableModel
) -> None:
    net = new_net(small_model).eval()
    for head in net.heads.values():
        nn.init.normal_(head.weight, std=0.01)  # type: ignore[arg-type]
    net.offset = (2.0, -1.0)
    amounts = Augmentation(occluded=1.0, shift=5.0)
    draws = Draws(files, small_model, FRAME, HALF, amounts, 4, 0, held_out=True)
    expected: dict[str, list[float]] = {}
    for step in range(3):
        batch = draws[step]
        for name, picture in (("", batch.clean), (", occluded", batch.given)):
            for row in range(4):
                with torch.no_grad():
                    found = net.layout.split(net(picture[row : row + 1]))
                points = project_landmarks(small_model, found, FRAME.camera)[0].double().numpy()
                missed = np.abs(points + np.array((2, -1)) - batch.points[row].numpy()) * 224 / 64
                kind = "photos" if batch.photo[row] else "others"
                expected.setdefault(kind + name, []).append(missed.mean())
    assert {name: len(each) for name, each in expected.items()} == dict.fromkeys(expected, 6)
    found = validation_error(net, small_model, draws, 3, torch.device("cpu"))
    assert found == pytest.approx({name: np.mean(each) for name, each in expected.items()}, 1e-4)
    assert len(set(found.values())) == 4
