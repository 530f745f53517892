import numpy as np
import pytest

from cfr.morphable.sculpt.mesh import (
    COLUMNS,
    INNER_EYE,
    MIDDLE,
    MOUTH,
    OUTER_EYE,
    SHEETS,
    STRIDE,
    Mesh,
    build_mesh,
)


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return build_mesh()


def borders(mesh: Mesh) -> dict[tuple[int, int], int]:
    """Directed edges without their opposite, by a loop over triangles."""
    edges: dict[tuple[int, int], int] = {}
    for a, b, c in mesh.triangles.tolist():
        for edge in ((a, b), (b, c), (c, a)):
            edges[edge] = edges.get(edge, 0) + 1
    assert max(edges.values()) == 1  # oriented alike, no edge of three triangles
    return {edge: 1 for edge in edges if edge[::-1] not in edges}


def loops(edges: dict[tuple[int, int], int]) -> list[int]:
    """Lengths of the closed border lines."""
    following = dict(edges)
    lengths = []
    while following:
        start = vertex = next(iter(following))[0]
        length = 0
        while True:
            edge = next(one for one in following if one[0] == vertex)
            del following[edge]
            vertex, length = edge[1], length + 1
            if vertex == start:
                break
        lengths.append(length)
    return sorted(lengths)


def test_only_the_rims_and_the_eyes_are_open(mesh: Mesh) -> None:
    eye = 2 * (OUTER_EYE - INNER_EYE)
    sheets = [SHEETS[name] for name in ("upper teeth", "lower teeth", "left eye", "right eye")]
    rims = [2 * (rows - 1 + columns - 1) for rows, columns in sheets]
    # The mouth's wall hangs on both lips; its two sides stay open, at the corners of the lips.
    sides = [2 * 0 + SHEETS["mouth"][0] - 1] * 2
    skin = 2 * (COLUMNS - 1 + 183)
    assert loops(borders(mesh)) == sorted([eye, eye, skin, *rims, *sides])


def test_the_lips_part_and_meet_at_their_corners(mesh: Mesh) -> None:
    lower, upper = mesh.sheets["lower"][-1], mesh.sheets["middle"][0]
    shared = np.flatnonzero(lower == upper)
    apart = np.flatnonzero(lower != upper)
    assert apart.tolist() == list(range(MIDDLE - MOUTH + 1, MIDDLE + MOUTH))
    assert len(shared) + len(apart) == COLUMNS


def test_symmetry_is_an_involution_that_mirrors_triangles(mesh: Mesh) -> None:
    assert (mesh.symmetry[mesh.symmetry] == np.arange(mesh.vertices)).all()
    mirrored = {frozenset(one) for one in mesh.symmetry[mesh.triangles].tolist()}
    assert mirrored == {frozenset(one) for one in mesh.triangles.tolist()}


def test_smooth_fields_can_be_kept_on_every_third_row_and_column() -> None:
    for rows, columns in SHEETS.values():
        assert (rows - 1) % STRIDE == 0
        assert (columns - 1) % STRIDE == 0
    for column in (MOUTH, INNER_EYE, OUTER_EYE):
        assert (MIDDLE - column) % STRIDE == 0
