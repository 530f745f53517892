"""The command as a user calls it: killed, on one process, and on two under torchrun."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from results.bench.made_up_pairs import MadeUpPairs, write_pairs

SCRIPT = "scripts/train_gan.py"
NO_STORE = "sqlite:////proc/nowhere/x.db"  # refuses at once; making one takes seconds
NUMBERS = (
    "--without perceptual identity --size 64 --width 4 --blocks 1 --batch 4 --seed 2 --device cpu "
    "--threads 1 --workers 0 --validate-every 20 --name run"
)


Kill = Callable[[Sequence[str], Mapping[str, str], Path], int]


@dataclass(frozen=True)
class Command:
    """Calls of the command on the same pairs."""

    project: Path
    folder: Path
    port: Callable[[], int]
    killed: Kill

    def words(self, out: str, *more: str) -> list[str]:
        pairs, own = self.folder / "pairs", self.folder / out
        return [SCRIPT, str(pairs), *NUMBERS.split(), "--out", str(own), *more]

    @property
    def environ(self) -> dict[str, str]:
        own = {"CFR_ARTIFACTS": str(self.folder), "MLFLOW_TRACKING_URI": NO_STORE}
        own |= {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own}

    def here(self, out: str, *more: str, also: Callable[[int], None] = lambda step: None) -> None:
        """In this process, which has imported everything; tells the step of each checkpoint."""
        import tyro
        from rich.console import Console

        from cfr.training import course
        from results.training.gan import train_gan
        from results.training.gan_options import TrainGan

        write = course.write_checkpoint

        def write_and_tell(path: Path, kind: str, digest: str, step: int, parts: Any) -> None:
            write(path, kind, digest, step, parts)
            also(step)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(course, "write_checkpoint", write_and_tell)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            config = tyro.cli(TrainGan, args=self.words(out, *more)[1:])
            train_gan(config, Console(quiet=True))

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
        checkpoint = self.folder / out / "checkpoint.pt"
        return self.killed(self.words(out, *more), self.environ, checkpoint)

    def weights(self, out: str) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        return load_file(self.folder / out / "gan-run.safetensors")

    def curves(self, out: str) -> dict[tuple[str, str], float]:
        """Step and name → value."""
        with (self.folder / out / "curves.csv").open(newline="", encoding="utf-8") as file:
            return {(row["step"], row["name"]): float(row["value"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def command(
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    kill_at_checkpoint: Kill,
) -> Iterator[Command]:
    folder, threads = tmp_path_factory.mktemp("train-gan"), torch.get_num_threads()
    write_pairs(folder / "pairs", MadeUpPairs(80, 64))
    yield Command(project, folder, free_port, kill_at_checkpoint)
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
    assert command.curves("killed") == command.curves("whole")


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
    assert f"note: MLflow at {NO_STORE} refused" in told
    command.on_two("begun", *steps)
    one, other, last = (command.curves(out) for out in ("alone", "both", "begun"))
    assert one.keys() == other.keys()
    assert last.keys() == {(step, name) for step, name in one if step == "20"}
    for (step, name), value in one.items():
        assert other[step, name] == pytest.approx(value, rel=1e-3, abs=1e-3), (step, name)
        if step == "20":
            assert last[step, name] == pytest.approx(value, rel=1e-3, abs=1e-3), (step, name)
    assert {("20", "penalty"), ("20", "validation: mask IoU")} <= one.keys()
