# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: ANN001, ANN202, C901, PLR0917  (plain loops for the compiler: types are inferred from the arrays)
"""The solver: the lower hull at one composition is a tiny linear program.

    minimize  c·w   subject to   A w = b,  w >= 0

A holds the fractions of the competing phases, one column each, over the k elements of the
composition b; c are their formation energies. Columns and b sum to one, hence so does w. At the
optimum the basis is the decomposition and the duals y are the chemical potentials: y·x <= c for every
column proves that no mixture of phases lies lower. k is the number of elements (2 to 10), so a
revised simplex with an explicit k x k inverse beats everything that builds facets: the pure elements
are a feasible start, and the optimal basis of a neighboring composition is usually a better one.

:mod:`aiida_mlhull.science.hull.points` prepares the arrays; numba is imported with this module only,
when the first hull is solved. All compiled functions stand in this one file because numba looks for
changes in the file of the function that is called, not in those that it calls. Under another name
(:mod:`aiida_mlhull.science.hull.solver`) the functions stay what they are here, and need no numba.

Sources: G. B. Dantzig, Linear Programming and Extensions (1963), the revised simplex; R. G. Bland,
Math. Oper. Res. 2 (1977) 103, the rule against cycling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])

COMPILED: Final = "aiida_mlhull.science.hull.simplex"
"""Name of this module where its functions are compiled."""
PRICE: Final = 1e-11
"""eV/atom; a column enters when it lies this far below the current plane."""
PIVOT: Final = 1e-10
"""Smallest pivot that is divided by."""
STALLED: Final = 12
"""Degenerate steps in a row after which Bland's rule takes over, until one moves."""
MOST_PIVOTS: Final = 5000
"""A program of this kind needs some ten pivots; giving up ends as a hull that is not certified."""
TIE: Final = 1e-10
"""eV/atom; columns this close to the optimal plane share its facet."""
HEAVIEST: Final = 119
FEASIBLE: Final = -1e-12
"""Fractions of a phase may be this far below zero by rounding when a basis is taken over."""
DRIFTED: Final = -1e-9
"""A fraction this far below zero after recomputing the inverse: start again."""
SUPPORT: Final = 1e-9
"""Fractions above this belong to a decomposition."""
STEP: Final = 1e-13
"""A pivot that moves less than this is degenerate."""


def compiled(function: F) -> F:
    """Compile, and keep the machine code: beside the package, else in the user's cache, else in memory."""
    if __name__ != COMPILED:
        return function
    from numba import njit  # noqa: PLC0415  (only where something is compiled)

    try:
        return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # numba found no folder that it may write to
        return cast("F", njit(nogil=True, error_model="numpy")(function))


@compiled
def _invert(columns, basis, inverse):
    """Gauss-Jordan with partial pivoting: the inverse of the basis, free of accumulated drift."""
    k = columns.shape[0]
    work = np.empty((k, k))
    for i in range(k):
        for a in range(k):
            work[i, a] = columns[i, basis[a]]
            inverse[i, a] = 1.0 if i == a else 0.0
    for a in range(k):
        pivot = a
        for i in range(a + 1, k):
            if abs(work[i, a]) > abs(work[pivot, a]):
                pivot = i
        if abs(work[pivot, a]) < PIVOT:
            return False
        if pivot != a:
            for j in range(k):
                work[a, j], work[pivot, j] = work[pivot, j], work[a, j]
                inverse[a, j], inverse[pivot, j] = inverse[pivot, j], inverse[a, j]
        scale = 1.0 / work[a, a]
        for j in range(k):
            work[a, j] *= scale
            inverse[a, j] *= scale
        for i in range(k):
            factor = work[i, a]
            if i != a and factor != 0.0:
                for j in range(k):
                    work[i, j] -= factor * work[a, j]
                    inverse[i, j] -= factor * inverse[a, j]
    return True


@compiled
def _start_from_elements(basis, inverse):
    """The pure elements stand in the first k columns: their basis is the unit matrix."""
    for a in range(len(basis)):
        basis[a] = a
        for j in range(len(basis)):
            inverse[a, j] = 1.0 if a == j else 0.0


@compiled
def _feasible(inverse, b):
    """Whether a basis that was optimal elsewhere holds the composition b between its phases."""
    for a in range(len(b)):
        weight = 0.0
        for j in range(len(b)):
            weight += inverse[a, j] * b[j]
        if weight < FEASIBLE:
            return False
    return True


@compiled
def _weigh(inverse, b, weights):
    """Fractions of the basis phases that mix to the composition b."""
    for a in range(len(b)):
        weights[a] = 0.0
        for j in range(len(b)):
            weights[a] += inverse[a, j] * b[j]


@compiled
def _energy(cost, basis, weights):
    """Energy of the mixture; fractions below zero are rounding."""
    energy = 0.0
    for a in range(len(basis)):
        energy += cost[basis[a]] * max(weights[a], 0.0)
    return energy


@compiled
def _price(columns, cost, basis, inverse, duals, reduced, bland):
    """Duals and reduced costs; the most negative column, or the first one under Bland's rule, or -1."""
    k, n = columns.shape
    for j in range(k):
        duals[j] = 0.0
        for a in range(k):
            duals[j] += cost[basis[a]] * inverse[a, j]
    for q in range(n):
        reduced[q] = cost[q]
    for j in range(k):
        y = duals[j]
        for q in range(n):
            reduced[q] -= y * columns[j, q]
    best = -PRICE
    entering = -1
    for q in range(n):
        if reduced[q] < best:
            best = reduced[q]
            entering = q
            if bland:
                break
    return entering


@compiled
def _leaving(direction, weights, basis, bland):
    """Ratio test: the phase that is used up first; ties to the larger pivot (Bland: the lower column)."""
    leaving = -1
    step = np.inf
    for a in range(len(direction)):
        if direction[a] > PIVOT:
            ratio = max(weights[a], 0.0) / direction[a]
            if leaving < 0 or ratio < step - 1e-14:
                leaving = a
                step = ratio
            elif ratio <= step + 1e-14:
                better = basis[a] < basis[leaving] if bland else direction[a] > direction[leaving]
                if better:
                    leaving = a
                    step = min(step, ratio)
    return leaving, step


@compiled
def _optimize(columns, cost, b, basis, inverse, weights, duals, reduced):
    """Pivot from a feasible basis to the optimum; False if it could not be reached.

    ``basis`` and ``inverse`` go in feasible and come out optimal; ``weights``, ``duals`` and
    ``reduced`` are results. The inverse is recomputed at the end, and the optimum checked with it.
    """
    k = len(b)
    direction = np.empty(k)
    stalled = 0
    drifted = False
    _weigh(inverse, b, weights)
    for _ in range(MOST_PIVOTS):
        bland = stalled > STALLED
        entering = _price(columns, cost, basis, inverse, duals, reduced, bland)
        if entering < 0:
            if not drifted:
                return True
            if not _invert(columns, basis, inverse):
                return False
            drifted = False
            _weigh(inverse, b, weights)
            if weights.min() < DRIFTED:
                return False
            continue
        for a in range(k):
            direction[a] = 0.0
            for j in range(k):
                direction[a] += inverse[a, j] * columns[j, entering]
        leaving, step = _leaving(direction, weights, basis, bland)
        if leaving < 0:
            return False
        stalled = stalled + 1 if step < STEP else 0
        scale = 1.0 / direction[leaving]
        for j in range(k):
            inverse[leaving, j] *= scale
        weights[leaving] = step
        for a in range(k):
            if a != leaving and direction[a] != 0.0:
                weights[a] -= direction[a] * step
                for j in range(k):
                    inverse[a, j] -= direction[a] * inverse[leaving, j]
        basis[leaving] = entering
        drifted = True
    return False


@compiled
def _gather(elements, element_rows, starts, stops, row_offsets, row_numbers, row_fractions, row_costs):
    """Dense columns of one chemical system: its elements first, then all that can lie on its hull.

    Columns above the plane through the elements never do, and are left out; the duals stay below the
    elements' energies, so the certificate covers them.
    """
    k = len(elements)
    n = k
    for block in range(len(starts)):
        n += stops[block] - starts[block]
    place = np.zeros(HEAVIEST, dtype=np.int64)
    plane = np.zeros(HEAVIEST)
    columns = np.zeros((k, n))
    cost = np.empty(n)
    rows = np.empty(n, dtype=np.int64)
    for a in range(k):
        place[elements[a]] = a
        plane[elements[a]] = row_costs[element_rows[a]]
        columns[a, a] = 1.0
        cost[a] = row_costs[element_rows[a]]
        rows[a] = element_rows[a]
    q = k
    for block in range(len(starts)):
        for row in range(starts[block], stops[block]):
            above = 0.0
            for entry in range(row_offsets[row], row_offsets[row + 1]):
                above += plane[row_numbers[entry]] * row_fractions[entry]
            if row_costs[row] > above:
                continue
            for entry in range(row_offsets[row], row_offsets[row + 1]):
                columns[place[row_numbers[entry]], q] = row_fractions[entry]
            cost[q] = row_costs[row]
            rows[q] = row
            q += 1
    return np.ascontiguousarray(columns[:, :q]), cost[:q], rows[:q]


@compiled
def _settle_ties(columns, reduced, preferences, rows, b, basis, inverse, weights, second, y):
    """Choose among decompositions of equal energy; True where there was a choice.

    The one whose phases are nearest in composition (least mean squared fraction) is taken, further
    ties go by the phases' preference numbers. This is a second program over the columns that share
    the optimal facet, from the optimal basis; ``reduced`` is overwritten.
    """
    k, n = columns.shape
    shared = 0
    for q in range(n):
        second[q] = np.inf
        if reduced[q] <= TIE:
            shared += 1
            second[q] = 1e-6 * preferences[rows[q]]
            for j in range(k):
                second[q] += columns[j, q] * columns[j, q]
    if shared <= k:
        return False
    if not _optimize(columns, second, b, basis, inverse, weights, y, reduced):
        _start_from_elements(basis, inverse)
        return False
    return True


@compiled
def _reach(columns, cost, b, basis, inverse, w, y, reduced):
    """Optimum from a basis that is feasible at b, or else from the elements; False if there is none."""
    for attempt in range(2):
        if attempt:
            _start_from_elements(basis, inverse)
        if _optimize(columns, cost, b, basis, inverse, w, y, reduced):
            return True
    _start_from_elements(basis, inverse)
    return False


@compiled
def _solve(columns, cost, b, basis, inverse, w, y, reduced):
    """Optimum at b, from the basis at hand if it is feasible there.

    Returns:
        Value and certificate: how far primal and dual are apart, plus how far a column lies below the
        plane. Both are NaN where no optimum was reached.
    """
    if not _feasible(inverse, b):
        _start_from_elements(basis, inverse)
    if not _reach(columns, cost, b, basis, inverse, w, y, reduced):
        return np.nan, np.nan
    primal, dual, lowest = _energy(cost, basis, w), 0.0, 0.0
    for a in range(len(b)):
        dual += y[a] * b[a]
    for q in range(len(cost)):
        lowest = min(lowest, reduced[q])
    return primal, abs(primal - dual) - lowest


@compiled
def _column_of(rows, row, basis, k):
    """Position of a row among the columns, -1 where it is absent or an element; and whether it is in the basis."""
    for q in range(k, len(rows)):
        if rows[q] == row:
            for a in range(k):
                if basis[a] == q:
                    return q, True
            return q, False
    return -1, False


@compiled
def _record(at, rows, basis, w, phases, weights):
    """Write down the decomposition."""
    for a in range(len(basis)):
        phases[at + a] = rows[basis[a]]
        weights[at + a] = max(w[a], 0.0)


@compiled
def solve_systems(
    element_offsets, elements, element_rows,
    block_offsets, block_starts, block_stops,
    row_offsets, row_numbers, row_fractions, row_costs, preferences,
    target_offsets, target_starts, target_fractions, excluded,
    values, gaps, duals, phases, weights,
) -> None:  # fmt: skip
    """Hull energies at all targets, one chemical system after the other.

    System s has the elements ``elements[element_offsets[s]:element_offsets[s + 1]]`` and the targets
    ``target_offsets[s]:target_offsets[s + 1]``; target t has its k fractions, and gets its duals,
    phases and weights, at ``target_starts[t]``. ``excluded[t]`` is a row that may not be used, or -1.
    """
    for s in range(len(element_offsets) - 1):
        first, last = element_offsets[s], element_offsets[s + 1]
        k = last - first
        blocks = slice(block_offsets[s], block_offsets[s + 1])
        columns, cost, rows = _gather(
            elements[first:last], element_rows[first:last], block_starts[blocks], block_stops[blocks],
            row_offsets, row_numbers, row_fractions, row_costs,
        )  # fmt: skip
        basis, inverse = np.empty(k, dtype=np.int64), np.empty((k, k))
        w, y = np.empty(k), np.empty(k)
        reduced, second = np.empty(len(cost)), np.empty(len(cost))
        _start_from_elements(basis, inverse)
        for t in range(target_offsets[s], target_offsets[s + 1]):
            at = target_starts[t]
            b = target_fractions[at : at + k]
            own, in_basis = (-1, False) if excluded[t] < 0 else _column_of(rows, excluded[t], basis, k)
            own_cost = cost[own]
            if own >= 0:
                cost[own] = np.inf
            if in_basis:
                _start_from_elements(basis, inverse)
            values[t], gaps[t] = _solve(columns, cost, b, basis, inverse, w, y, reduced)
            for a in range(k):
                duals[at + a] = y[a]
            _record(at, rows, basis, w, phases, weights)
            if not np.isnan(values[t]) and _settle_ties(
                columns, reduced, preferences, rows, b, basis, inverse, w, second, y
            ):
                _record(at, rows, basis, w, phases, weights)
            cost[own] = own_cost


@compiled
def _widest(columns, cost, b, basis, inverse, w, y, reduced):
    """The largest sum of chemical potentials weighted with ``b`` that the columns allow; NaN if there is none."""
    _start_from_elements(basis, inverse)
    if not _optimize(columns, cost, b, basis, inverse, w, y, reduced):
        return np.nan
    energy = 0.0
    for a in range(len(b)):
        energy += cost[basis[a]] * w[a]
    return energy


@compiled
def solve_windows(
    element_offsets, elements, element_rows,
    block_offsets, block_starts, block_stops,
    row_offsets, row_numbers, row_fractions, row_costs,
    target_offsets, target_starts, target_fractions,
    lowest, highest,
) -> None:  # fmt: skip
    """Range of every element's chemical potential in which the phase at each target is stable.

    Arguments are those of :func:`solve_systems`. Where the phase c is on the hull, potentials obey
    y·x_c = e_c and y·x <= e for all other columns. By duality the largest y_i is a mixture that adds up to the pure
    element i in which c may be taken away as well as added; the smallest one follows from the mixture
    x_c / x_ci - (element i), whose fractions are not negative.
    """
    for s in range(len(element_offsets) - 1):
        first, last = element_offsets[s], element_offsets[s + 1]
        k = last - first
        blocks = slice(block_offsets[s], block_offsets[s + 1])
        competing, competing_cost, _ = _gather(
            elements[first:last], element_rows[first:last], block_starts[blocks], block_stops[blocks],
            row_offsets, row_numbers, row_fractions, row_costs,
        )  # fmt: skip
        n = len(competing_cost)
        columns, cost = np.empty((k, n + 1)), np.empty(n + 1)
        columns[:, :n] = competing
        cost[:n] = competing_cost
        basis, inverse = np.empty(k, dtype=np.int64), np.empty((k, k))
        w, y, mixture = np.empty(k), np.empty(k), np.empty(k)
        reduced = np.empty(n + 1)
        for t in range(target_offsets[s], target_offsets[s + 1]):
            at = target_starts[t]
            b = target_fractions[at : at + k]
            _start_from_elements(basis, inverse)
            energy, _ = _solve(competing, competing_cost, b, basis, inverse, w, y, reduced[:n])
            for a in range(k):
                columns[a, n] = -b[a]
            cost[n] = -energy
            for i in range(k):
                for a in range(k):
                    mixture[a] = 1.0 if a == i else 0.0
                highest[at + i] = _widest(columns, cost, mixture, basis, inverse, w, y, reduced)
                for a in range(k):
                    mixture[a] = 0.0 if a == i else b[a] / b[i]
                lowest[at + i] = energy / b[i] - _widest(columns, cost, mixture, basis, inverse, w, y, reduced)


@compiled
def find_touched(
    energy, elements, fractions, mask, target_masks, starts, sizes, numbers, potentials
) -> NDArray[np.int64]:
    """Targets whose optimum ends when this entry comes in, because it lies below their plane.

    ``mask`` and ``target_masks`` are sets of elements in two halves; only targets that hold all
    elements of the entry are asked.
    """
    touched = np.empty(len(starts), dtype=np.int64)
    count = 0
    for t in range(len(starts)):
        if target_masks[t, 0] & mask[0] == mask[0] and target_masks[t, 1] & mask[1] == mask[1]:
            reduced = energy
            for at in range(starts[t], starts[t] + sizes[t]):
                for j in range(len(elements)):
                    if numbers[at] == elements[j]:
                        reduced -= fractions[j] * potentials[at]
            if reduced < -PRICE:
                touched[count] = t
                count += 1
    return touched[:count]


@compiled
def sample_stable(columns, energies, targets, on_hull) -> bool:
    """In which samples each target lies on or below the hull of all other columns.

    ``energies`` are (samples, n); ``on_hull`` (samples, targets) is filled. The basis of one sample is
    the start of the next, since feasibility doesn't depend on energies, and its value is an upper bound
    on the hull: mostly that alone shows that the target is not stable. False if a program failed.
    """
    k, n = columns.shape
    b, w, y, reduced = np.empty(k), np.empty(k), np.empty(k), np.empty(n)
    basis, inverse = np.empty(k, dtype=np.int64), np.empty((k, k))
    for j in range(len(targets)):
        for a in range(k):
            b[a] = columns[a, targets[j]]
            w[a] = b[a]
        _start_from_elements(basis, inverse)
        for s in range(len(energies)):
            cost = energies[s]
            own = cost[targets[j]]
            on_hull[s, j] = False
            if own > _energy(cost, basis, w) + TIE:
                continue
            cost[targets[j]] = np.inf
            found = _reach(columns, cost, b, basis, inverse, w, y, reduced)
            cost[targets[j]] = own
            if not found:
                return False
            on_hull[s, j] = own <= _energy(cost, basis, w) + TIE
    return True


@compiled
def sample_hull(columns, energies, points, values, like_first) -> bool:
    """Hull energies at ``points`` (m, k) in every sample, and whether the phases are those of sample 0.

    False if a program failed.
    """
    k, n = columns.shape
    w, y, reduced = np.empty(k), np.empty(k), np.empty(n)
    basis, inverse = np.empty(k, dtype=np.int64), np.empty((k, k))
    first = np.empty(n, dtype=np.bool_)
    for j in range(len(points)):
        _start_from_elements(basis, inverse)
        first[:] = False
        phases = 0
        for s in range(len(energies)):
            if not _reach(columns, energies[s], points[j], basis, inverse, w, y, reduced):
                return False
            values[s, j] = _energy(energies[s], basis, w)
            shared = 0
            for a in range(k):
                if w[a] > SUPPORT:
                    if s == 0:
                        first[basis[a]] = True
                        phases += 1
                    shared += first[basis[a]]
            like_first[s, j] = shared == phases  # a basis mixes to a composition in one way, so there is no other phase
    return True
