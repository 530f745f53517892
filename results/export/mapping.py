"""Blocks of work on the cores of this machine, or on a Dask cluster."""

import asyncio
import contextlib
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from protocols.errors import BadOption, DataError, PackageUnavailable

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2  # blocks in the hands of each worker: one in work, one that waits
_ANSWER = 10  # seconds that a scheduler has to answer in, and its first worker to appear
_LOOK = 5  # seconds between two looks at the cluster while no block is done
_ALONE = 60  # seconds that a cluster may be without any worker


class WorkersLost(DataError):
    """Processes that did the work are gone; blocks done so far are with the caller.

    Args:
        what: What happened.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}. Memory may have run out: fewer workers at a time (--jobs) need less. "
            "What was done so far is kept; run the command again to go on."
        )


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        jobs: Processes on this machine; 0 for one a core that this process may use.
        cluster: Address of a Dask scheduler, such as tcp://10.0.0.5:8786, that does it instead. Its
            workers need this project installed, the same versions, and the same paths to the data;
            start them with --nthreads 1.
    """

    jobs: int = 0
    cluster: str | None = None

    @property
    def processes(self) -> int:
        """How many processes on this machine that is.

        Raises:
            BadOption: The number is negative.
        """
        if self.jobs < 0:
            raise BadOption(f"--jobs {self.jobs}", "a number of processes, 0 for one a core")
        return self.jobs or _cores()


def map_blocks(
    task: Callable[[T], R], blocks: Sequence[T], workers: Workers
) -> Iterator[tuple[int, R]]:
    """Do a task for each block, and yield each result as it is there, in any order.

    One job works in this process, one block after the other. Several are processes that joblib
    starts (loky) and keeps for the next call; the task and each block are pickled for them, so a
    task should be small and load what is large by itself, once in each process. Only a few blocks
    are handed out ahead. Libraries in the workers get one thread, by the environment variables that
    OpenMP and BLAS read as they start.

    A cluster is fed through distributed's own futures, not through joblib's backend for Dask: that
    places a block's arrays on one worker, and if this one dies the whole run ends with
    ``FutureCancelledError`` (seen with joblib 1.6 and distributed 2026.8). A future that is lost
    with its worker is computed anew by another one; each result is yielded once.

    An iterator that is abandoned, an error and Ctrl-C cancel what has not begun.

    Args:
        task: A function that another process can import, or :func:`functools.partial` of one.
        blocks: What it is called with.
        workers: Who does it.

    Yields:
        The position of a block, and what the task made of it.

    Raises:
        BadOption: The number of jobs is negative, or there is no cluster at this address.
        PackageUnavailable: A cluster is asked for, and the package for it is not installed.
        WorkersLost: A process died; on a cluster, of the same block several times, or all of them.
        Exception: What a task raised, as it is.
    """
    if workers.cluster is not None:
        yield from _on_cluster(task, blocks, workers.cluster)
    elif min(workers.processes, len(blocks)) <= 1:
        for position, block in enumerate(blocks):
            yield position, task(block)
    else:
        yield from _in_processes(task, blocks, workers)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _numbered(task: Callable[[T], R], position: int, block: T) -> tuple[int, R]:
    return position, task(block)


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal: the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _quiet_tracker() -> Iterator[None]:
    """What is started in here does not speak of semaphores that Ctrl-C left.

    loky's tracker frees them when the command ends, and prints that it had to: a race that a user
    can do nothing about.
    """
    name, before = "PYTHONWARNINGS", os.environ.get("PYTHONWARNINGS")
    rule = "ignore:resource_tracker:UserWarning"
    os.environ[name] = f"{before},{rule}" if before else rule
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _in_processes(
    task: Callable[[T], R], blocks: Sequence[T], workers: Workers
) -> Iterator[tuple[int, R]]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # A worker that grew by the weights it loaded is taken for one that leaks, and replaced.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    calls = (delayed(_numbered)(task, position, block) for position, block in enumerate(blocks))
    pool: dict[str, Any] = {
        "n_jobs": workers.processes,
        "inner_max_num_threads": 1,
        "initializer": _leave_interrupts,
    }
    with parallel_config("loky", **pool), _quiet_tracker():
        options: dict[str, Any] = {
            "return_as": "generator_unordered",
            "pre_dispatch": _AHEAD * workers.processes,
            "batch_size": 1,
            "max_nbytes": None,  # arrays go by value: a task may write into its block
        }
        results: Any = Parallel(**options)(calls)
    try:
        for result in results:  # noqa: UP028 (yield from would close it, and so warn, by itself)
            yield result
    except TerminatedWorkerError as error:
        raise WorkersLost("A worker process was ended by the system, or crashed") from error
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"(?s).* have been cancelled")
            results.close()


def _on_cluster(
    task: Callable[[T], R], blocks: Sequence[T], address: str
) -> Iterator[tuple[int, R]]:
    with _connected(address) as client:
        import dask.config

        waiting = iter(enumerate(blocks))
        running: set[Future] = set()
        # a block may hold photos: no advice for task graphs is wanted then
        unwarned = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}
        while True:
            with _watched(address), dask.config.set(unwarned):
                threads: Any = client.nthreads()
                room = _AHEAD * max(1, sum(threads.values())) - len(running)
                for position, block in islice(waiting, max(0, room)):
                    running.add(client.submit(_numbered, task, position, block, pure=False))
            if not running:
                return
            with _watched(address):
                done = _some_done(client, running)
            running -= done
            while done:  # a result's memory on the cluster is freed with its future
                yield _result(done.pop(), address)


def _result(future: "Future", address: str) -> Any:
    """What a future that is done holds; raises what its task raised."""
    from distributed import KilledWorker

    try:
        if future.status == "error":
            return future.result()
        with _watched(address):
            return future.result()
    except KilledWorker as error:
        raise WorkersLost("Workers of the cluster died over the same block") from error


@contextlib.contextmanager
def _watched(address: str) -> Iterator[None]:
    """What goes wrong between us and the scheduler is no error of a task."""
    from concurrent.futures import CancelledError

    try:
        yield
    except (CancelledError, OSError) as error:
        raise WorkersLost(f"The Dask scheduler at {address} is gone") from error


@contextlib.contextmanager
def _connected(address: str) -> Iterator["Client"]:
    """A client of a cluster that has a worker.

    Raises:
        PackageUnavailable, BadOption: See :func:`map_blocks`.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        how = "Install it: pip install -c constraints.txt -e '.[cluster]'."
        raise PackageUnavailable("distributed", how) from error
    try:
        kind = asyncio.run(asyncio.wait_for(_identity(address), _ANSWER))
        if kind != "Scheduler":
            raise ValueError(f"it is a Dask {kind}")
        client = Client(address, timeout=_ANSWER, set_as_default=False)
    except Exception as error:  # what is no scheduler may answer anything
        reason = str(error) or "no answer"
        expected = f"the address of a Dask scheduler that answers ({reason})"
        raise BadOption(f"--cluster {address}", expected) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_ANSWER)
        except TimeoutError as error:
            raise BadOption(f"--cluster {address}", "a cluster with a worker") from error
        yield client


async def _identity(address: str) -> str:
    """What listens there; a client would wait for its answer without end."""
    from distributed.core import rpc

    async with rpc(address, timeout=_ANSWER) as remote:
        answer: Any = await remote.identity()
        return answer["type"]


def _some_done(client: "Client", running: "set[Future]") -> "set[Future]":
    """Wait for at least one future.

    Raises:
        WorkersLost: There has been no worker for a minute.
    """
    from distributed import wait

    alone = 0
    while True:
        try:
            with client.as_current():
                ended: Any = wait(running, timeout=_LOOK, return_when="FIRST_COMPLETED")
            return ended.done
        except TimeoutError as error:
            alone = 0 if client.nthreads() else alone + _LOOK
            if alone >= _ALONE:
                raise WorkersLost("The cluster has no worker any more") from error
