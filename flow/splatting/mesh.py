"""Triangle meshes: subdivision, normals, grids."""

import numpy as np
import scipy.sparse as sp


def unique_edges(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return unique edges (E, 2), the edge of each triangle side (T, 3) and the triangles per edge (E,).

    Side k of triangle (a, b, c) is ab, bc, ca for k = 0, 1, 2.
    """
    sides = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    edges, which, counts = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    return edges, which.reshape(-1, 3), counts


def loop_subdivide(triangles: np.ndarray, count: int) -> tuple[sp.csr_matrix, np.ndarray]:
    """Subdivide once by Loop's rule, as a matrix for any geometry with this topology.

    Boundaries follow the cubic B-spline rule, so that holes (eyes, mouth) keep a smooth rim.

    Parameters
    ----------
    triangles : (T, 3) int, over `count` vertices

    Returns
    -------
    matrix : (count + E, count) sparse
    triangles : (4 T, 3)

    References
    ----------
    C. Loop, Smooth Subdivision Surfaces Based on Triangles, 1987; Warren's weights for the inner vertices.
    """
    edges, of_side, shared = unique_edges(triangles)
    rim = shared == 1
    old = _smoothing_matrix(edges, rim, count)
    # New vertices, one per edge: 3/8 of its ends and 1/8 of the opposite corners; midpoints on the rim.
    opposite = triangles[:, [2, 0, 1]]
    row = np.arange(len(edges))
    ends = np.where(rim, 0.5, 0.375)
    new = sp.coo_matrix(
        (
            np.concatenate([ends, ends, np.where(rim[of_side], 0, 0.125).ravel()]),
            (
                np.concatenate([row, row, of_side.ravel()]),
                np.concatenate([edges[:, 0], edges[:, 1], opposite.ravel()]),
            ),
        ),
        shape=(len(edges), count),
    )
    a, b, c = triangles.T
    ab, bc, ca = (of_side + count).T
    finer = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return sp.vstack([old, new.tocsr()]).tocsr(), finer


def _smoothing_matrix(edges: np.ndarray, rim: np.ndarray, count: int) -> sp.csr_matrix:
    """Return Loop's rule for old vertices: mean of their ring, or of the two neighbours along the rim."""
    neighbours = sp.coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count)).tocsr()
    neighbours = neighbours + neighbours.T
    degree = np.asarray(neighbours.sum(1)).ravel()
    on_rim = np.zeros(count, bool)
    on_rim[edges[rim]] = True
    beta = np.where(degree == 3, 3 / 16, 3 / (8 * np.maximum(degree, 1)))
    along = sp.coo_matrix((np.ones(rim.sum()), edges[rim].T), shape=(count, count)).tocsr()
    along = along + along.T
    itself = sp.diags(np.where(on_rim, 0.75, 1 - degree * beta))
    return (
        itself
        + sp.diags(np.where(on_rim, 0, beta)) @ neighbours
        + sp.diags(np.where(on_rim, 0.125, 0)) @ along
    )


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return area-weighted unit normals (V, 3); they point to the side from which triangles run clockwise.

    With x right, y down and z away from the viewer, this is the viewer's side of a front face.
    """
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    faces = np.cross(c - a, b - a)
    rows = triangles.ravel()
    one = sp.csr_matrix(
        (np.ones(len(rows)), (rows, np.repeat(np.arange(len(triangles)), 3))), (len(vertices), len(triangles))
    )
    normals = one @ faces
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def grid_triangles(rows: int, columns: int, wrap: bool = False) -> np.ndarray:
    """Return the triangles (T, 3) of a row-major grid of vertices; `wrap` closes it across columns."""
    index = np.arange(rows * columns).reshape(rows, columns)
    if wrap:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = (x.ravel() for x in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
