"""The command as a user calls it: it learns from right names alone; killed; on two processes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from protocols.errors import BadInput
from protocols.recordio import HEADER, RecordFile
from results.bench.made_up_people import MadeUpPeople, write_people

SCRIPT = "scripts/train_recognizer.py"
NUMBERS = (
    "--size 32 --width 4 --dimension 32 --hold-out 5 --batch 32 --seed 2 --device cpu --threads 1 "
    "--validate-every 60 --name run"
)
STEPS = ("--steps", "60")


@dataclass(frozen=True)
class Command:
    """Calls of the command on made-up people, under their right names and under shuffled ones."""

    calls: Any
    """Of tests/scripts/conftest.py."""

    @property
    def folder(self) -> Path:
        return self.calls.folder

    def words(self, out: str, *more: str, faces: str = "right", workers: int = 0) -> list[str]:
        own = "--workers", str(workers), "--out", str(self.folder / out)
        return [str(self.folder / faces), *NUMBERS.split(), *own, *more]

    def here(self, *words: str, faces: str = "right", workers: int = 0) -> None:
        """In this process, which has imported everything."""
        from results.training.recognizer import train_recognizer
        from results.training.recognizer_options import TrainRecognizer

        given = self.words(*words, faces=faces, workers=workers)
        self.calls.here(TrainRecognizer, train_recognizer, *given)

    def kill(self, *words: str) -> int:
        return self.calls.kill(self.folder / words[0] / "checkpoint.pt", *self.words(*words))

    def weights(self, out: str) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        return load_file(self.folder / out / "recognizer-run-torch.safetensors")


@pytest.fixture(scope="module")
def command(
    tmp_path_factory: pytest.TempPathFactory, calls_of: Callable[[str, Path], Any]
) -> Iterator[Command]:
    folder, threads = tmp_path_factory.mktemp("train-recognizer"), torch.get_num_threads()
    people = MadeUpPeople(people=60, photos=12, size=32)
    write_people(folder / "right", people)
    write_people(folder / "shuffled", people, shuffled=True)
    yield Command(calls_of(SCRIPT, folder))
    torch.set_num_threads(threads)


def test_it_learns_from_right_names_and_nothing_from_shuffled_ones(command: Command) -> None:
    """Of twelve people whose names are right in both, and whom neither run has seen."""
    command.here("learnt", *STEPS)
    command.here("misled", *STEPS, faces="shuffled")
    right, wrong = command.calls.curves("learnt"), command.calls.curves("misled")
    name = "validation: AUC, held out"
    assert right[0, name] == wrong[0, name]
    assert 40 < right[0, name] < 60
    assert right[60, name] > 95
    assert 40 < wrong[60, name] < 60
    assert right[60, "validation: accuracy, held out"] > 88
    assert wrong[60, "validation: accuracy, held out"] < 60


def test_what_a_run_leaves(command: Command) -> None:
    if not (command.folder / "learnt").is_dir():
        command.here("learnt", *STEPS)
    folder = command.folder / "learnt"
    names = {path.name for path in folder.iterdir() if path.suffix != ".half"}
    assert {"recognizer-run.onnx", "recognizer-run.toml", "recognizer-run-curves.png"} <= names
    card = (folder / "recognizer-run.md").read_text(encoding="utf-8")
    for told in (
        "| faces | right: train.rec (RecordIO, 32 × 32 pixels), 576 photos of 48 identities",
        "| head | ArcFace, s = 32, m = 0.3; 1 of the centres a step |",
        "| steps | 60 of 32 photos |",
        "| seed | 2 |",
        "| use | research only |",
        "| held out, % | accuracy ",
        "95 % of 1,000 resamples of people",
        "| AUC, held out | ",
    ):
        assert told in card, told


def test_a_killed_run_ends_with_the_same_weights(command: Command) -> None:
    """With part of the classes, more augmentation and balanced draws: all that is drawn by chance.

    The batches of the killed one are drawn by another process.
    """
    drawn = ("--share", "0.5", "--augmented", "0.3", "--balanced")
    steps = ("--steps", "16", "--checkpoint-every", "3")
    command.here("whole", *steps, *drawn)
    assert 3 <= command.kill("killed", *steps, *drawn) < 16
    assert not (command.folder / "killed" / "recognizer-run.onnx").exists()
    command.here("killed", *steps, *drawn, workers=1)
    one, other = command.weights("whole"), command.weights("killed")
    assert one.keys() == other.keys()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert command.calls.curves("killed") == command.calls.curves("whole")
    with pytest.raises(BadInput, match="the options, photos and code that the run began with"):
        command.here("killed", *steps)


def test_a_damaged_record_is_one_line_whoever_reads_it(command: Command, tmp_path: Path) -> None:
    write_people(tmp_path / "faces", MadeUpPeople(people=6, photos=2, size=32))
    start = int(RecordFile.open(tmp_path / "faces" / "train.rec").offsets[5])
    with (tmp_path / "faces" / "train.rec").open("r+b") as file:
        file.seek(start + 8 + HEADER.size)
        file.write(b"no picture")
    for workers in (0, 1):
        with pytest.raises(BadInput, match=r"train\.rec, record 5: expected a picture"):
            command.here(
                *("damaged", "--hold-out", "3", "--steps", "3"),
                faces=str(tmp_path / "faces"),
                workers=workers,
            )


@pytest.mark.slow
def test_two_processes_learn_as_one_does(command: Command) -> None:
    """Not to the same weights: batch normalisation sees halves of a batch, and learns slower."""
    told = command.calls.on_two(*command.words("both", "--steps", "120"))
    assert told.count("Card: ") == 1  # the first process alone speaks
    assert f"Recognizer: {command.folder / 'both' / 'recognizer-run.onnx'}" in told
    curves = command.calls.curves("both")
    assert curves[0, "validation: AUC, held out"] < 60
    assert curves[120, "validation: AUC, held out"] > 95
    assert curves[100, "nearest centre is the right one"] > 0.2
