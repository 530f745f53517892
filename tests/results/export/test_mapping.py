"""Blocks of work in this process, in others and on a Dask cluster: each result once, and right."""

import operator
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import BadInput, BadOption, PackageUnavailable
from protocols.textfile import read_text
from results.export import mapping
from results.export.mapping import Workers, WorkersLost, map_blocks

SQUARE = partial(pow, exp=2)


@pytest.fixture(scope="module", autouse=True)
def _processes() -> Iterator[None]:
    """No process outlives these tests."""
    import psutil

    yield
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    for child in psutil.Process().children():
        assert "resource_tracker" in " ".join(child.cmdline()), child.cmdline()


def started(count: int) -> Any:
    from distributed import LocalCluster

    options = {"dashboard_address": ":0", "silence_logs": 50}
    return LocalCluster(n_workers=count, threads_per_worker=1, processes=True, **options)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes of one thread; nannies start a worker anew that dies."""
    with started(2) as one:
        yield one


@pytest.fixture(params=["here", "processes", "cluster"])
def workers(request: pytest.FixtureRequest) -> Workers:
    """Each way of working."""
    if request.param == "cluster":
        return Workers(1, request.getfixturevalue("cluster").scheduler_address)
    return Workers(1 if request.param == "here" else 2)


def marked(folder: Path, number: int) -> int:
    """A task that leaves a file and takes a while."""
    (folder / f"{number}").write_text(str(os.getpid()))
    time.sleep(0.05)
    return number * number


@pytest.mark.parametrize("count", [0, 1, 2, 23])
def test_each_result_comes_once_with_its_position(workers: Workers, count: int) -> None:
    blocks = [number + 100 for number in range(count)]
    results = list(map_blocks(SQUARE, blocks, workers))
    assert len(results) == count
    assert dict(results) == {position: (position + 100) ** 2 for position in range(count)}


def test_an_error_of_a_task_arrives_as_it_is(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"\xff\xfe\xfd")
    read = partial(read_text, what="the list", how="Ask.")
    with pytest.raises(BadInput) as raised:
        list(map_blocks(read, [tmp_path / "list"] * 3, workers))
    with pytest.raises(BadInput) as expected:
        read(tmp_path / "list")
    assert str(raised.value) == str(expected.value)
    assert vars(raised.value) == vars(expected.value)
    assert raised.value.file == tmp_path / "list"


@pytest.mark.parametrize("kind", [OSError, TimeoutError])
def test_an_error_of_the_system_is_the_tasks_own(workers: Workers, kind: type[OSError]) -> None:
    with pytest.raises(OSError, match="mine") as raised:
        list(map_blocks(partial(raise_it, kind), [1, 2, 3], workers))
    assert type(raised.value) is kind


def raise_it(kind: type[Exception], number: int) -> None:
    raise kind(f"mine {number}")


def test_an_iterator_that_is_abandoned_cancels_the_rest(workers: Workers, tmp_path: Path) -> None:
    results = map_blocks(partial(marked, tmp_path), list(range(100)), workers)
    next(results)
    results.close()  # type: ignore[attr-defined]
    begun = len(list(tmp_path.iterdir()))
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) <= begun + 2 * 2  # what was handed out already
    assert begun < 12
    assert sorted(map_blocks(SQUARE, [1, 2, 3], workers)) == [(0, 1), (1, 4), (2, 9)]


def test_an_error_cancels_the_rest(workers: Workers, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="number 2"):
        list(map_blocks(partial(mark_or_raise, tmp_path, 2), list(range(100)), workers))
    begun = len(list(tmp_path.iterdir()))
    assert begun < 12
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) <= begun + 2 * 2


def mark_or_raise(folder: Path, which: int, number: int) -> int:
    if number == which:
        raise ValueError(f"number {number}")
    return marked(folder, number)


def test_blocks_are_handed_out_a_few_at_a_time(workers: Workers) -> None:
    class Watched(list[int]):
        taken = 0

        def __iter__(self) -> Iterator[int]:
            for number in range(1000):
                self.taken += 1
                yield number

        def __len__(self) -> int:
            return 1000

    blocks = Watched()
    results = map_blocks(partial(sleep, 0.05), blocks, workers)
    for _ in range(3):
        next(results)
    assert blocks.taken <= 3 + 2 * 2 + 2 * 2
    results.close()  # type: ignore[attr-defined]


def sleep(seconds: float, number: int) -> int:
    time.sleep(seconds)
    return number


def test_processes_are_others_and_as_many_as_asked_for() -> None:
    slow = partial(process, 0.05)
    assert {pid for _, pid in map_blocks(slow, range(6), Workers(1))} == {os.getpid()}
    found = {pid for _, pid in map_blocks(slow, range(12), Workers(2))}
    assert len(found) == 2
    assert os.getpid() not in found
    assert {pid for _, pid in map_blocks(slow, range(12), Workers(2))} == found  # kept


def process(seconds: float, number: int) -> int:
    time.sleep(seconds)
    return os.getpid()


def test_a_task_may_write_into_a_large_block() -> None:
    import numpy as np

    blocks = [np.zeros(500_000) for _ in range(3)]
    assert dict(map_blocks(fill, blocks, Workers(2))) == {0: 5e5, 1: 5e5, 2: 5e5}


def fill(block: Any) -> float:
    block[:] = 1
    return float(block.sum())


def test_a_worker_a_core_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(7)))
    assert Workers(0).processes == 7
    assert Workers(9).processes == 9


def test_the_libraries_of_a_worker_are_told_to_take_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    told = dict(map_blocks(os.getenv, ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], Workers(2)))
    assert told == {0: "1", 1: "1"}


def test_a_negative_number_of_jobs_is_refused() -> None:
    with pytest.raises(BadOption, match="--jobs -1: expected a number of processes"):
        list(map_blocks(SQUARE, [1], Workers(-1)))


def test_a_process_that_dies_is_one_error_and_the_next_call_works(tmp_path: Path) -> None:
    blocks: list[int] = list(range(40))
    done: list[int] = []

    def work() -> None:
        for position, result in map_blocks(partial(die_once, tmp_path, 9), blocks, Workers(2)):
            assert result == position * position
            done.append(position)

    with pytest.raises(WorkersLost, match=r"Memory may have run out.*run the command again"):
        work()
    assert len(done) < 40
    rest = [number for number in blocks if number not in done]
    more = [rest[position] for position, _ in map_blocks(SQUARE, rest, Workers(2))]
    assert sorted(done + more) == blocks


def die_once(folder: Path, which: int, number: int) -> int:
    """A task that kills its process over one block, the first time."""
    if number == which and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return marked(folder, number)


def test_ctrl_c_is_left_to_the_process_that_asks() -> None:
    signals = [signal.SIGINT, signal.SIGINT]
    assert dict(map_blocks(signal.getsignal, signals, Workers(2))) == dict.fromkeys(
        (0, 1), signal.SIG_IGN
    )


def test_ctrl_c_ends_it_without_a_trace_or_a_process(project: Path) -> None:
    code = """
import signal, time
from results.console import run
from results.export.mapping import Workers, map_blocks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's shell ignores it
def main(console):
    for position, _ in map_blocks(time.sleep, [0.1] * 1000, Workers(2)):
        print(position, flush=True)
run(main)
"""
    import psutil

    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it as well
    _, words = process.communicate(timeout=60)
    assert (process.returncode, words) == (130, b"")
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def test_a_cluster_loses_a_worker_and_no_result(cluster: Any, tmp_path: Path) -> None:
    workers = Workers(1, cluster.scheduler_address)
    results = []
    for result in map_blocks(partial(marked, tmp_path), list(range(24)), workers):
        results.append(result)
        if len(results) == 4:
            victim = next(iter(cluster.workers.values())).process.pid
            os.kill(victim, signal.SIGKILL)
    assert sorted(results) == [(number, number * number) for number in range(24)]
    assert len({(tmp_path / f"{number}").read_text() for number in range(24)}) >= 2


def test_a_cluster_forgives_a_block_that_kills_once(cluster: Any, tmp_path: Path) -> None:
    task, workers = partial(die_once, tmp_path, 5), Workers(1, cluster.scheduler_address)
    results = sorted(map_blocks(task, list(range(12)), workers))
    assert results == [(number, number * number) for number in range(12)]
    assert (tmp_path / "died").exists()


def test_a_block_that_kills_every_worker_is_one_error(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 1)  # not three: each takes seconds
    workers = Workers(1, cluster.scheduler_address)
    with pytest.raises(WorkersLost, match="died over the same block"):
        list(map_blocks(partial(kill_self, 3), list(range(6)), workers))
    assert sorted(map_blocks(SQUARE, [1, 2], workers)) == [(0, 1), (1, 4)]


def kill_self(which: int, number: int) -> int:
    if number == which:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_large_blocks_go_to_a_cluster_without_advice(cluster: Any) -> None:
    workers = Workers(1, cluster.scheduler_address)
    assert list(map_blocks(len, [bytes(11_000_000)], workers)) == [(0, 11_000_000)]


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.parametrize("address", ["", "somewhere", "nonsense://here:1", "tcp://127.0.0.1:port"])
def test_an_address_without_a_cluster_is_one_error(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(mapping, "_ANSWER", 1)
    address = address.replace("port", str(closed_port()))
    with pytest.raises(BadOption, match=r"--cluster .*expected the address of a Dask scheduler"):
        list(map_blocks(SQUARE, [1], Workers(1, address)))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_is_no_scheduler_is_one_error(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr(mapping, "_ANSWER", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def serve() -> None:
            connection, _ = server.accept()
            connection.sendall(answer)
            kept.append(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(BadOption, match="expected the address of a Dask scheduler"):
            list(map_blocks(SQUARE, [1], Workers(1, address)))
        thread.join()
        for connection in kept:
            connection.close()


def test_a_worker_is_no_scheduler(cluster: Any) -> None:
    address = next(iter(cluster.workers.values())).worker_address
    with pytest.raises(BadOption, match="it is a Dask Worker"):
        list(map_blocks(SQUARE, [1], Workers(1, address)))


def test_a_cluster_without_a_worker_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "_ANSWER", 1)
    with (
        started(0) as empty,
        pytest.raises(BadOption, match="expected a cluster with a worker"),
    ):
        list(map_blocks(SQUARE, [1], Workers(1, empty.scheduler_address)))


def test_workers_that_all_leave_are_one_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mapping, "_LOOK", 0.2)
    monkeypatch.setattr(mapping, "_ALONE", 1)
    with started(1) as one:
        results = map_blocks(
            partial(marked, tmp_path), range(99), Workers(1, one.scheduler_address)
        )
        next(results)
        one.scale(0)
        with pytest.raises(WorkersLost, match="no worker any more"):
            list(results)


def test_a_cluster_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PackageUnavailable, match=r"distributed is not installed.*\.\[cluster\]"):
        list(map_blocks(SQUARE, [1], Workers(1, "tcp://127.0.0.1:1")))
    assert list(map_blocks(operator.neg, [1, 2], Workers(1))) == [(0, -1), (1, -2)]
