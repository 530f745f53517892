"""The command as a user calls it: killed, on one process, and on two under torchrun."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from results.bench.made_up_pairs import MadeUpPairs, write_pairs

SCRIPT = "scripts/train_gan.py"
NUMBERS = (
    "--without perceptual identity --size 64 --width 4 --blocks 1 --batch 4 --seed 2 --device cpu "
    "--threads 1 --workers 0 --validate-every 20 --name run"
)


@dataclass(frozen=True)
class Command:
    """Calls of the command on the same pairs."""

    calls: Any
    """Of tests/scripts/conftest.py."""

    @property
    def folder(self) -> Path:
        return self.calls.folder

    def words(self, out: str, *more: str) -> list[str]:
        pairs, own = self.folder / "pairs", self.folder / out
        return [str(pairs), *NUMBERS.split(), "--out", str(own), *more]

    def here(self, out: str, *more: str, also: Callable[[int], None] = lambda step: None) -> None:
        """In this process, which has imported everything; tells the step of each checkpoint."""
        from cfr.training import course
        from results.training.gan import train_gan
        from results.training.gan_options import TrainGan

        write = course.write_checkpoint

        def write_and_tell(path: Path, kind: str, digest: str, step: int, parts: Any) -> None:
            write(path, kind, digest, step, parts)
            also(step)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(course, "write_checkpoint", write_and_tell)
            self.calls.here(TrainGan, train_gan, *self.words(out, *more))

    def on_two(self, out: str, *more: str) -> str:
        return self.calls.on_two(*self.words(out, *more))

    def kill(self, out: str, *more: str) -> int:
        return self.calls.kill(self.folder / out / "checkpoint.pt", *self.words(out, *more))

    def weights(self, out: str) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        return load_file(self.folder / out / "gan-run.safetensors")


@pytest.fixture(scope="module")
def command(
    tmp_path_factory: pytest.TempPathFactory, calls_of: Callable[[str, Path], Any]
) -> Iterator[Command]:
    folder, threads = tmp_path_factory.mktemp("train-gan"), torch.get_num_threads()
    write_pairs(folder / "pairs", MadeUpPairs(80, 64))
    yield Command(calls_of(SCRIPT, folder))
    torch.set_num_threads(threads)


def test_a_killed_run_ends_with_the_same_weights(command: Command) -> None:
    steps = ("--steps", "12", "--checkpoint-every", "2")
    command.here("whole", *steps)
    assert 2 <= command.kill("killed", *steps) < 12
    assert not (command.folder / "killed" / "gan-run.safetensors").exists()
    command.here("killed", *steps)
    one, other = command.weights("whole"), command.weights("killed")
    assert one.keys() == other.keys()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert command.calls.curves("killed") == command.calls.curves("whole")


@pytest.mark.slow
def test_two_processes_do_what_one_does_and_go_on_where_it_was(command: Command) -> None:
    """The same batches in all: losses stay within a thousandth for twenty steps."""
    begun = command.folder / "begun"
    begun.mkdir()

    def keep(step: int) -> None:
        if step == 10:
            shutil.copy(command.folder / "alone" / "checkpoint.pt", begun)

    steps = ("--steps", "20", "--checkpoint-every", "10")
    command.here("alone", *steps, also=keep)
    told = command.on_two("both", *steps)
    assert told.count("Weights: ") == 1  # the first process alone speaks
    assert f"Weights: {command.folder / 'both' / 'gan-run.safetensors'}" in told
    assert f"note: MLflow at {command.calls.store} refused" in told
    command.on_two("begun", *steps)
    one, other, last = (command.calls.curves(out) for out in ("alone", "both", "begun"))
    assert one.keys() == other.keys()
    assert last.keys() == {(step, name) for step, name in one if step == 20}
    for (step, name), value in one.items():
        assert other[step, name] == pytest.approx(value, rel=1e-3, abs=1e-3), (step, name)
        if step == 20:
            assert last[step, name] == pytest.approx(value, rel=1e-3, abs=1e-3), (step, name)
    assert {(20, "penalty"), (20, "validation: mask IoU")} <= one.keys()
