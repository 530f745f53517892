"""The command as a user calls it: killed, and on two processes under torchrun."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

SCRIPT = "scripts/train_expression.py"
NO_STORE = "sqlite:////proc/nowhere/x.db"  # refuses at once; making one takes seconds
NUMBERS = (
    "--preset tiny --size 32 --width 4 --batch 4 --device cpu --threads 1 --workers 0 --jobs 1 "
    "--validate-every 20 --name run"
)
Kill = Callable[[Sequence[str], Mapping[str, str], Path], int]


@dataclass(frozen=True)
class Command:
    """Calls of the command on the same pictures."""

    project: Path
    folder: Path
    port: Callable[[], int]
    killed: Kill

    def words(self, out: str, *more: str) -> list[str]:
        data, own = self.folder / "data", self.folder / out
        return [SCRIPT, str(data), *NUMBERS.split(), "--out", str(own), *more]

    @property
    def environ(self) -> dict[str, str]:
        own = {"CFR_ARTIFACTS": str(self.folder), "MLFLOW_TRACKING_URI": NO_STORE}
        own |= {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own}

    def here(self, out: str, *more: str) -> None:
        """In this process, which has imported everything."""
        import tyro
        from rich.console import Console

        from results.training.expression import train_expression
        from results.training.expression_options import TrainExpression

        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environ.items():
                patch.setenv(name, value)
            config = tyro.cli(TrainExpression, args=self.words(out, *more)[1:])
            train_expression(config, Console(quiet=True))

    def on_two(self, out: str, *more: str) -> str:
        """On two processes under torchrun."""
        launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
        launcher += ["--master-addr=127.0.0.1", f"--master-port={self.port()}"]
        answer = subprocess.run(
            [*launcher, *self.words(out, *more), "--devices", "2"],
            cwd=self.project,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def kill(self, out: str, *more: str) -> int:
        """Start a run and kill it as soon as it has left a checkpoint; the step of that."""
        checkpoint = self.folder / out / "seed-0/checkpoint.pt"
        return self.killed(self.words(out, *more), self.environ, checkpoint)

    def weights(self, out: str) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        return load_file(self.folder / out / "seed-0/run.safetensors")

    def curves(self, out: str) -> dict[tuple[str, str], float]:
        """Step and name → value."""
        path = self.folder / out / "seed-0/curves.csv"
        with path.open(newline="", encoding="utf-8") as file:
            return {(row["step"], row["name"]): float(row["value"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def command(
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    kill_at_checkpoint: Kill,
    write_rafdb: Callable[[Path, int, int, int | None], Path],
) -> Iterator[Command]:
    folder, threads = tmp_path_factory.mktemp("train-expression"), torch.get_num_threads()
    write_rafdb(folder / "data", 14, 14, None)
    yield Command(project, folder, free_port, kill_at_checkpoint)
    torch.set_num_threads(threads)


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
    told = command.on_two("both", "--steps", "4", "--checkpoint-every", "2")
    command.here("alone", "--steps", "4", "--checkpoint-every", "2")
    assert told.count("Network: ") == 1  # the first process alone speaks
    assert f"Network: {command.folder / 'both/seed-0/run.onnx'}" in told
    assert f"note: MLflow at {NO_STORE} refused" in told
    assert "of 14" in told
    one, other = command.curves("alone"), command.curves("both")
    assert one.keys() == other.keys()
    assert {("4", "loss"), ("4", "right"), ("4", "validation: accuracy")} <= one.keys()
    key = ("0", "validation: accuracy")
    assert one[key] == other[key]  # both began with the same weights
    assert other["2", "loss"] == pytest.approx(one["2", "loss"], abs=0.5)


def test_bad_input_is_one_line(command: Command) -> None:
    words = [SCRIPT, str(command.folder / "nowhere"), "--device", "cpu"]
    answer = subprocess.run(
        [sys.executable, *words],
        cwd=command.project,
        env=command.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert "RAF-DB's list of labels is not at" in answer.stderr
    assert "Traceback" not in answer.stderr
