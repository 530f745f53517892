"""All tables, all figures, the verdicts and the report, one after the other."""

import shutil
from collections import Counter
from pathlib import Path

from rich.console import Console

from cfr.morphable.builtin import FILE as FACE_MODEL
from protocols.errors import DataError
from protocols.roots import artifacts_folder, project_root
from results.export.work import no_bar
from results.kept import kept_records
from results.record import read_record
from results.reproducing.experiment import Experiment
from results.reproducing.running import TABLES, Wanted, reproduce
from results.reproducing.stages import ABOUT, Site, Stage
from results.reproducing.workshop import Workshop
from results.verdicts import Verdict, judge

_PACKAGES = ("matplotlib", "numpy", "opencv-python", "torch")
_SECONDS = 90.0


def reproduce_all(experiment: Experiment, console: Console, *, jobs: int = 0) -> Path:
    """Reproduce everything; what was made before is not made again.

    Args:
        experiment: On what, and how large.
        console: Where everything is told.
        jobs: Processes; 0 for one a core.

    Returns:
        The report.

    Raises:
        DataError: Something is absent, broken or in use; what was finished stays.
    """
    from results.report.page import write_report

    artifacts = artifacts_folder()
    folders = reproduce([Wanted(one) for one in TABLES], experiment, console, jobs=jobs)
    _draw_figures(experiment, artifacts, console, jobs)
    made = {folder.name: read_record(folder / "record.json") for folder in folders}
    kept = kept_records()
    names = [f"{name}, this run" for name in made] + list(kept)
    verdicts = judge([*made.values(), *kept.values()], names)
    print_verdicts(verdicts, console)
    with console.status("writing the report"):
        page = write_report(artifacts)
    console.print(f"Report: {page}", style="bold", highlight=False)
    return page


def print_verdicts(verdicts: list[Verdict], console: Console) -> None:
    """Each claim with what every record says of it, and how often which verdict was reached."""
    console.rule("The paper's claims")
    before = ""
    for one in verdicts:
        if one.claim.name != before:
            console.print(f"\n{one.claim.statement}", style="bold", markup=False)
            before = one.claim.name
        where = f" ({one.record})" if one.record else ""
        console.print(f"  {one.outcome}{where}: {one.sentence}", markup=False, highlight=False)
    counts = Counter(one.outcome for one in verdicts)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    console.print(f"\n{len(verdicts)} verdicts: {told}.", highlight=False)


def _draw_figures(experiment: Experiment, artifacts: Path, console: Console, jobs: int) -> None:
    """The paper's figures; those of made-up people are kept as a stage."""
    from results.pictures.all import draw_all

    def missed(name: str, error: DataError) -> None:
        console.print(f"{name} was not drawn: {error}", highlight=False)

    if experiment.data == "real":
        draw_all(artifacts, "real", no_bar, missed)
        return
    own = artifacts / "gan"
    weights = *(project_root() / "assets").glob("*.safetensors"), *own.glob("*/*.safetensors")
    stage = Stage(
        title="figures",
        config={"what": "figures"},
        make=_draw,
        seconds=_SECONDS,
        modules=("results.pictures.all",),
        packages=_PACKAGES,
        files=(FACE_MODEL, *weights),
        many=True,
    )
    base = artifacts / "reproduce"
    Workshop(base, jobs, console).make([stage])
    ignored = shutil.ignore_patterns(ABOUT)
    shutil.copytree(stage.folder(base), artifacts, ignore=ignored, dirs_exist_ok=True)
    console.print(f"Figures: {artifacts}/fig*/", highlight=False)


def _draw(site: Site) -> None:
    from results.pictures.all import draw_all

    draw_all(site.folder, "synthetic", site.show)
