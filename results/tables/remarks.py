"""What stands below a table: its notes, and why cells are empty."""

from results.record import RunRecord


def remarks(record: RunRecord) -> list[str]:
    """The notes, and why each unavailable cell is unavailable.

    A row or a column that lacks all of its numbers for one reason is named once.
    """
    reasons = {(cell.row, cell.column): cell.reason for cell in record.cells if cell.reason}
    whole = {}
    for row in record.rows:
        told = {reasons.get((row, column), "") for column in record.columns}
        if len(told) == 1 and len(record.columns) > 1 and (reason := told.pop()):
            whole[row] = reason
    others = [row for row in record.rows if row not in whole]
    columns = {}
    for column in record.columns:
        told = {reasons.get((row, column), "") for row in others}
        if len(told) == 1 and len(others) > 1 and (reason := told.pop()):
            columns[column] = reason
    gaps: dict[str, list[str]] = {}
    for name, reason in (*whole.items(), *columns.items()):
        gaps.setdefault(reason, []).append(name)
    for (row, column), reason in reasons.items():
        if row not in whole and column not in columns:
            gaps.setdefault(reason, []).append(f"{row}, {column}")
    return [*record.notes, *(f"{'; '.join(cells)}: {reason}" for reason, cells in gaps.items())]
