"""Which stages a table needs: everything once, nothing that is at hand."""

from pathlib import Path

import pytest

from results.reproducing.experiment import ROWS, TRAINED, Experiment, lacking_roots
from results.reproducing.profiles import PROFILES
from results.reproducing.running import Wanted, choose, table_stage
from results.reproducing.stages import Stage
from results.reproducing.workshop import in_order
from results.tables.table4 import Table4


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    return tmp_path


def trained(experiment: Experiment, *tables: str) -> list[Stage]:
    every = [one for table in tables for one in experiment.trainings(table).values()]
    return in_order([stage for stages in every for stage in stages])


def test_every_row_has_a_recipe() -> None:
    weights = {row.weights for rows in ROWS.values() for row in rows if not row.reported}
    assert weights == TRAINED.keys()


@pytest.mark.parametrize("size", PROFILES)
def test_a_row_has_three_trainings(size: str) -> None:
    """Fewer could show no claim; the options of every profile are such as the commands take."""
    experiment = Experiment("synthetic", size)  # type: ignore[arg-type]
    for table in ROWS:
        for stages in experiment.trainings(table).values():
            assert len({one.key for one in stages}) == len(stages) == 3
    for table, expected in {"table1": 12, "table2": 8, "table3": 8}.items():
        assert len(trained(experiment, table)) == expected


def test_tables_1_and_2_share_their_networks() -> None:
    experiment = Experiment("synthetic", "tiny")
    both, one = trained(experiment, "table1", "table2"), trained(experiment, "table1")
    assert [stage.key for stage in both] == [stage.key for stage in one]


def test_networks_differ_by_set_and_seed_alone() -> None:
    stages = Experiment("synthetic", "tiny").trainings("table1")
    for seed in range(3):
        options = {one[seed].config["options"]["steps"] for one in stages.values()}
        assert options == {PROFILES["tiny"].recognizer["steps"]}
    assert len({one[0].needs[0].key for one in stages.values()}) == 3


def test_real_data_are_trained_on_where_they_are(roots: Path) -> None:
    experiment = Experiment("real", "paper")
    assert trained(experiment, "table1", "table2", "table3") == []
    assert experiment.tests("table1") == {}
    (roots / "casia").mkdir()
    assert experiment.trainings("table1") == {}  # there is nothing to measure them on
    (roots / "ijba").mkdir()
    assert set(experiment.trainings("table1")) == {
        "res18",
        "res18-rotate-and-render",
        "res18-cfr-gan",
    }
    (roots / "recognizers").mkdir()
    (roots / "recognizers/res18-seed-0.onnx").write_bytes(b"own")
    assert "res18" not in experiment.trainings("table1")


def test_trainings_are_watched_on_lfw_where_it_is(roots: Path) -> None:
    for name in ("casia", "ijba"):
        (roots / name).mkdir()

    def options() -> dict[str, object]:
        return dict(Experiment("real", "paper").trainings("table1")["res18"][0].config["options"])

    assert (options()["validate_on"], options()["hold_out"]) == ((), 20)
    (roots / "lfw").mkdir()
    assert (options()["validate_on"], options()["hold_out"]) == (("lfw",), 0)
    made_up = Experiment("synthetic", "paper").trainings("table1")["res18"][0]
    assert made_up.config["options"]["hold_out"] == 20


def test_what_a_classifier_starts_from_moves_its_stage(roots: Path) -> None:
    file = roots / "vgg16.pth"
    file.write_bytes(b"weights")
    plain = Experiment("synthetic", "tiny").trainings("table3")["vgg16"][0]
    started = Experiment("synthetic", "tiny", file).trainings("table3")["vgg16"][0]
    assert started.key != plain.key
    assert started.config["options"]["start"] == "vgg16.pth"  # no path of this machine


def test_data_are_chosen_by_what_is_there(roots: Path) -> None:
    assert lacking_roots("table1") == ["lfw", "ijba"]
    experiment, told = choose(["table1"], None, None)
    assert (experiment.data, experiment.size) == ("synthetic", "tiny")
    assert told.startswith("Data: synthetic, people who do not exist. Profile: tiny.")
    assert told.endswith("since there is no root here of lfw, ijba.")
    for name in ("lfw", "ijba"):
        (roots / name).mkdir()
    experiment, told = choose(["table1"], None, None)
    assert (experiment.data, experiment.size) == ("real", "paper")
    assert "since the roots are there" in told
    assert choose(["table1", "table3"], None, None)[0].data == "synthetic"
    assert choose(["table1"], "synthetic", "mini")[0] == Experiment("synthetic", "mini")
    assert choose(["table3"], "real", None)[0] == Experiment("real", "paper")


def test_a_tables_options_move_its_stage(tmp_path: Path) -> None:
    experiment = Experiment("synthetic", "tiny")
    default = table_stage(Wanted("table4"), experiment, tmp_path)
    assert default.key == table_stage(Wanted("table4", Table4()), experiment, tmp_path).key
    assert default.key != table_stage(Wanted("table4", Table4(seed=1)), experiment, tmp_path).key
    own = tmp_path / "own.safetensors"
    keys = set()
    for content in (b"one", b"two"):
        own.write_bytes(content)
        options = Table4(source="models", regressor=(f"mine={own}",))
        stage = table_stage(Wanted("table4", options), experiment, tmp_path)
        assert "mine=own.safetensors" in stage.config["options"]["regressors"]
        keys.add(stage.key)
    assert len(keys) == 2
