"""The command as a user calls it, and as a machine that loses its power ends it."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

SCRIPT = "scripts/train_regressor.py"
NUMBERS = (
    "--renders 20 --size 64 --steps 14 --batch 4 --seed 2 --device cpu --threads 1 --jobs 1 "
    "--checkpoint-every 2"
)


@dataclass(frozen=True)
class Command:
    """Runs of the command that share their prepared samples."""

    calls: Any
    """Of tests/scripts/conftest.py."""

    @property
    def artifacts(self) -> Path:
        return self.calls.folder

    def words(self, out: str, workers: int) -> list[str]:
        folders = "--samples", str(self.artifacts / "samples"), "--out", str(self.artifacts / out)
        return ["baseline", *NUMBERS.split(), "--workers", str(workers), *folders]

    def kill(self, out: str, workers: int) -> int:
        checkpoint = self.artifacts / out / "checkpoint.pt"
        return self.calls.kill(checkpoint, *self.words(out, workers))


@pytest.fixture(scope="module")
def command(
    tmp_path_factory: pytest.TempPathFactory, calls_of: Callable[[str, Path], Any]
) -> Iterator[Command]:
    threads = torch.get_num_threads()
    yield Command(calls_of(SCRIPT, tmp_path_factory.mktemp("artifacts")))
    torch.set_num_threads(threads)


def run_here(command: Command, out: str) -> None:
    """In this process, which has imported everything."""
    from results.training.options import TrainRegressor
    from results.training.regressor import train_regressor

    command.calls.here(TrainRegressor, train_regressor, *command.words(out, workers=0))


def tensors(command: Command, out: str) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(command.artifacts / out / "regressor-baseline.safetensors")


def validation(command: Command, out: str) -> list[list[str]]:
    """Rows of step, name and value, every digit of it."""
    with (command.artifacts / out / "curves.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.reader(file) if row[1].startswith("validation")]


def ends_alike(command: Command, out: str, reference: str) -> bool:
    one, other = tensors(command, out), tensors(command, reference)
    assert one.keys() == other.keys()
    assert validation(command, out) == validation(command, reference)
    assert {step for step, *_ in validation(command, out)} == {"0", "14"}
    assert any(tensor.any() for name, tensor in one.items() if name.startswith("heads."))
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def left(command: Command, out: str) -> set[str]:
    """Names of files, without those of a killed writer that were never whole."""
    return {path.name for path in (command.artifacts / out).iterdir() if path.suffix != ".half"}


@pytest.mark.slow  # one loop for all trainers: the test of the GAN's is not slow
def test_a_killed_run_ends_with_the_same_weights(command: Command) -> None:
    run_here(command, "whole")
    assert 2 <= command.kill("killed", workers=0) < 14
    assert not {one for one in left(command, "killed") if one.startswith("regressor-")}
    run_here(command, "killed")
    assert ends_alike(command, "killed", "whole")
    assert left(command, "killed") == left(command, "whole")


@pytest.mark.slow
def test_a_killed_command_goes_on_when_it_is_called_again(command: Command) -> None:
    """Killed twice, its batches drawn by another process; the reference draws its own."""
    answer = command.calls.apart(*command.words("called", workers=0))
    assert answer.returncode == 0, answer.stderr
    folder = command.artifacts / "called"
    assert f"Weights: {folder / 'regressor-baseline.safetensors'}" in answer.stdout
    assert f"Card: {folder / 'regressor-baseline.md'}" in answer.stdout
    assert "note: no identity loss: no recognizer was given" in answer.stdout
    assert f"note: MLflow at {command.calls.store} refused" in answer.stdout
    assert 2 <= command.kill("twice", workers=1) < 14
    again = command.calls.apart(*command.words("twice", workers=1))
    assert again.returncode == 0, again.stderr
    assert ends_alike(command, "twice", "called")
    card = (folder / "regressor-baseline.md").read_text(encoding="utf-8")
    assert f"| command | python {SCRIPT} baseline --renders 20 " in card


def test_help_and_what_is_refused(command: Command) -> None:
    shown = command.calls.apart("--help")
    assert shown.returncode == 0, shown.stderr
    for word in ("baseline", "stage1", "stage2", "--photos", "--recognizer", "--checkpoint-every"):
        assert word in shown.stdout
    absent = command.artifacts / "regressor/baseline/regressor-baseline.safetensors"
    for words, told in (
        (
            ("baseline", "--renders", "0"),
            "no --photos: expected photos: renders alone are for --preset mini",
        ),
        (("stage2", "--start", f"{absent}"), f"the weight file is not at {absent}"),
    ):
        answer = command.calls.apart(*words)
        assert answer.returncode == 2
        assert told in answer.stderr
        assert len(answer.stderr.strip().splitlines()) == 1
