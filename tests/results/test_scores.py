"""A table from embeddings, against the same numbers worked out by hand and by scikit-learn."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from protocols.errors import BadOption
from protocols.images import save_image
from results.loading import Source
from results.record import RunRecord
from results.tables.scores import Score, compute

PEOPLE, EACH, PARTS = 30, 4, 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of thirty people in templates and pairs, and embeddings of two recognizers."""
    root = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(5)
    save_image(root / "one.png", np.zeros((2, 2, 3), np.uint8))
    picture = (root / "one.png").read_bytes()
    names = [f"{person}_{index}.png" for person in range(PEOPLE) for index in range(EACH)]
    for name in names:
        (root / name).write_bytes(picture)
    pairs = ["left,right,same,fold,left_subject,right_subject"]
    for person in range(PEOPLE):
        fold, next_one = person % PARTS, (person + PARTS) % PEOPLE
        for index in range(EACH - 1):
            pairs.append(
                f"{person}_{index}.png,{person}_{index + 1}.png,1,{fold},{person},{person}"
            )
            other = f"{next_one}_{index}.png"
            pairs.append(f"{person}_{index}.png,{other},0,{fold},{person},{next_one}")
    (root / "pairs.csv").write_text("\n".join(pairs))
    templates = ["template,subject,image,media,score,role"]
    for row, name in enumerate(names):
        person, index = divmod(row, EACH)
        template, role = 2 * person + index // 2, "probe" if index // 2 else "first"
        if role == "first" and person % 5 == 0:
            role = "probe"  # every fifth person is in no gallery
        score = 0.5 + 0.1 * index
        templates.append(f"{template},{person},{name},m{index},{score},{role}")
    (root / "templates.csv").write_text("\n".join(templates))
    centres = rng.normal(size=(PEOPLE, 16))
    for name, noise in (("good", 0.9), ("bad", 1.4)):
        for side in ("", "_mirrored"):
            faces = np.repeat(centres, EACH, axis=0) + noise * rng.normal(size=(len(names), 16))
            np.save(root / f"{name}{side}.npy", faces.astype(np.float32))
    return root


def rows_of(source: Source) -> list[str]:
    """The protocol's own order of faces."""
    from results.loading import load, samples_of

    samples = samples_of(load(source)[0])
    assert samples is not None
    return [str(samples.photos.names[one]) for one in samples.photo.tolist()]


def in_order(world: Path, source: Source, name: str) -> str:
    """Embeddings in a protocol's order, as an option."""
    at = [int(a) * EACH + int(b) for a, b in (one[:-4].split("_") for one in rows_of(source))]
    files = []
    for side in ("", "_mirrored"):
        files.append(
            world / f"ordered-{source.task[-1]}-{Path(source.protocol).stem}-{name}{side}.npy"
        )
        np.save(files[-1], np.load(world / f"{name}{side}.npy")[at])
    return f"{name}={files[0]},{files[1]}"


def table(world: Path, file: str, **words) -> RunRecord:
    source = Source(str(world / file), task=words.pop("task", "1:1"))
    given = tuple(in_order(world, source, name) for name in ("bad", "good"))
    return compute(Score(source, given, resamples=200, **words)).record


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def pair_scores(world: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    faces = np.load(world / f"{name}.npy") + np.load(world / f"{name}_mirrored.npy")
    rows = [line.split(",") for line in (world / "pairs.csv").read_text().splitlines()[1:]]
    at = [
        [int(a) * EACH + int(b) for a, b in (one[:-4].split("_") for one in row[:2])]
        for row in rows
    ]
    left, right = np.array(at).T
    vectors = unit(faces.astype(float))
    return (vectors[left] * vectors[right]).sum(axis=1), np.array([row[2] == "1" for row in rows])


def test_pairs(world: Path) -> None:
    record = table(world, "pairs.csv", fars=(0.2,), rule="conservative", thresholds="exact")
    assert record.rows == ("bad", "good")
    assert record.columns == ("accuracy", "accuracy std", "AUC", "EER", "TAR@0.2")
    for name in record.rows:
        scores, genuine = pair_scores(world, name)
        cell = record.cell(name, "AUC")
        assert cell.value == pytest.approx(100 * roc_auc_score(genuine, scores), abs=1e-4)
        assert cell.value is not None
        assert cell.interval is not None
        assert cell.interval[0] < cell.value < cell.interval[1]
        impostors = np.sort(scores[~genuine])[::-1]
        limit = impostors[int(0.2 * len(impostors))]  # the first one that is too many
        wanted = 100 * np.mean(scores[genuine] > limit)
        assert record.cell(name, "TAR@0.2").value == pytest.approx(wanted)
        assert record.cell(name, "TAR@0.2").n == PEOPLE * (EACH - 1)
    (gap,) = [one for one in record.comparisons if one.column == "TAR@0.2"]
    assert (gap.left, gap.right) == ("good", "bad")
    values = [record.cell(name, "TAR@0.2").value or 0.0 for name in ("good", "bad")]
    assert gap.difference == pytest.approx(values[0] - values[1])
    assert "30 people" in " ".join(record.notes)
    assert "conservative" in record.rule
    assert str(world) not in record.to_json()


def test_templates_and_every_pooling(world: Path) -> None:
    record = table(world, "templates.csv", pooling=("all",), fars=(0.1, 1e-4))
    assert len(record.rows) == 16
    assert record.rows[-1] == "good, N1D1F1"
    cell = record.cell("good, N1D1F1", "TAR@1e-4")
    assert cell.value is None
    assert "0 of 1,740 impostor scores" in cell.reason
    faces = np.load(world / "good.npy") + np.load(world / "good_mirrored.npy")
    weighted = faces * np.tile([0.5, 0.6, 0.7, 0.8], PEOPLE)[:, None]
    vectors = unit(weighted.reshape(-1, 2, 16).sum(axis=1))
    left, right = np.triu_indices(len(vectors), 1)
    scores = (vectors[left] * vectors[right]).sum(axis=1)
    wanted = 100 * roc_auc_score(left // 2 == right // 2, scores)
    assert record.cell("good, N1D1F1", "AUC").value == pytest.approx(wanted, abs=1e-4)


def test_identification(world: Path) -> None:
    record = table(world, "templates.csv", task="1:N", ranks=(1, 3), fars=(0.1, 0.9))
    assert record.columns == ("rank-1", "rank-3", "DIR@0.1", "DIR@0.9")
    faces = np.load(world / "good.npy") + np.load(world / "good_mirrored.npy")
    vectors = unit(unit(faces).reshape(-1, 2, 16).sum(axis=1))
    known = [person for person in range(PEOPLE) if person % 5]
    found = (vectors[1::2] @ vectors[0::2].T)[np.ix_(known, known)]
    ranks = (found > found.diagonal()[:, None]).sum(axis=1)
    for k in (1, 3):
        cell = record.cell("good", f"rank-{k}")
        assert cell.value == pytest.approx(100 * np.mean(ranks < k))
        assert cell.n == len(known)
    # Twelve probes are of nobody in the gallery: one within 0.1, eleven within 0.9.
    assert record.cell("good", "DIR@0.1").value is None
    assert record.cell("good", "DIR@0.9").value is not None


def test_failures_are_counted_and_cost(world: Path) -> None:
    source = Source(str(world / "pairs.csv"))
    option = in_order(world, source, "good").split(",")[0]
    whole = compute(Score(source, (option,), resamples=0)).record
    file = Path(option.partition("=")[2])
    faces = np.load(file)
    lost = rows_of(source).index("0_0.png")
    faces[lost] = np.nan
    np.save(world / "lost.npy", faces)
    record = compute(Score(source, (f"good={world / 'lost.npy'}",), resamples=0)).record
    told = " ".join(record.notes)
    assert "good: 1 of 120 faces failed to enrol (0 of them because their photo is absent)" in told
    assert "1 of 120 templates" in told
    before, after = (one.cell("good", "AUC").value or 0.0 for one in (whole, record))
    assert after < before
    assert whole.cell("good", "AUC").interval is None


def test_the_same_seed_the_same_table(world: Path) -> None:
    one, other = (table(world, "pairs.csv", fars=(0.2,), seed=3) for _ in range(2))
    assert one.cells == other.cells
    assert one.comparisons == other.comparisons
    third = table(world, "pairs.csv", fars=(0.2,), seed=4)
    assert [cell.value for cell in third.cells] == [cell.value for cell in one.cells]
    assert third.cells != one.cells
    assert json.loads(one.to_json())["config"]["resamples"] == 200


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"embeddings": ()}, "--embeddings"),
        ({"embeddings": ("a=x.npy", "a=y.npy")}, "its own name"),
        ({"fars": (0.0,)}, "--fars"),
        ({"fars": (0.1, 0.1)}, "--fars"),
        ({"ranks": (0,)}, "--ranks"),
        ({"resamples": 7}, "--resamples 7"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_options_are_refused_early(words: dict, told: str) -> None:
    options = {"embeddings": ("a=x.npy",), **words}
    with pytest.raises(BadOption, match=told):
        Score(Source("lfw"), **options)


def test_a_pooling_that_cannot_be_had(world: Path) -> None:
    source = Source(str(world / "pairs.csv"))
    option = in_order(world, source, "good").split(",")[0]
    for name in ("N0D1F0", "N0D0F1", "mean"):
        with pytest.raises(BadOption, match=name):
            compute(Score(source, (option,), pooling=(name,)))


def test_splits_are_averaged() -> None:
    from results.systems import Measured, Scored, over_splits

    values = ((90.0, 50.0), (92.0, 52.0), (97.0, None))
    parts = [
        Scored(
            {"a": {"x": Measured(x, 10), "y": Measured(y, 10, None, "" if y else "too few")}},
            {"b": {"x": (x - 90.0, (0.0, 1.0))}},
            ["note"],
        )
        for x, y in values
    ]
    whole = over_splits(parts)
    assert list(whole.values["a"]) == ["x", "x std", "y"]
    one = whole.values["a"]["x"]
    assert (one.value, one.n) == (93.0, 30)
    assert whole.values["a"]["x std"].value == pytest.approx(np.std([90, 92, 97]))
    assert one.interval is not None
    half = 4.302653 * np.std([90, 92, 97], ddof=1) / 3**0.5  # Student, two degrees of freedom
    assert one.interval == pytest.approx((93 - half, 93 + half), abs=1e-4)
    assert whole.values["a"]["y"].value is None
    assert "1 of 3 splits lack it: too few" in whole.values["a"]["y"].reason
    assert whole.differences["b"]["x"][0] == pytest.approx(3.0)
    assert whole.notes == ["note"]
    assert over_splits(parts[:1]) is parts[0]
