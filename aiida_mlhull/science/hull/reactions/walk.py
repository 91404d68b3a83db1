# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: ANN001, ANN202, C901, PLR0912, PLR0917  (plain loops for the compiler: types are inferred)
"""The compiled walk along a slice of the hull, and the scores of the reactions that it passes.

Between two compositions a and b the hull h((1-x) a + x b) is convex and piecewise linear. A basis that is
optimal at x stays optimal until one of its phases is used up; there a step of the dual simplex exchanges
that phase for the column whose reduced cost vanishes first. So one pivot is one facet, and the whole
slice costs about as much as two single points. Slopes come from the duals, y·(b-a), and a kink is where
they change. The basis is inverted again after every pivot, hence no error is carried along.

Source: G. B. Dantzig, Linear Programming and Extensions (1963), parametric programming of the right side.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from aiida_mlhull.science.hull.simplex import (
    MOST_PIVOTS,
    PIVOT,
    STALLED,
    SUPPORT,
    _energy,
    _invert,
    _price,
    _reach,
    _start_from_elements,
    compiled,
)

SOLVER: Final = "a966"
"""First digits of the SHA-256 of simplex.py, whose functions are compiled into those below: numba looks for
changes in this file only, so the digits are to be renewed with that file (a test compares them)."""

BEND: Final = 1e-9
"""eV/atom; slopes that differ by less belong to one straight piece."""
USED_UP: Final = 1e-11
"""Fractions of a phase below this are zero when the next phase to leave is looked for."""
FALLEN: Final = 1e-9
"""eV/atom; a reactant this far above the hull is unstable."""
BARELY: Final = 1e-6
"""eV/atom; so far below the hull a phase is set whose reaction is asked for although it is not stable."""
CATALAN_SIZE: Final = 64

CATALAN = np.ones(CATALAN_SIZE)
for _n in range(1, CATALAN_SIZE):
    CATALAN[_n] = CATALAN[_n - 1] * 2 * (2 * _n - 1) / (_n + 1)


@compiled
def _exhausted(inverse, direction, weights, basis, left, bland):
    """The phase that is used up first along the direction, and how far that is (at most ``left``)."""
    row, step, rate = -1, left, 0.0
    for a in range(len(weights)):
        change = 0.0
        for j in range(len(weights)):
            change += inverse[a, j] * direction[j]
        if change < -USED_UP:
            ratio = max(weights[a], 0.0) / -change
            tied = row >= 0 and abs(ratio - step) <= USED_UP
            if (ratio < step - USED_UP) or (tied and (basis[a] < basis[row] if bland else change < rate)):
                row, step, rate = a, min(ratio, step) if tied else ratio, change
    return row, step


@compiled
def _replacing(columns, inverse, reduced, row, bland):
    """The column that comes in for the phase of ``row``, so that all reduced costs stay positive; or -1."""
    k, n = columns.shape
    entering, least, size = -1, np.inf, 0.0
    for q in range(n):
        along = 0.0
        for j in range(k):
            along += inverse[row, j] * columns[j, q]
        if along < -PIVOT:
            ratio = max(reduced[q], 0.0) / -along
            tied = abs(ratio - least) <= 1e-13  # noqa: PLR2004
            if ratio < least - 1e-13 or (tied and not bland and -along > size):
                entering, least, size = q, ratio, -along
    return entering


@compiled
def walk(columns, cost, start, direction, xs, energies, phases, weights) -> Any:
    """All kinks of the hull from ``start`` (x = 0) to ``start + direction`` (x = 1), both ends among them.

    The first k columns are the pure elements. Fills ``xs`` (room,), ``energies`` (room,), ``phases`` and
    ``weights`` (room, k).

    Returns:
        Number of points, and how far the worst one is from being certified; -1 points where the program
        failed, or more were met than there is room for.
    """
    k, n = columns.shape
    basis, inverse = np.empty(k, dtype=np.int64), np.empty((k, k))
    w, y, reduced = np.empty(k), np.empty(k), np.empty(n)
    _start_from_elements(basis, inverse)
    if not _reach(columns, cost, start, basis, inverse, w, y, reduced):
        return -1, np.inf
    x, count, gap, stalled, before = 0.0, 0, 0.0, 0, -np.inf
    for _ in range(MOST_PIVOTS):
        slope = 0.0
        for j in range(k):
            slope += y[j] * direction[j]
        row, step = _exhausted(inverse, direction, w, basis, 1.0 - x, stalled > STALLED)
        if (row < 0 or step > USED_UP) and slope - before > BEND:
            if count == len(xs) - 1:
                return -1, np.inf
            xs[count], energies[count] = x, _energy(cost, basis, w)
            for a in range(k):
                phases[count, a], weights[count, a] = basis[a], max(w[a], 0.0)
            gap = max(gap, -reduced.min(), -w.min())
            count += 1
            before = slope
        x = x + step if row >= 0 else 1.0
        stalled = stalled + 1 if step <= USED_UP else 0
        if row < 0 or x >= 1.0 - USED_UP:
            x = 1.0
        else:
            entering = _replacing(columns, inverse, reduced, row, stalled > STALLED)
            if entering < 0:
                return -1, np.inf
            basis[row] = entering
            if not _invert(columns, basis, inverse):
                return -1, np.inf
            _price(columns, cost, basis, inverse, y, reduced, False)  # noqa: FBT003
        for a in range(k):
            w[a] = 0.0
            for j in range(k):
                w[a] += inverse[a, j] * (start[j] + x * direction[j])
        if x == 1.0:
            xs[count], energies[count] = 1.0, _energy(cost, basis, w)
            for a in range(k):
                phases[count, a], weights[count, a] = basis[a], max(w[a], 0.0)
            return count + 1, max(gap, -reduced.min(), -w.min())
    return -1, np.inf


@compiled
def walk_many(columns, cost, starts, directions, counts, gaps, xs, energies, phases, weights) -> None:
    """The walk along s slices of one chemical system; results of slice i are rows i of the arrays."""
    for i in range(len(starts)):
        counts[i], gaps[i] = walk(columns, cost, starts[i], directions[i], xs[i], energies[i], phases[i], weights[i])


@compiled
def mean_altitude(x, e) -> Any:
    """Mean over all ways to split a chain into triangles of the summed altitudes of their middles, eV/atom.

    The n points between the ends can be reached in Cat(n) orders that differ as trees; the triangle
    i < j < k is in Cat(j-i-1) Cat(k-j-1) Cat(n-(k-i)+1) of them. Negative where the chain is convex.
    """
    n = len(x) - 2
    if n < 1:
        return 0.0
    total = 0.0
    for i in range(n):
        for j in range(i + 1, n + 1):
            for k in range(j + 1, n + 2):
                if x[k] > x[i]:
                    share = (x[j] - x[i]) / (x[k] - x[i])
                    trees = CATALAN[j - i - 1] * CATALAN[k - j - 1] * CATALAN[n - (k - i) + 1]
                    total += trees * (e[j] - (1.0 - share) * e[i] - share * e[k])
    return total / CATALAN[n]


@compiled
def chain(xs, energies, count, e_start, e_end, x, e) -> Any:
    """The points of a reaction hull: x, and energy above the unreacted mixture; unstable ends count twice.

    Returns:
        Number of points, and how many of them stand before the slice's first kink (1 or 2).
    """
    at, first = 0, energies[0] - e_start
    x[0], e[0] = 0.0, 0.0
    at = 1
    if first < -FALLEN:
        x[1], e[1] = 0.0, first
        at = 2
    before = at
    for i in range(1, count - 1):
        x[at], e[at] = xs[i], energies[i] - (1.0 - xs[i]) * e_start - xs[i] * e_end
        at += 1
    last = energies[count - 1] - e_end
    if last < -FALLEN:
        x[at], e[at] = 1.0, last
        at += 1
    x[at], e[at] = 1.0, 0.0
    return at + 1, before


@compiled
def _holding(target, count, phases, weights):
    """The kink between the ends at which most of the atoms are in the target's phase, and that share; or -1."""
    best, share = -1, SUPPORT
    for i in range(1, count - 1):
        for a in range(phases.shape[1]):
            if phases[i, a] == target and weights[i, a] > share:
                best, share = i, weights[i, a]
    return best, share


@compiled
def score(columns, cost, target, lift, start, end, e_start, e_end, xs, energies, phases, weights, x, e, row) -> Any:
    """Scores of the reaction start + end -> target (and by-products), eV per atom of reactants.

    ``lift`` is how far the target truly lies above its ``cost``. Fills ``row`` with x, share of the target,
    reaction energy, whether it is the deepest point, inverse hull energy, C1, C2, and the kink's number.

    Returns:
        1, 0 where the target doesn't form, or -1 where the slice could not be certified.
    """
    count, gap = walk(columns, cost, start, end - start, xs, energies, phases, weights)
    if not gap < BEND:
        return -1
    at, share = _holding(target, count, phases, weights)
    if at < 0:
        return 0
    points, before = chain(xs, energies, count, e_start, e_end, x, e)
    own = at - 1 + before
    e[own] += lift * share
    rival = 0.0
    for i in range(points):
        if i != own:
            rival = min(rival, e[i])
    row[0], row[1], row[2], row[3] = x[own], share, e[own], 1.0 if e[own] < rival else 0.0
    row[5] = e[own] - rival
    row[6] = abs(mean_altitude(x[: own + 1], e[: own + 1]) + mean_altitude(x[own:points], e[own:points]))
    row[4] = e[own] - e[own - 1] - (e[own + 1] - e[own - 1]) * (x[own] - x[own - 1]) / (x[own + 1] - x[own - 1])
    row[7] = at
    return 1


@compiled
def gather(columns, cost, masks, wanted, elements) -> Any:
    """The columns whose elements are within ``wanted`` (a bit each), over these elements only."""
    k, n = len(elements), 0
    for q in range(columns.shape[1]):
        n += (masks[q] & ~wanted) == 0
    dense, energies, origin = np.empty((k, n)), np.empty(n), np.empty(n, dtype=np.int64)
    at = 0
    for q in range(columns.shape[1]):  # pure elements stand first there, hence here
        if (masks[q] & ~wanted) == 0:
            for j in range(k):
                dense[j, at] = columns[elements[j], q]
            energies[at] = cost[q]
            origin[at] = q
            at += 1
    return dense, energies, origin


@compiled
def score_pairs(columns, cost, masks, target, lift, points, own, pairs, room, rows, states) -> None:
    """Scores of many pairs of reactants against one target; see :func:`score`.

    ``columns`` (K, n) hold the pure elements first; ``points`` (r, K) and ``own`` (r,) are the
    reactants' compositions and energies; pairs of the same elements should stand together, since the
    columns are gathered again when they change. Fills ``rows`` (p, 8) and ``states`` (p,).
    """
    size = columns.shape[0]
    last = np.int64(0)
    dense, energies, origin = np.empty((0, 0)), np.empty(0), np.empty(0, dtype=np.int64)
    elements, t, k = np.empty(0, dtype=np.int64), -1, 0
    xs, es, x, e = np.empty(room), np.empty(room), np.empty(room + 4), np.empty(room + 4)
    phases, weights = np.empty((0, 0), dtype=np.int64), np.empty((0, 0))
    for p in range(len(pairs)):
        a, b = pairs[p]
        mask = np.int64(0)
        for j in range(size):
            if points[a, j] > 0.0 or points[b, j] > 0.0:
                mask |= np.int64(1) << j
        if mask != last:
            last = mask
            elements = np.asarray([j for j in range(size) if mask >> j & 1])
            dense, energies, origin = gather(columns, cost, masks, mask, elements)
            k, t = len(elements), -1
            phases, weights = np.empty((room, k), dtype=np.int64), np.empty((room, k))
            for q in range(len(origin)):
                if origin[q] == target:
                    t = q
        states[p] = 0
        if t >= 0:
            states[p] = score(
                dense, energies, t, lift, points[a][elements], points[b][elements], own[a], own[b],
                xs, es, phases, weights, x, e, rows[p],
            )  # fmt: skip


@compiled
def score_samples(columns, drawn, target, start, end, e_starts, e_ends, room, rows, states) -> None:
    """Scores of one pair in S samples of all energies; ``drawn`` (S, n), ``e_starts`` and ``e_ends`` (S,).

    Where the target lies above the hull of a sample it is scored as if it lay just below, and its true
    energy is put back afterwards.
    """
    k, n = columns.shape
    xs, es, x, e = np.empty(room), np.empty(room), np.empty(room + 4), np.empty(room + 4)
    phases, weights = np.empty((room, k), dtype=np.int64), np.empty((room, k))
    basis, inverse = np.empty(k, dtype=np.int64), np.empty((k, k))
    w, y, reduced = np.empty(k), np.empty(k), np.empty(n)
    for s in range(len(drawn)):
        cost = drawn[s].copy()
        cost[target] = np.inf
        _start_from_elements(basis, inverse)
        states[s] = -1
        if _reach(columns, cost, np.ascontiguousarray(columns[:, target]), basis, inverse, w, y, reduced):
            lift = max(drawn[s, target] - (_energy(cost, basis, w) - BARELY), 0.0)
            cost[target] = drawn[s, target] - lift
            states[s] = score(
                columns, cost, target, lift, start, end, e_starts[s], e_ends[s],
                xs, es, phases, weights, x, e, rows[s],
            )  # fmt: skip
