"""What tests of training commands share."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import torch

Kill = Callable[[Sequence[str], Mapping[str, str], Path], int]


@pytest.fixture(scope="session")
def kill_at_checkpoint(project: Path) -> Kill:
    """From a command's words, environment and checkpoint to the step at which it was killed."""

    def kill(words: Sequence[str], environ: Mapping[str, str], checkpoint: Path) -> int:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=project,
            env=dict(environ),
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

    return kill
