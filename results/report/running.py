"""What scripts/report.py does."""

from collections.abc import Iterator

from rich.console import Console

from protocols.roots import artifacts_folder
from results.report.options import Keep, Page, Tables


def perform(config: Page | Keep | Tables, console: Console) -> Iterator[str]:
    """Do it; what comes out is for the console.

    Raises:
        BadInput: There is no record to keep, it must not be kept, or a kept one is damaged.
        BadOption: The name of a record is none.
        CacheFailed: A file could not be written.
    """
    if isinstance(config, Keep):
        from results.kept import keep

        yield f"Kept: {keep(config.folder, config.name, changed_files=config.changed_files)}"
        return
    if isinstance(config, Tables):
        from results.tables_file import write_tables

        yield f"Tables: {write_tables()}"
        return
    from results.report.page import make_report

    with console.status("writing the report"):
        report = make_report(config.artifacts or artifacts_folder())
    yield from report.sentences()
