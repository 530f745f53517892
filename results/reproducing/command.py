"""What ``reproduce.py`` and ``make demo`` are told, and what they do."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocols.errors import BadOption
from results.option_checks import require_least
from results.reproducing.profiles import Data, ProfileName

if TYPE_CHECKING:  # what computes is imported when something is computed
    from rich.console import Console


@dataclass(frozen=True)
class All:
    """All tables, then the figures and the report."""

    data: Data | None = None
    """real, or synthetic: people who do not exist, drawn here (docs/synthetic.md). By default real
    if the roots of all protocols are there."""
    profile: ProfileName | None = None
    """How large synthetic sets are, and how long networks are trained: tiny (minutes on two cores),
    mini (hours), paper. By default tiny, and paper of real data."""
    start: Path | None = None
    """ImageNet's weights for Table 3's VGG16, as train_expression.py takes them."""
    jobs: int = 0
    """Processes; 0 for one a core."""

    def __post_init__(self) -> None:
        """Refuse what nothing could be done with."""
        require_least(self, {"jobs": 0})


def reproduce_one(name: str, config: Any, console: "Console") -> None:
    """Reproduce one table, or all of them.

    Args:
        name: ``table1`` to ``table4``, or ``all``.
        config: Its options.
        console: Where everything is told.

    Raises:
        DataError: Something is absent, broken or in use; what was finished stays.
        BadOption: There are no such weights to start from.
    """
    from results.reproducing.running import TABLES, Table, Wanted, choose, reproduce

    tables: list[Table] = [one for one in TABLES if name in (one, "all")]
    rooted, released = getattr(config, "root", None), getattr(config, "source", None) == "released"
    given = "real" if rooted is not None or released else None
    experiment, told = choose(tables, config.data or given, config.profile)
    console.print(told, highlight=False)
    start = getattr(config, "start", None)
    if start is not None and not start.is_file():
        raise BadOption(f"--start {start}", "a file of weights")
    experiment = replace(experiment, start=start)
    if name == "all":
        from results.reproducing.everything import reproduce_all

        reproduce_all(experiment, console, jobs=config.jobs)
        return
    wanted = [Wanted(one, config) for one in tables]
    reproduce(wanted, experiment, console, jobs=_jobs(config))


def _jobs(config: Any) -> int:
    """Processes: an option of the table itself, or of how it embeds faces."""
    for one in (config, getattr(config, "embedding", None)):
        if one is not None and hasattr(one, "jobs"):
            return one.jobs
    return 0
