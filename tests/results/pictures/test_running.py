"""Each figure as a file: panels, caption, record; the same again, and other with another seed."""

import hashlib
import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.images import read_image
from results.export.work import no_bar
from results.pictures.all import draw_all
from results.pictures.options import FIGURES, Fig1, Fig2, Fig5, Fig6, Fig7, Fig8, Fig9, Pictures
from results.pictures.running import Written, make_figure

TRUTHS = ("truth, from the front", "truth, de-occluded")
COLUMNS = {
    "fig1": [["photo", "ours, from the front", TRUTHS[0], "ours, de-occluded", TRUTHS[1]]],
    "fig6": [["photo", "render", "Rotate-and-Render", "CFR-GAN (ours)", TRUTHS[0]]],
    "fig7": [
        [
            *("photo", "render", "Rotate-and-Render", "CFR-GAN (ours)", TRUTHS[0]),
            *("ours, de-occluded", TRUTHS[1]),
        ]
    ],
    "fig5": [
        ["photo", "yaw −30°", "yaw +12.5°"],
        ["photo I", "render R_p", "painted G", "mask M", "M · G + (1 − M) · I", TRUTHS[1]],
    ],
    "fig9": [["photo", "R_p", "R_e", "without L_id", "ours, 500 steps", "ours", TRUTHS[1]]],
    "fig8": [
        [
            *("photo", "true points", "baseline, points", "baseline, fit"),
            *("stage2, points", "stage2, fit"),
        ]
    ],
}
NAMED = {
    "fig1": ["cfr-gan:mini"],
    "fig2": [],
    "fig5": ["cfr-gan:mini"],
    "fig6": ["cfr-gan:mini", "rotate-and-render:rotate-and-render-mini"],
    "fig7": ["cfr-gan:mini", "rotate-and-render:rotate-and-render-mini"],
    "fig8": ["regressor baseline", "regressor stage2"],
    "fig9": ["cfr-gan:mini-without-identity", "cfr-gan:mini-short", "cfr-gan:mini"],
}
SMALL: dict[str, Any] = {"data": "synthetic", "count": 1, "size": 64}


def made(config: Pictures) -> tuple[Written, dict[str, Any]]:
    written = make_figure(config, no_bar)
    return written, json.loads(written.record.read_text())


def panels(written: Written) -> dict[str, np.ndarray]:
    """What each panel shows, by its place."""
    return {
        str(axis.get_label()): np.asarray(axis.images[0].get_array())
        for axis in written.figure.axes
    }


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_what_its_record_says(name: str, nothing_here: Path) -> None:
    options: dict[str, Any] = {"yaws": (-30.0, 12.5)} if name == "fig5" else {}
    config = FIGURES[name](**SMALL, **options, out=nothing_here / "out")
    written, record = made(config)
    shown = panels(written)
    if name in COLUMNS:
        assert record["columns"] == COLUMNS[name]
    across = sum(map(len, record["columns"]))
    assert len(shown) == across * (2 if name == "fig8" else 1)
    dull = [one for one, picture in shown.items() if picture.std() < 3]
    assert not [one for one in dull if "mask" not in one and "objects" not in one], dull
    picture = read_image(written.picture)
    assert picture.std() > 20
    content = written.picture.read_bytes()
    assert record["picture"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert list(record["weights"]) == NAMED[name]
    for weights, digest in record["weights"].items():
        assert f"{weights} (sha256 {digest[:12]}…)" in record["caption"]
    assert "Made-up people" in record["caption"]
    assert "its own photos are not known" in record["caption"]
    assert record["photos"][0]["person"] == 73_000_000
    assert record["environment"]["git_commit"]
    assert record["data"] == "synthetic"
    assert written.picture == nothing_here / "out" / f"{name}.png"
    assert sorted(one.name for one in (nothing_here / "out").iterdir()) == [
        f"{name}.json",
        f"{name}.png",
    ]


def test_the_seed_decides_to_the_byte(nothing_here: Path) -> None:
    config = Fig2(**SMALL, out=nothing_here / "one")
    one, again, other = (
        make_figure(replace(config, out=nothing_here / at, seed=seed), no_bar)
        for at, seed in (("one", 0), ("two", 0), ("three", 1))
    )
    assert one.picture.read_bytes() == again.picture.read_bytes()
    assert one.record.read_text() == again.record.read_text()
    assert one.picture.read_bytes() != other.picture.read_bytes()


def test_without_data_roots_people_are_made_up(nothing_here: Path) -> None:
    written, record = made(Fig2(count=1, size=64))
    assert record["data"] == "synthetic"
    assert written.picture == nothing_here / "artifacts" / "fig2" / "fig2.png"


def test_a_root_that_lacks_its_photos_is_told_or_an_error(nothing_here: Path) -> None:
    (nothing_here / "data" / "masked-pairs").mkdir(parents=True)
    _, record = made(Fig2(count=1, size=64))
    assert record["data"] == "synthetic"
    assert "Real photos were not shown" in record["caption"]
    with pytest.raises(DatasetUnavailable, match="masked-pairs"):
        make_figure(Fig2(count=1, size=64, data="real"), no_bar)


def test_ones_own_photos(folder: Path, nothing_here: Path) -> None:
    own: dict[str, Any] = {
        "photos": (folder / "photos",),
        "landmarks": "sidecar",
        "landmarks_root": folder / "points.csv",
        "size": 64,
    }
    written, record = made(Fig7(**own, count=5))
    assert record["data"] == "real"
    assert [one["name"] for one in record["photos"]] == ["0.png", "1.png", "2.png"]
    assert "found no face in none.png" in record["caption"]
    assert "Damaged: zz.png" in record["caption"]
    assert "truth" not in str(record["columns"])
    assert str(folder) not in written.record.read_text()
    _, landmarks = made(Fig8(**own, count=1))
    assert "points found" in landmarks["columns"][0]
    assert landmarks["values"] == {}
    assert "NME" not in landmarks["caption"]
    own["photos"] = (folder / "photos" / "none.png",)
    with pytest.raises(BadInput, match="finds a face"):
        make_figure(Fig1(**own), no_bar)


def test_other_poses_show_other_faces(nothing_here: Path) -> None:
    written, _ = made(Fig5(**SMALL, yaws=(-40.0, 40.0)))
    found = panels(written)
    first = "(a) Rotation and de-occlusion at once/0"
    left, right = (found[f"{first}/yaw {yaw}°"].astype(int) for yaw in ("−40", "+40"))
    assert np.abs(left - right).mean() > 5


def test_hands_hide_something_and_the_points_stay(nothing_here: Path) -> None:
    written, record = made(Fig8(**SMALL))
    found = panels(written)
    assert (found["/0/photo"] != found["/1/photo"]).any()
    plain, covered = record["values"]["NME, percent"].items()
    assert covered[0] == f"{plain[0]}, hands"
    for _, errors in (plain, covered):
        assert set(errors) == {"baseline", "stage2"}
        assert all(0.5 < one < 25 for one in errors.values())


def test_what_is_not_trained_here_is_named_with_its_command(nothing_here: Path) -> None:
    _, record = made(Fig9(**SMALL))
    assert "Not trained here: without swap" in record["caption"]
    assert (
        "--name mini-without-occlusion-path --steps 500 --without occlusion-path"
        in (record["caption"])
    )
    _, chosen = made(Fig9(**SMALL, weights=("mini-short", "mini")))
    assert chosen["columns"][0][3:5] == ["ours, 500 steps", "ours"]
    assert "Not trained here" not in chosen["caption"]


def test_weights_of_one_name_are_refused(project: Path, nothing_here: Path) -> None:
    file = project / "assets" / "gan-mini-short.safetensors"
    twice = str(file), str(Path(shutil.copy(file, nothing_here)))
    with pytest.raises(BadOption, match="files with different names"):
        make_figure(Fig9(**SMALL, weights=twice), no_bar)


@pytest.mark.parametrize(
    "config",
    [
        Fig1(**SMALL, weights="absent"),
        Fig6(**SMALL, rotate_and_render="absent"),
        Fig8(**SMALL, weights=("stage9",)),
        Fig9(**SMALL, weights=("mini", "absent")),
    ],
)
def test_named_weights_have_to_be_there(config: Pictures, nothing_here: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="It is trained by"):
        make_figure(config, no_bar)
    assert not (nothing_here / "artifacts").exists()


@pytest.mark.parametrize(
    ("options", "changes", "told"),
    [
        (Fig1, {"count": 0}, "--count 0: expected 1 to 100"),
        (Fig2, {"count": 101}, "--count 101"),
        (Fig2, {"seed": -1}, "--seed -1: expected 0 to 999"),
        (Fig7, {"size": 8}, "--size 8: expected 64 to 1024"),
        (Fig5, {"yaws": (0.0, 91.0)}, "--yaws 0 91"),
        (Fig5, {"yaws": ()}, "--yaws"),
        (Fig8, {"weights": ()}, "--weights"),
        (Fig8, {"weights": ("stage2", "stage2")}, "each once"),
        (Fig6, {"photos": (Path("a.png"),), "data": "synthetic"}, "one of them"),
    ],
)
def test_what_nothing_can_be_drawn_with(
    options: type[Pictures], changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadOption) as error:
        options(**changes)
    assert told in str(error.value)


def test_one_figure_that_cannot_be_drawn_costs_no_other(
    nothing_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {
        "fig1": partial(Fig1, count=1, size=64, weights="absent"),
        "fig2": partial(Fig2, count=1, size=64),
    }
    monkeypatch.setattr("results.pictures.all.FIGURES", few)
    told: list[str] = []
    out = nothing_here / "out"
    drawn = draw_all(out, "synthetic", no_bar, lambda name, error: told.append(name))
    assert told == ["fig1"]
    assert drawn == [out / "fig2" / "fig2.png"]
    with pytest.raises(DatasetUnavailable):
        draw_all(out, "synthetic")


@pytest.mark.slow
def test_all_figures_at_once(nothing_here: Path) -> None:
    pictures = draw_all(nothing_here / "out", "synthetic")
    assert [one.name for one in pictures] == [f"{name}.png" for name in FIGURES]
    assert all(one.parent.name == one.stem for one in pictures)
    assert all(read_image(one).std() > 20 for one in pictures)
