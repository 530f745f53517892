"""The cache: what was added is found, bit for bit, whoever is killed; nothing else ever is."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.errors import BadInput
from results.cache import blocks, durable
from results.cache import store as cache
from results.cache.canonical import canonical
from results.cache.durable import CacheFailed
from results.cache.store import Cache

CONFIG: dict[str, Any] = {"weights": "0f3a", "size": (112, 112), "std": 127.5, "flip": True}

# The rows of block ``i``, from their number alone: the writer and the test compute them apart.
WRITER = """
import hashlib, sys
from pathlib import Path
import numpy as np
from results.cache.store import Cache
folder, first, count, rows = Path(sys.argv[1]), *map(int, sys.argv[2:5])
store = Cache(folder, {"a": 1})
store.add([], {"faces": np.zeros((0, 128), "f"), "number": np.zeros(0, int)})
import safetensors.numpy
print("open", flush=True)
for block in range(first, first + count):
    numbers = range(block * rows, (block + 1) * rows)
    keys = [hashlib.sha256(b"%d" % number).digest() for number in numbers]
    values = np.arange(rows * 128, dtype=np.float32).reshape(rows, 128) * (block + 1)
    store.add(keys, {"faces": values, "number": np.array(numbers)})
    print(block, flush=True)
"""


def writer(project: Path, folder: Path, *numbers: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(folder), *map(str, numbers)]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True)


def key(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def keys(*numbers: int) -> list[bytes]:
    return [key(number) for number in numbers]


def check_blocks(folder: Path, certain: set[int], possible: set[int], rows: int) -> set[int]:
    """All of ``certain`` and what else is there is whole and right; returns what is there."""
    store, there = Cache(folder, {"a": 1}), set()
    for block in possible:
        numbers = range(block * rows, (block + 1) * rows)
        found = store.find(keys(*numbers))
        assert found.have.all() or not found.have.any()
        if found.have.all():
            there.add(block)
            expected = np.arange(rows * 128, dtype=np.float32).reshape(rows, 128) * (block + 1)
            assert found.arrays["faces"].tobytes() == expected.tobytes()
            assert found.arrays["number"].tolist() == list(numbers)
    assert certain <= there
    assert not store.warnings
    names = {path.name for path in store.folder.iterdir()}
    assert len(names) == len(there) + 1  # a file a block, and the configuration: nothing else
    return there


def add(store: Cache, *numbers: int) -> None:
    faces = np.array(numbers, np.float32)[:, None] + np.array([0.25, 0.5], np.float32)
    store.add(keys(*numbers), {"faces": faces})


def only_block(store: Cache) -> Path:
    (path,) = store.folder.glob("*.safetensors")
    return path


def test_what_was_added_is_found_where_it_was_asked_for(tmp_path: Path) -> None:
    store = Cache(tmp_path, CONFIG)
    add(store, 1, 2, 3)
    add(store, 4)
    for one in (store, Cache(tmp_path, CONFIG)):
        found = one.find(keys(9, 4, 2, 2, 7, 1))
        assert found.have.tolist() == [False, True, True, True, False, True]
        assert found.arrays["faces"].dtype == np.float32
        expected = [[0, 0], [4.25, 4.5], [2.25, 2.5], [2.25, 2.5], [0, 0], [1.25, 1.5]]
        assert found.arrays["faces"].tolist() == expected


def test_nothing_is_found_in_nothing(tmp_path: Path) -> None:
    store = Cache(tmp_path, CONFIG)
    assert store.find(keys(1, 2)).have.tolist() == [False, False]
    assert not store.find(keys(1, 2)).arrays
    add(store, 1)
    assert len(store.find([]).have) == 0
    store.add([], {"faces": np.zeros((0, 2), np.float32)})
    assert len(list(store.folder.glob("*.safetensors"))) == 1


def test_every_type_and_shape_comes_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "half": rng.normal(size=(5, 3)).astype(np.float16),
        "double": rng.normal(size=5),
        "big endian": rng.normal(size=(5, 2)).astype(">f4"),
        "turned": rng.integers(-9, 9, (4, 5, 2)).transpose(1, 2, 0),
        "strided": rng.integers(0, 9, (10, 3), np.uint8)[::2],
        "flag": rng.uniform(size=5) > 0.5,
        "nothing": np.zeros((5, 0), np.int32),
        "broken": np.array([np.nan, np.inf, -0.0, 5e-324, 1]),
    }
    Cache(tmp_path, CONFIG).add(keys(*range(5)), arrays)
    found = Cache(tmp_path, CONFIG).find(keys(*range(5)))
    assert found.have.all()
    assert set(found.arrays) == set(arrays)
    for name, array in arrays.items():
        native = array.astype(array.dtype.newbyteorder("="))
        assert found.arrays[name].dtype == native.dtype
        assert found.arrays[name].tobytes() == native.tobytes()


def test_200_000_keys_against_a_dictionary(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    every = [rng.bytes(32) for _ in range(199_990)]
    for zeros in range(1, 11):  # digests that differ in their last bytes alone, or end in zeros
        every.append(every[0][: 32 - zeros] + bytes(zeros))
    values = np.arange(len(every), dtype=np.int64)
    stored = rng.permutation(len(every))[:150_000]
    stored = np.union1d(stored, np.arange(199_990, 199_995))
    table = {every[row]: int(values[row]) for row in stored}
    store = Cache(tmp_path, CONFIG)
    for part in np.array_split(rng.permutation(stored), 40):
        store.add([every[row] for row in part], {"value": values[part] + 1})
    asked = [every[row] for row in rng.integers(0, len(every), 200_000)] + every[-10:]
    found = Cache(tmp_path, CONFIG).find(asked)
    assert found.have.tolist() == [one in table for one in asked]
    assert found.arrays["value"].tolist() == [table.get(one, -1) + 1 for one in asked]


def test_a_key_that_stands_there_twice_is_stored_once(tmp_path: Path) -> None:
    store = Cache(tmp_path, CONFIG)
    faces = np.array([[1.0], [2.0], [3.0]], np.float32)
    store.add(keys(5, 6, 5), {"faces": faces})
    assert store.find(keys(5, 6)).arrays["faces"].tolist() == [[1.0], [2.0]]
    assert len(blocks.read_keys(only_block(store))) == 2


def test_the_same_block_is_the_same_file(tmp_path: Path) -> None:
    store = Cache(tmp_path, CONFIG)
    add(store, 1, 2)
    before = only_block(store).read_bytes()
    add(store, 1, 2)
    assert only_block(store).read_bytes() == before
    assert only_block(store).stem == hashlib.sha256(before).hexdigest()


def test_many_rows_make_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "FULL", 1000)
    store = Cache(tmp_path, CONFIG)
    add(store, *range(100))
    sizes = [path.stat().st_size for path in store.folder.glob("*.safetensors")]
    assert len(sizes) == 4  # of 40 bytes a row, 25 rows each
    found = Cache(tmp_path, CONFIG).find(keys(*range(100)))
    assert found.have.all()
    assert found.arrays["faces"][:, 0].tolist() == [number + 0.25 for number in range(100)]


@pytest.mark.parametrize(
    "changed",
    [
        {"weights": "0f3b"},
        {"size": (112, 113)},
        {"std": 127},
        {"std": 127.5000001},
        {"flip": 1},
        {"flip": None},
        {"more": ""},
    ],
)
def test_another_configuration_finds_nothing(tmp_path: Path, changed: dict[str, Any]) -> None:
    add(Cache(tmp_path, CONFIG), 1)
    other = Cache(tmp_path, CONFIG | changed)
    assert not other.find(keys(1)).have.any()
    add(other, 2)
    assert Cache(tmp_path, CONFIG).find(keys(1, 2)).have.tolist() == [True, False]


def test_the_configuration_is_there_in_clear(tmp_path: Path) -> None:
    store = Cache(tmp_path, CONFIG)
    assert json.loads((store.folder / "config.json").read_text()) == CONFIG | {"size": [112, 112]}
    assert store.folder.name == hashlib.sha256(canonical(CONFIG).encode()).hexdigest()[:32]


def test_one_text_for_equal_configurations_in_every_process(project: Path) -> None:
    nested = {"b": [1, 1.0, True, None, "é\n"], "a": {"z": 0.1 + 0.2, "y": 1e-7, "x": -0.0}}
    other = {
        "a": {"x": -0.0, "y": 1e-7, "z": 0.30000000000000004},
        "b": (1, 1.0, True, None, "é\n"),
    }
    text = '{"a":{"x":-0.0,"y":1e-07,"z":0.30000000000000004},"b":[1,1.0,true,null,"\\u00e9\\n"]}'
    assert canonical(nested) == canonical(other) == text
    code = f"from results.cache.canonical import canonical; print(canonical({nested!r}))"
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=project, env=environment, capture_output=True
        )
        assert done.stdout.decode().strip() == text


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"a": float("nan")}, ValueError),
        ({"a": [float("inf")]}, ValueError),
        ({"a": {1: 2}}, TypeError),
        ({"a": b"x"}, TypeError),
        ({"a": Path("x")}, TypeError),
        ({"a": {1, 2}}, TypeError),
        ({"a": np.float64(1.5)}, TypeError),
        ({"a": np.zeros(2)}, TypeError),
    ],
)
def test_what_has_no_one_text_is_refused(
    tmp_path: Path, config: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        Cache(tmp_path, config)
    assert not list(tmp_path.iterdir())


def test_a_configuration_that_says_something_else_is_refused(tmp_path: Path) -> None:
    path = Cache(tmp_path, CONFIG).folder / "config.json"
    for text in ('{"weights": "other"}', "no json", "", '{"a": NaN}'):
        path.write_text(text)
        with pytest.raises(BadInput, match=r"config\.json: expected this cache's configuration"):
            Cache(tmp_path, CONFIG)


@pytest.mark.parametrize(
    ("asked", "arrays", "words"),
    [
        ([b"short"], {"a": np.zeros(1)}, "32 bytes"),
        (keys(1), {"a": np.zeros(2)}, "2 rows for 1 keys"),
        (keys(1), {"a": np.array(["text"])}, "cannot be stored"),
        (keys(1), {"a": np.array([1j])}, "cannot be stored"),
        (keys(1), {"a": np.zeros(1, np.longdouble)}, "cannot be stored"),
        (keys(1), {"a": np.array(1.0)}, "cannot be stored"),
        (keys(1), {"keys": np.zeros(1)}, "cannot be stored"),
        (keys(1), {"faces": np.zeros((1, 3), np.float32)}, "stored are"),
        (keys(1), {"faces": np.zeros((1, 2))}, "stored are"),
        (keys(1), {"other": np.zeros((1, 2), np.float32)}, "stored are"),
    ],
)
def test_what_cannot_be_stored_is_refused(
    tmp_path: Path, asked: list[bytes], arrays: dict[str, np.ndarray], words: str
) -> None:
    store = Cache(tmp_path, CONFIG)
    if words == "stored are":
        add(store, 7)
    with pytest.raises(ValueError, match=words):
        store.add(asked, arrays)
    assert len(list(store.folder.glob("*.safetensors"))) == (words == "stored are")


def test_blocks_of_two_kinds_are_refused(tmp_path: Path) -> None:
    first, second = Cache(tmp_path, CONFIG), Cache(tmp_path, CONFIG)
    add(first, 1)
    second.add(keys(2), {"faces": np.zeros((1, 3), np.float32)})
    with pytest.raises(BadInput, match="faces"):
        Cache(tmp_path, CONFIG).find(keys(1, 2))


def test_a_writer_that_is_killed_at_any_moment_spoils_nothing(
    project: Path, tmp_path: Path
) -> None:
    rng, rows = random.Random(5), 2000
    there: set[int] = set()
    for turn in range(10):
        process = writer(project, tmp_path, turn * 1000, 1000, rows)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        told = {int(line) for line in process.stdout.read().splitlines()}
        process.wait()
        process.stdout.close()
        mine = {block % 1000 for block in told}
        # at most one block was finished and not told; it may be there
        possible = there | told | {turn * 1000 + len(mine)}
        there = check_blocks(tmp_path, there | told, possible, rows)
    assert len(there) > 10


def test_two_processes_write_at_once(project: Path, tmp_path: Path) -> None:
    # blocks 0 … 19 and 10 … 29: some of them twice, at the same time
    processes = [writer(project, tmp_path, first, 20, 50) for first in (0, 10)]
    reader = Cache(tmp_path, {"a": 1})
    asked = np.array([0, 700, 1499])
    while any(process.poll() is None for process in processes):
        found = reader.find(keys(*asked.tolist()))
        if found.have.any():
            assert found.arrays["number"][found.have].tolist() == asked[found.have].tolist()
    told = [process.communicate()[0].split() for process in processes]
    assert told == [["open", *map(str, range(first, first + 20))] for first in (0, 10)]
    assert check_blocks(tmp_path, set(range(30)), set(range(31)), 50) == set(range(30))
    assert reader.find(keys(*range(1500))).have.all()
    assert not reader.warnings


@pytest.mark.parametrize("damage", ["flip a key", "flip a value", "cut", "empty", "header", "keys"])
def test_a_damaged_block_is_set_aside_and_computed_anew(tmp_path: Path, damage: str) -> None:
    store = Cache(tmp_path, CONFIG)
    add(store, 1, 2)
    path = only_block(store)
    add(store, 3)
    content = bytearray(path.read_bytes())
    if damage == "flip a key":
        content[content.index(key(1))] ^= 1
    elif damage == "flip a value":
        content[content.index(np.float32(2.25).tobytes())] ^= 1
    else:
        content[:] = {
            "cut": content[:-5],
            "empty": b"",
            "header": b"\xff" * 8 + content[8:],
            "keys": content.replace(b'"keys"', b'"kexs"'),
        }[damage]
    path.write_bytes(content)
    for again in (store, Cache(tmp_path, CONFIG)):
        assert again.find(keys(1, 2, 3)).have.tolist() == [False, False, True]
    (warning,) = store.warnings
    assert path.name in warning
    assert "computed anew" in warning
    assert not path.exists()
    assert path.with_name(f"{path.name}.damaged").read_bytes() == content
    add(store, 1, 2)
    assert path.exists()
    for again in (store, Cache(tmp_path, CONFIG)):
        found = again.find(keys(1, 2, 3))
        assert found.have.all()
        assert found.arrays["faces"][:, 0].tolist() == [1.25, 2.25, 3.25]


def test_a_block_that_cannot_be_read_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(Cache(tmp_path, CONFIG), 1)
    store = Cache(tmp_path, CONFIG)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", refuse)  # whoever runs this may be allowed everything
        for _ in range(2):  # told once
            assert not store.find(keys(1)).have.any()
    (warning,) = store.warnings
    assert "Permission denied" in warning
    assert Cache(tmp_path, CONFIG).find(keys(1)).have.all()


def test_foreign_files_and_links_are_left_alone(tmp_path: Path) -> None:
    store = Cache(tmp_path / "cache", CONFIG)
    add(store, 1)
    outside = tmp_path / "outside.safetensors"
    other = Cache(tmp_path / "other", CONFIG)
    add(other, 2)
    only_block(other).rename(outside)
    (store.folder / f"{'0' * 64}.safetensors").symlink_to(outside)
    (store.folder / f"{'1' * 64}.safetensors").mkdir()
    (store.folder / "notes.txt").write_text("mine")
    (store.folder / ".notes.part").write_text("mine")
    again = Cache(tmp_path / "cache", CONFIG)
    assert again.find(keys(1, 2)).have.tolist() == [True, False]
    assert not again.warnings
    assert len(list(again.folder.iterdir())) == 6
    assert outside.exists()


@pytest.mark.parametrize("what", ["", "config.json"])
def test_a_link_in_place_of_its_own_is_refused(tmp_path: Path, what: str) -> None:
    path = Cache(tmp_path / "cache", CONFIG).folder / what
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="found a link"):
        Cache(tmp_path / "cache", CONFIG)


def test_the_folder_of_all_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "large disk").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "large disk")
    add(Cache(tmp_path / "cache", CONFIG), 1)
    assert Cache(tmp_path / "large disk", CONFIG).find(keys(1)).have.all()


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheFailed, match="could not be written: Not a directory"):
        Cache(tmp_path / "file", CONFIG)


def test_leftovers_of_the_dead_are_removed(tmp_path: Path) -> None:
    folder = Cache(tmp_path, CONFIG).folder
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here, there, tail = durable._host(), "0" * 12, f"{'a' * 32}.part"
    left = {
        "dead": folder / f".{here}-{dead.pid}-{tail}",
        "alive": folder / f".{here}-{os.getpid()}-{tail}",
        "elsewhere": folder / f".{there}-{dead.pid}-{tail}",
        "old": folder / f".{there}-{dead.pid}-{'b' * 32}.part",
    }
    for path in left.values():
        path.write_bytes(b"half")
    os.utime(left["old"], (0, time.time() - 90_000))
    Cache(tmp_path, CONFIG)
    assert {name for name, path in left.items() if path.exists()} == {"alive", "elsewhere"}


def test_a_full_disk_is_one_error_and_spoils_nothing(project: Path, tmp_path: Path) -> None:
    """The system refuses files of more than 50,000 bytes, in the middle of writing one."""
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from protocols.errors import DataError
from results.cache.store import Cache
store = Cache(Path(sys.argv[1]), {"a": 1})
store.add([bytes(32)], {"faces": np.ones((1, 1000), np.float32)})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    keys = [bytes([number] * 32) for number in range(1, 21)]
    store.add(keys, {"faces": np.ones((20, 1000), "f")})
except DataError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=project, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert "could not be written: File too large. What was stored before is kept" in done.stdout
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.iterdir())) == 2  # the configuration and the first block
    found = Cache(tmp_path, {"a": 1}).find([bytes(32), b"\1" * 32])
    assert found.have.tolist() == [True, False]


def test_a_merge_keeps_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Cache(tmp_path, CONFIG)
    for number in range(30):
        add(store, number, number + 1)  # each of them twice, but the ends
    monkeypatch.setattr(cache, "_MANY", 30)
    Cache(tmp_path, CONFIG)
    assert len(list(store.folder.glob("*.safetensors"))) == 30
    monkeypatch.setattr(cache, "_MANY", 29)
    merged = Cache(tmp_path, CONFIG)
    assert len(blocks.read_keys(only_block(store))) == 31
    for one in (merged, store, Cache(tmp_path, CONFIG)):  # store knew the blocks that are gone
        found = one.find(keys(*range(31)))
        assert found.have.all()
        assert found.arrays["faces"][:, 0].tolist() == [number + 0.25 for number in range(31)]
        assert not one.warnings


def test_a_merge_may_make_the_block_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Cache(tmp_path, CONFIG)
    add(store, 1, 2)
    before = only_block(store)
    add(store, 1)
    monkeypatch.setattr(cache, "_MANY", 1)
    assert Cache(tmp_path, CONFIG).find(keys(1, 2)).have.all()
    assert only_block(store) == before


def test_a_merge_makes_no_block_of_more_than_the_full_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Cache(tmp_path, CONFIG)
    for number in range(30):
        add(store, number)
    size = max(path.stat().st_size for path in store.folder.glob("*.safetensors"))
    monkeypatch.setattr(cache, "_MANY", 3)
    monkeypatch.setattr(blocks, "FULL", 7 * size)
    merged = Cache(tmp_path, CONFIG)
    assert len(list(store.folder.glob("*.safetensors"))) == 5
    assert merged.find(keys(*range(30))).have.all()


def test_a_merge_leaves_a_damaged_block_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Cache(tmp_path, CONFIG)
    add(store, 0)
    only_block(store).write_bytes(b"damaged")
    for number in range(1, 5):
        add(store, number)
    monkeypatch.setattr(cache, "_MANY", 3)
    merged = Cache(tmp_path, CONFIG)
    assert len(merged.warnings) == 1
    assert merged.find(keys(*range(5))).have.tolist() == [False, True, True, True, True]
    only_block(store)


def test_a_merge_that_is_killed_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Cache(tmp_path, CONFIG)
    for number in range(8):
        add(store, number)
    monkeypatch.setattr(cache, "_MANY", 3)
    unlink, count = Path.unlink, 0

    def killed(path: Path, missing_ok: bool = False) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            Cache(tmp_path, CONFIG)
    assert len(list(store.folder.glob("*.safetensors"))) == 6  # five of eight, and the merged one
    assert store.find(keys(*range(8))).have.all()
    assert Cache(tmp_path, CONFIG).find(keys(*range(8))).have.all()
    only_block(store)


def test_readers_and_writers_beside_merges_see_every_row(project: Path, tmp_path: Path) -> None:
    """Another process merges again and again, while this one adds and reads."""
    code = """
import sys
from pathlib import Path
from results.cache import store as cache
cache._MANY = 1
print("open", flush=True)
while not Path(sys.argv[1], "stop").exists():
    store = cache.Cache(Path(sys.argv[1]), {"a": 1})
    assert not store.warnings, store.warnings
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    store = Cache(tmp_path, {"a": 1})
    for number in range(60):
        add(store, number)
        assert Cache(tmp_path, {"a": 1}).find(keys(*range(number + 1))).have.all()
        assert store.find(keys(*range(number + 1))).have.all()
    (tmp_path / "stop").touch()
    process.communicate()
    assert process.returncode == 0
    assert not store.warnings
