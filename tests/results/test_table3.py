"""Table 3: without anything, and on a small RAF-DB with real networks, against loops."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from protocols.errors import BadInput
from protocols.images import save_image
from protocols.rafdb import CLASSES, PARTITION
from protocols.types import InputFile
from results.export.stages import BadAnswer
from results.record import RunRecord
from results.tables import table3
from results.tables.table3 import Table3

COLOURS = np.array(
    [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0),
        (255, 0, 255), (0, 255, 255), (255, 255, 255),
    ]
)  # fmt: skip
"""A colour a class."""
PHOTOS = 60
OCCLUDED = [*range(0, PHOTOS, 4), 8]  # photo 8 stands twice in the list, and counts twice
TURNED = list(range(0, PHOTOS, 2))


def write_network(path: Path, prototypes: np.ndarray, side: int = 20) -> Path:
    """Which prototype the mean colour is nearest to: 2 c · p − |p|², in the network's own scale."""
    p = (prototypes - 127.5) / 127.5
    numbers = {
        "twice": (2 * p.T).astype(np.float32),
        "less": (-(p * p).sum(axis=1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("GlobalAveragePool", ["picture"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["colour"]),
        helper.make_node("MatMul", ["colour", "twice"], ["product"]),
        helper.make_node("Add", ["product", "less"], ["classes"]),
    ]
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "nearest",
        [helper.make_tensor_value_info("picture", kind, ["n", 3, side, side])],
        [helper.make_tensor_value_info("classes", kind, None)],
        [numpy_helper.from_array(value, name) for name, value in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def write_rafdb(root: Path, labels: np.ndarray, pictures: np.ndarray) -> None:
    """A root in the official layout: two photos to train on, the others to test on."""
    names = ["train_00001", "train_00002", *(f"test_{i:04d}" for i in range(PHOTOS))]
    every = [0, 1, *labels.tolist()]
    (root / "EmoLabel").mkdir(parents=True)
    (root / "Image/aligned").mkdir(parents=True)
    lines = [f"{name}.jpg {label + 1}" for name, label in zip(names, every, strict=True)]
    (root / "EmoLabel" / PARTITION).write_text("\n".join(lines))
    for name, picture in zip(names[2:], pictures, strict=True):
        save_image(root / f"Image/aligned/{name}_aligned.jpg", picture)
    for name in names[:2]:  # no picture: nobody may look at it
        (root / f"Image/aligned/{name}_aligned.jpg").touch()
    hidden = [f"test_{i:04d}_aligned {labels[i]} 1" for i in OCCLUDED]
    (root / "rafdb_occlusion_list.txt").write_text("\n".join(hidden))
    turned = [f"{labels[i]}/test_{i:04d}_aligned.jpg" for i in TURNED]
    (root / "val_raf_db_list.txt").write_text("\n".join(turned))
    counts = {"train": 2, "test": PHOTOS, "occlusion": len(OCCLUDED), "pose > 30°": len(TURNED)}
    counts |= {f"test {word}": int((labels == i).sum()) for i, word in enumerate(CLASSES)}
    (root / "counts.json").write_text(json.dumps({"why": "in miniature", "counts": counts}))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that the table needs: coloured photos, a third of them in a wrong colour."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 7, PHOTOS)
    shown = np.where(np.arange(PHOTOS) % 3 == 0, rng.integers(0, 7, PHOTOS), labels)
    pictures = np.repeat(COLOURS[shown][:, None, None, :] * 0.8 + 20, 10, 1).repeat(12, 2)
    pictures = (pictures + rng.uniform(-15, 15, pictures.shape)).clip(0, 255).astype(np.uint8)
    write_rafdb(tmp_path / "rafdb", labels, pictures)
    write_network(tmp_path / "recognizers/vgg16.onnx", COLOURS[[0, 1, 2, 3, 4, 6, 5]])
    write_network(tmp_path / "recognizers/vgg16-cfr-gan.onnx", COLOURS)
    np.savez(tmp_path / "truth.npz", labels=labels, pictures=pictures)
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    return tmp_path


def table(data: Path, **words: object) -> RunRecord:
    return table3.compute(Table3(jobs=1, cache=data / "cache", **words)).record  # type: ignore[arg-type]


def expected(data: Path, prototypes: np.ndarray, photos: list[int]) -> float:
    """The accuracy in percent, by loops over the pictures that were written."""
    truth = np.load(data / "truth.npz")
    right = 0
    for photo in photos:
        mean = truth["pictures"][photo].astype(float).mean(axis=(0, 1))
        gaps = [float(((mean - one) ** 2).sum()) for one in prototypes]
        right += gaps.index(min(gaps)) == truth["labels"][photo]
    return 100 * right / len(photos)


def test_every_cell_equals_the_loops(data: Path) -> None:
    record = table(data)
    networks = {"VGG16": COLOURS[[0, 1, 2, 3, 4, 6, 5]], "VGG16 + ours": COLOURS}
    subsets = {"total": list(range(PHOTOS)), "occlusion": OCCLUDED, "pose > 30°": TURNED}
    for row, prototypes in networks.items():
        for column, photos in subsets.items():
            cell = record.cell(row, column)
            assert cell.value == pytest.approx(expected(data, prototypes, photos)), (row, column)
            assert cell.n == len(photos)
            assert cell.interval is not None
            assert cell.interval[0] < (cell.value or 0) < cell.interval[1]
            assert cell.origin == "measured on real data"
    assert record.cell("VGG16", "occlusion").paper == 76.87
    assert 50 < (record.cell("VGG16 + ours", "total").value or 0) < 90  # neither all nor none
    assert set(record.inputs) >= {PARTITION, "rafdb_occlusion_list.txt", "val_raf_db_list.txt"}
    assert record.weights == {
        name: InputFile.of(data / "recognizers" / name).sha256
        for name in ("vgg16.onnx", "vgg16-cfr-gan.onnx")
    }
    told = " ".join(record.notes)
    assert "Counts: counts.json (in miniature)" in told
    assert "looked for" not in told  # everything is there
    assert "VGG16 is fed RGB, -1 … 1, 20 × 20." in told
    assert str(data) not in record.to_json()


def test_the_rows_are_compared_on_the_same_photos(data: Path) -> None:
    record = table(data, resamples=500)
    assert [(one.left, one.right, one.column) for one in record.comparisons] == [
        ("VGG16 + ours", "VGG16", column) for column in ("total", "occlusion", "pose > 30°")
    ]
    for one in record.comparisons:
        ours, base = (record.cell(row, one.column).value for row in (one.left, one.right))
        assert ours is not None
        assert base is not None
        assert one.difference == pytest.approx(ours - base)
        assert one.interval is not None
        assert one.interval[0] <= one.difference <= one.interval[1]
    assert table(data, resamples=0).comparisons == ()
    assert table(data, resamples=500).comparisons == record.comparisons


def test_the_reported_row_is_the_papers(data: Path) -> None:
    record = table(data)
    cell = record.cell("GACNN", "occlusion")
    assert (cell.value, cell.origin, cell.n) == (80.54, "reported by the paper", None)
    assert cell.difference is None  # nothing was reproduced
    assert record.cell("GACNN", "total").value is None
    assert "not transcribed" in record.cell("GACNN", "total").reason
    assert any(note.startswith("GACNN: reported by the paper") for note in record.notes)
    assert record.status == "2 of 9 cells are unavailable"


def test_what_is_known_is_not_computed_again(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from recognizers.onnx_model import OnnxRecognizer

    once = table(data)

    def refuse(*_: object) -> None:
        pytest.fail("a photo was embedded again")

    monkeypatch.setattr(OnnxRecognizer, "embed", refuse)
    assert table(data).cells == once.cells


def test_another_network_is_no_known_one(data: Path) -> None:
    before = table(data)
    write_network(data / "recognizers/vgg16.onnx", COLOURS[[6, 5, 4, 3, 2, 1, 0]])
    after = table(data)
    assert after.cell("VGG16", "total").value != before.cell("VGG16", "total").value
    assert after.cell("VGG16 + ours", "total") == before.cell("VGG16 + ours", "total")


def test_one_network_is_enough_for_its_row(data: Path) -> None:
    (data / "recognizers/vgg16-cfr-gan.onnx").unlink()
    record = table(data)
    assert record.cell("VGG16", "total").value is not None
    assert record.cell("VGG16 + ours", "total").reason == (
        "absent: recognizers/vgg16-cfr-gan.onnx (train it, or put an ONNX file of your own there)"
    )
    assert record.comparisons == ()
    assert list(record.weights) == ["vgg16.onnx"]


def test_a_subset_without_its_list_says_so(data: Path) -> None:
    (data / "rafdb/rafdb_occlusion_list.txt").unlink()
    record = table(data)
    assert record.cell("VGG16", "total").value is not None
    assert record.cell("VGG16", "occlusion").value is None
    assert "the list of occlusion is absent (Copy" in record.cell("VGG16", "occlusion").reason


def test_a_photo_that_is_absent_is_the_reason(data: Path) -> None:
    (data / "rafdb/Image/aligned/test_0007_aligned.jpg").unlink()
    reason = table(data).cell("VGG16", "pose > 30°").reason
    assert "test_0007_aligned.jpg, which list_patition_label.txt names" in reason
    assert "whdeng.cn" in reason


def test_a_network_with_other_classes_is_refused(data: Path) -> None:
    write_network(data / "recognizers/vgg16.onnx", COLOURS[:5])
    with pytest.raises(BadInput, match=r"vgg16\.onnx, output: expected 7 numbers a face: surprise"):
        table(data)


def test_a_network_that_gives_no_number_is_refused(data: Path) -> None:
    broken = COLOURS.astype(float)
    broken[3] = np.nan
    write_network(data / "recognizers/vgg16.onnx", broken)
    with pytest.raises(BadAnswer, match=r"vgg16\.onnx: .*test_0000_aligned\.jpg.* not finite"):
        table(data)


def test_without_anything_it_says_all_that_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    record = table(tmp_path)
    assert record.cell("VGG16", "total").reason == (
        "absent: RAF-DB, basic expressions (apply at http://www.whdeng.cn/raf/model1.html); "
        "recognizers/vgg16.onnx (train it, or put an ONNX file of your own there)"
    )
    assert record.cell("VGG16", "pose > 30°").paper == 79.39
    assert not (tmp_path / "cache").exists()


def test_the_world_is_said(data: Path) -> None:
    record = table(data, world="synthetic")
    assert record.cell("VGG16", "total").origin == "measured on the synthetic world"
    assert record.config["world"] == "synthetic"


def test_several_processes_answer_alike(data: Path) -> None:
    alone = table(data)
    several = table3.compute(Table3(jobs=2, cache=data / "another")).record
    assert several.cells == alone.cells
