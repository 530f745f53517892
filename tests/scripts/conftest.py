"""What tests of commands share."""

import csv
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch


@dataclass(frozen=True)
class Calls:
    """Calls of a training command; its words are those behind the script."""

    project: Path
    script: str
    folder: Path
    port: Callable[[], int]
    store: str = "sqlite:////proc/nowhere/x.db"
    """MLflow's: it refuses at once, and making one takes seconds."""

    @property
    def environ(self) -> dict[str, str]:
        own = {"CFR_ARTIFACTS": str(self.folder), "MLFLOW_TRACKING_URI": self.store}
        own |= {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own}

    def apart(self, *words: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own."""
        return self._call([sys.executable, self.script, *words])

    def on_two(self, *words: str) -> str:
        """On two processes under torchrun; what they print."""
        launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
        launcher += ["--master-addr=127.0.0.1", f"--master-port={self.port()}", self.script]
        answer = self._call([*launcher, *words, "--devices", "2"])
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def here(self, config: type, train: Callable[[Any, Any], object], *words: str) -> None:
        """In this process, which has imported everything."""
        import tyro
        from rich.console import Console

        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environ.items():
                patch.setenv(name, value)
            train(tyro.cli(config, args=words), Console(quiet=True))

    def kill(self, checkpoint: Path, *words: str) -> int:
        """Start a run and kill it as soon as it has left a checkpoint; the step of that."""
        process = subprocess.Popen(
            [sys.executable, self.script, *words],
            cwd=self.project,
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            late = time.monotonic() + 240
            while not checkpoint.is_file():
                assert process.poll() is None, "it ended before it could be killed"
                assert time.monotonic() < late
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait(60) == -signal.SIGKILL
        finally:
            with suppress(ProcessLookupError):  # the processes that drew batches for it
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
        return int(torch.load(checkpoint, weights_only=True)["step"])

    def curves(self, out: str) -> dict[tuple[int, str], float]:
        """Step and name → value, of a run in a folder."""
        path = self.folder / out / "curves.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {(int(row["step"]), row["name"]): float(row["value"]) for row in rows}

    def _call(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.project,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="session")
def calls_of(project: Path, free_port: Callable[[], int]) -> Callable[[str, Path], Calls]:
    """From a script and the folder of its artifacts to calls of it."""

    def find(script: str, folder: Path) -> Calls:
        return Calls(project, script, folder, free_port)

    return find


@pytest.fixture
def call_script(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Callable[..., tuple[int, str, str]]]:
    """From a script's name to what runs it in this process: status, and both streams."""

    def of(script: str) -> Callable[..., tuple[int, str, str]]:
        def run(*words: str) -> tuple[int, str, str]:
            monkeypatch.setattr(sys, "argv", [script, *words])
            with pytest.raises(SystemExit) as end:
                runpy.run_path(str(project / "scripts" / script), run_name="__main__")
            out, err = capsys.readouterr()
            return int(end.value.code or 0), out, err

        return run

    return of


@pytest.fixture
def refused(
    call_script: Callable[[str], Callable[..., tuple[int, str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., str]:
    """From a script's name, its words and the environment to the one line that refuses them."""

    def told(script: str, *words: str, **environ: str) -> str:
        monkeypatch.delenv("CFR_SHARED", raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        status, _, err = call_script(script)(*words)
        assert status == 2
        assert len(err.strip().splitlines()) == 1
        return err

    return told
