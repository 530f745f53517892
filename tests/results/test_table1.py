"""Table 1 on a small LFW, with real networks through the whole pipeline."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocols.images import save_image
from protocols.types import InputFile
from results.pipeline import Embedding
from results.record import RunRecord
from results.tables import table1
from results.tables.places import Places
from results.tables.table1 import Table1

PEOPLE, EACH, FOLDS, SIDE = 24, 10, 4, 112


def colours() -> np.ndarray:
    """(people, each, 3): a colour a person, and a little noise a photo."""
    rng = np.random.default_rng(3)
    base = rng.uniform(60, 200, (PEOPLE, 1, 3))
    return (base + rng.normal(0, 12, (PEOPLE, EACH, 3))).clip(0, 255).astype(np.uint8)


def pairs() -> list[tuple[tuple[int, int], tuple[int, int], int]]:
    """Photos (person, number), and the fold: people are of one fold."""
    found = []
    for fold in range(FOLDS):
        people = range(fold, PEOPLE, FOLDS)
        same = [((p, a), (p, b)) for p in people for a, b in itertools.combinations(range(EACH), 2)]
        other = [
            ((p, a), (q, b))
            for a, b in itertools.product(range(EACH), repeat=2)
            for p, q in itertools.combinations(people, 2)
        ]
        found += [(*pair, fold) for pair in same + other[: len(same)]]
    return found


@pytest.fixture
def data(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_colour_network: Callable[[Path, np.ndarray], None],
) -> Path:
    """LFW's layout with plain photos, and two of the three networks."""
    root = tmp_path / "lfw"
    for person, photos in enumerate(colours()):
        name = f"Person_{chr(65 + person)}"
        (root / "lfw-deepfunneled" / name).mkdir(parents=True)
        for number, colour in enumerate(photos, 1):
            picture = np.broadcast_to(colour, (SIDE, SIDE, 3)).copy()
            save_image(root / f"lfw-deepfunneled/{name}/{name}_{number:04d}.jpg", picture)
    listed = pairs()
    lines = [f"{FOLDS}\t{len(listed) // FOLDS // 2}"]
    for (p, a), (q, b), _ in listed:
        who, whom = (f"Person_{chr(65 + one)}" for one in (p, q))
        lines.append(f"{who}\t{a + 1}\t{b + 1}" if p == q else f"{who}\t{a + 1}\t{whom}\t{b + 1}")
    (root / "pairs.txt").write_text("\n".join(lines))
    photos = len({side for pair in listed for side in pair[:2]})
    counts = {"folds": FOLDS, "pairs": len(listed), "genuine": len(listed) // 2, "photos": photos}
    (root / "counts.json").write_text(json.dumps({"why": "in miniature", "counts": counts}))
    write_colour_network(tmp_path / "recognizers/res18.onnx", np.eye(3)[:, :2])
    write_colour_network(tmp_path / "recognizers/res18-cfr-gan.onnx", np.eye(3))
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    return tmp_path


def table(data: Path, **words: object) -> RunRecord:
    how = Embedding(landmarks="aligned", jobs=1, probe=False, device="cpu", cache=data / "cache")
    return table1.compute(Table1(embedding=how, **words)).record  # type: ignore[arg-type]


def accuracy(matrix: np.ndarray) -> float:
    """Ten-fold accuracy as LFW defines it: for each fold the cut that is best on the others."""
    vectors = ((colours().astype(float) - 127.5) / 127.5) @ matrix
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    listed = pairs()
    distance = np.array(
        [((vectors[left] - vectors[right]) ** 2).sum() for left, right, _ in listed]
    )
    genuine = np.array([left[0] == right[0] for left, right, _ in listed])
    fold = np.array([number for _, _, number in listed])
    cuts = np.arange(0, 4, 0.01)
    rates = []
    for number in range(FOLDS):
        train = fold != number
        scores = [((distance[train] < cut) == genuine[train]).mean() for cut in cuts]
        best = cuts[int(np.argmax(scores))]
        rates.append(((distance[~train] < best) == genuine[~train]).mean())
    return 100 * float(np.mean(rates))


def test_lfw_is_measured_through_the_pipeline(data: Path) -> None:
    result = table1.compute(
        Table1(
            resamples=100,
            embedding=Embedding(
                landmarks="aligned", jobs=1, probe=False, device="cpu", cache=data / "cache"
            ),
        )
    )
    record = result.record
    for row, matrix in (("Res18", np.eye(3)[:, :2]), ("Res18 + ours", np.eye(3))):
        cell = record.cell(row, "LFW accuracy")
        assert cell.value == pytest.approx(accuracy(matrix)), row
        assert 60 < (cell.value or 0) < 100
        assert cell.n == len(pairs())
        assert cell.interval is not None
    assert record.cell("Res18", "LFW accuracy").paper == 98.85
    assert record.cell("Res18 + R&R", "LFW accuracy").reason.startswith(
        "absent: recognizers/res18-rotate-and-render.onnx ("
    )
    reason = record.cell("Res18", "IJB-A TAR@FAR=.01").reason
    assert reason.startswith("absent: IJB-A (apply at")
    assert "onnx" not in reason  # the weights are there
    (one,) = record.comparisons
    assert (one.left, one.right, one.column) == ("Res18 + ours", "Res18", "LFW accuracy")
    assert one.difference == pytest.approx(accuracy(np.eye(3)) - accuracy(np.eye(3)[:, :2]))
    assert record.weights == {
        name: InputFile.of(data / "recognizers" / name).sha256
        for name in ("res18.onnx", "res18-cfr-gan.onnx")
    }
    assert "Labeled Faces in the Wild: pairs.txt" in record.rule
    assert any("counts.json (in miniature)" in note for note in record.notes)
    assert record.environment.device.startswith("cpu (")
    assert str(data) not in record.to_json()
    assert [figure.name for figure in result.figures] == ["lfw ROC", "lfw DET"]
    for figure in result.figures:
        assert figure.row is None
        assert figure.draw().axes


def test_what_the_photos_go_through_is_recorded(data: Path) -> None:
    record = table(data, resamples=0)
    assert record.config["landmarks"] == "aligned"
    assert record.config["no_face"] == "keep-original"
    assert record.comparisons == ()


def test_points_that_were_asked_for_beat_those_beside_the_photos(data: Path) -> None:
    """Aligned photos need none: the file that is not there is not read."""
    how = Embedding(landmarks="aligned", jobs=1, probe=False, device="cpu", cache=data / "cache")
    places = Places(points={"lfw": data / "nowhere.csv"})
    record = table1.compute(Table1(embedding=how, resamples=0), places).record
    assert record.cell("Res18", "LFW accuracy").value is not None
    anything = replace(how, landmarks="auto")
    lacking = table1.compute(Table1(embedding=anything, resamples=0), places).record
    assert "absent: the table of points" in lacking.cell("Res18", "LFW accuracy").reason
