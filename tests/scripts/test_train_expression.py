"""The command as a user calls it: killed, and on two processes under torchrun."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

SCRIPT = "scripts/train_expression.py"
NUMBERS = (
    "--preset tiny --size 32 --width 4 --batch 4 --device cpu --threads 1 --workers 0 --jobs 1 "
    "--validate-every 20 --name run"
)


@dataclass(frozen=True)
class Command:
    """Calls of the command on the same pictures."""

    calls: Any
    """Of tests/scripts/conftest.py."""

    @property
    def folder(self) -> Path:
        return self.calls.folder

    def words(self, out: str, *more: str) -> list[str]:
        data, own = self.folder / "data", self.folder / out
        return [str(data), *NUMBERS.split(), "--out", str(own), *more]

    def here(self, out: str, *more: str) -> None:
        """In this process, which has imported everything."""
        from results.training.expression import train_expression
        from results.training.expression_options import TrainExpression

        self.calls.here(TrainExpression, train_expression, *self.words(out, *more))

    def kill(self, out: str, *more: str) -> int:
        checkpoint = self.folder / out / "seed-0/checkpoint.pt"
        return self.calls.kill(checkpoint, *self.words(out, *more))

    def weights(self, out: str) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        return load_file(self.folder / out / "seed-0/run.safetensors")

    def curves(self, out: str) -> dict[tuple[int, str], float]:
        return self.calls.curves(f"{out}/seed-0")


@pytest.fixture(scope="module")
def command(
    tmp_path_factory: pytest.TempPathFactory,
    calls_of: Callable[[str, Path], Any],
    write_rafdb: Callable[[Path, int, int, int | None], Path],
) -> Iterator[Command]:
    folder, threads = tmp_path_factory.mktemp("train-expression"), torch.get_num_threads()
    write_rafdb(folder / "data", 14, 14, None)
    yield Command(calls_of(SCRIPT, folder))
    torch.set_num_threads(threads)


@pytest.mark.slow  # one loop for all trainers: the test of the GAN's is not slow
def test_a_killed_run_ends_with_the_same_weights(command: Command) -> None:
    steps = ("--steps", "12", "--checkpoint-every", "2")
    command.here("whole", *steps)
    assert 2 <= command.kill("killed", *steps) < 12
    assert not (command.folder / "killed/seed-0/run.safetensors").exists()
    command.here("killed", *steps)
    one, other = command.weights("whole"), command.weights("killed")
    assert one.keys() == other.keys()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert command.curves("killed") == command.curves("whole")


@pytest.mark.slow
def test_two_processes_leave_one_run(command: Command) -> None:
    """Each normalises its own part of a batch, so that only what is told has to be the same."""
    told = command.calls.on_two(*command.words("both", "--steps", "4", "--checkpoint-every", "2"))
    command.here("alone", "--steps", "4", "--checkpoint-every", "2")
    assert told.count("Network: ") == 1  # the first process alone speaks
    assert f"Network: {command.folder / 'both/seed-0/run.onnx'}" in told
    assert f"note: MLflow at {command.calls.store} refused" in told
    assert "of 14" in told
    one, other = command.curves("alone"), command.curves("both")
    assert one.keys() == other.keys()
    assert {(4, "loss"), (4, "right"), (4, "validation: accuracy")} <= one.keys()
    key = (0, "validation: accuracy")
    assert one[key] == other[key]  # both began with the same weights
    assert other[2, "loss"] == pytest.approx(one[2, "loss"], abs=0.5)


def test_bad_input_is_one_line(command: Command) -> None:
    answer = command.calls.apart(str(command.folder / "nowhere"), "--device", "cpu")
    assert answer.returncode == 2
    assert "RAF-DB's list of labels is not at" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
