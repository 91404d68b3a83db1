"""The text of a chemical formula, read exactly or refused: amounts are the fractions that are written there.

What can be read in two ways is refused, with both of them in the message. A point before water separates it
(``CuSO4.5H2O`` is copper sulfate with five waters, not O4.5); D and T are hydrogen's isotopes only where the letters
beside them don't make another element in capitals (``TIO2``). Other formulas in capitals, and points that may stand
between two compounds (``Al2O3.2SiO2``), are compared with what they may mean as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from aiida_mlhull.science.errors import FormulaError
from aiida_mlhull.science.representations.capitals import is_likely, is_ordinary, other_readings
from aiida_mlhull.science.representations.elements import element_table

LONGEST: Final = 1000
"""Characters; nothing longer is a formula."""

_NUMBER: Final = r"(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2}(?!\d))?"
_PIECE: Final = re.compile(
    rf"(?P<open>[(\[{{])|(?P<close>[)\]}}])(?P<times>{_NUMBER})?|(?P<symbol>[A-Z][a-z]?)(?P<amount>{_NUMBER})?"
)
_WHOLE: Final = re.compile(r"(?:[A-Z][a-z]?\d{0,9})+")
_WHOLE_PIECE: Final = re.compile(r"([A-Z][a-z]?)(\d*)")
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}

_SUBSCRIPTS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_MARKED_UP: Final = re.compile(rf"\$?_\{{?({_NUMBER})\}}?\$?|<sub>({_NUMBER})</sub>", re.IGNORECASE)
"""Amounts as LaTeX and HTML set them."""

_SEPARATOR: Final = re.compile(r"\s*[·•∙⋅*∗×]\s*|\s+\.\s+|\.(?=[A-Z(\[])")
_WATER: Final = re.compile(r"(?P<salt>.*[A-Za-z)\]}\d\s])\.(?P<water>\d+\s*\(?(?:[HDT]2O|OH2)\)?)")
_GUEST: Final = re.compile(r".*\d\.\d+\(?(?:NH3|HCl|HF|H2O2|CH3OH|C2H5OH|CO2|SO2|SO3|P2O5)\)?")
"""Other molecules that are written after a point, where it may be a decimal one as well."""

_ENDS_NEGATIVE: Final = r"(?:O|F|Cl|Br|I|S|Se|Te|N|[)\]}])\d*"
_BEFORE_POINT: Final = re.compile(rf".*{_ENDS_NEGATIVE}(?<![A-Za-z]0)")
_COMPOUND: Final = re.compile(rf"(?:[1-9]|1[0-8])(?!\d)(?=.*[A-Z].*[A-Z])[A-Za-z\d()\[\]]*?{_ENDS_NEGATIVE}|\d+H20")
"""Two or more elements in whole amounts, the last one negative, as many as the number in front says; or a slip."""

_PART: Final = re.compile(rf"(?P<times>{_NUMBER})?\s*(?P<rest>.*)", re.DOTALL)
_SPACED: Final = re.compile(rf"[A-Z][a-z]?|{_NUMBER}")

_SYMBOLS: Final = frozenset(element_table().symbols[1:].tolist())
_ROUNDED: Final = 2
"""Decimals; amounts that are written with as many or more may have been rounded."""


class WrittenAmount(NamedTuple):
    """How much of an element.

    Attributes:
        value: exactly what is written.
        half: half of the last digit's unit where the number may have been rounded.
    """

    value: Fraction
    half: Fraction = Fraction(0)

    def plus(self, other: WrittenAmount) -> WrittenAmount:
        """Both together."""
        return WrittenAmount(self.value + other.value, self.half + other.half)

    def times(self, other: WrittenAmount) -> WrittenAmount:
        """What a number behind a bracket makes of it."""
        return WrittenAmount(self.value * other.value, self.half * other.value + other.half * self.value)


ONE: Final = WrittenAmount(Fraction(1))


def amounts_in(formula: str) -> dict[str, WrittenAmount]:
    """Amounts by symbol, elements or not, in the order of first appearance.

    Raises:
        FormulaError: if the text is not a formula, or can be read in two ways.
    """
    if len(formula) > LONGEST:
        raise FormulaError(f"not a formula: {formula[:60]!r}... ({len(formula)} characters)")
    if _WHOLE.fullmatch(formula):
        pieces = _WHOLE_PIECE.findall(formula)
        _check_isotopes([(symbol, bool(amount)) for symbol, amount in pieces], formula)
        return _summed(
            (symbol, WrittenAmount(Fraction(int(amount)) if amount else Fraction(1))) for symbol, amount in pieces
        )
    text = _MARKED_UP.sub(r"\1\2", formula.translate(_SUBSCRIPTS)).replace("@", "").strip()
    parts = [part for whole in _SEPARATOR.split(text) for part in _hydrate(whole, formula)]
    found = []
    for part in parts:
        match = _PART.fullmatch(part)
        assert match is not None
        times = _number(match["times"])
        found += [(symbol, amount.times(times)) for symbol, amount in _group(match["rest"], formula)]
    return _summed(found)


def check_capitals(formula: str) -> None:
    """Refuse a formula in capitals that may mean something else, such as SIO2.

    What this package writes itself is as it stands, and is not asked: sulfur nitride has the formula SN.

    Raises:
        FormulaError: naming both readings; or if it is not a formula.
    """
    for other in other_readings(formula):
        own, meant = _values(amounts_in(formula)), _values(amounts_in(other))
        if not meant.keys() <= _SYMBOLS:
            continue
        if not own.keys() <= _SYMBOLS:
            raise FormulaError(f"{formula!r} holds unknown elements as it stands; in capitals it may mean {other}")
        alone = other in _SYMBOLS  # CS is cesium rather than carbon monosulfide
        if is_likely(other, meant) if len(meant) > 1 else alone or not is_ordinary(formula, own):
            raise FormulaError(
                f"{formula!r} may mean {other} in capitals, or {' and '.join(own)}: write {other}, or {_spelled(own)}"
            )


def _values(amounts: dict[str, WrittenAmount]) -> dict[str, Fraction]:
    return {symbol: amount.value for symbol, amount in amounts.items() if amount.value}


def _spelled(amounts: dict[str, Fraction]) -> str:
    """A formula in which no two letters can be taken for one element: every amount is written."""
    return "".join(f"{symbol}{float(amount):.6g}" for symbol, amount in amounts.items())


def _summed(pairs: Iterable[tuple[str, WrittenAmount]]) -> dict[str, WrittenAmount]:
    amounts: dict[str, WrittenAmount] = {}
    for symbol, amount in pairs:
        amounts[symbol] = amounts[symbol].plus(amount) if symbol in amounts else amount
    return amounts


def _hydrate(text: str, formula: str) -> list[str]:
    """The salt and its water, where a point stands between them; else the text alone.

    Raises:
        FormulaError: if the point may be a decimal one as well.
    """
    if _GUEST.fullmatch(text):
        raise FormulaError(
            f"the point in {formula!r} may be a decimal one: write {text.replace('.', '·')!r}, or brackets"
        )
    water = _WATER.fullmatch(text)
    if water is None or re.search(r"(?<![\d.])0$", water["salt"]) or not re.search("[A-Z]", water["salt"]):
        _check_points(text, formula)
        return [text]  # 0.5 is a decimal amount, of hydrogen's neighbor; 3.5 one of the water behind a separator
    if re.search(r"\.\d+$", water["salt"]):
        raise FormulaError(f"two points in a row in {formula!r}: write '·' before the water, as in CaSO4·0.5H2O")
    if re.search(r"[A-Za-z)\]}]1$", water["salt"]):  # a one is never written: LiCl1.5H2O may be LiCl with 1.5 waters
        raise FormulaError(f"the point in {formula!r} may be a decimal one: write '·' before the water, or no 1")
    _check_points(water["salt"], formula)
    return [water["salt"], water["water"]]


def _check_points(text: str, formula: str) -> None:
    """Refuse points that may stand between two compounds, as in Al2O3.2SiO2, unless others can only be decimal.

    Raises:
        FormulaError: naming both readings.
    """
    first, *others = text.split(".")
    before = [first, *(part.lstrip("0123456789") for part in others)]
    if others and all(
        _BEFORE_POINT.fullmatch(left) and _COMPOUND.fullmatch(right)
        for left, right in zip(before, others, strict=False)
    ):
        raise FormulaError(
            f"the point in {formula!r} may be a decimal one, or stand between two compounds: write '·' between them, or "
            f"a zero behind a decimal amount"
        )


def _group(text: str, formula: str) -> list[tuple[str, WrittenAmount]]:
    """Symbols and amounts of a part without separators, its brackets multiplied out.

    Raises:
        FormulaError: if it is not a formula.
    """
    words = text.split()
    if len(words) > 1 and all(_SPACED.fullmatch(word) for word in words):
        text = "".join(words)  # Ti 2 N 2; with larger words in between, numbers may belong to what follows
        words = [text]
    open_groups: list[list[tuple[str, WrittenAmount]]] = [[]]
    closers: list[str] = []
    seen: list[tuple[str, bool]] = []
    for word in words:
        at = 0
        while at < len(word):
            piece = _PIECE.match(word, at)
            if piece is None:
                raise FormulaError(_what_it_may_be(formula))
            at = piece.end()
            if piece["open"]:
                open_groups.append([])
                closers.append(_BRACKETS[piece["open"]])
                seen.append(("", True))
            elif piece["close"]:
                if not closers or closers.pop() != piece["close"]:
                    raise FormulaError(f"not a formula: {formula!r} (its brackets don't match)")
                times, inner = _number(piece["times"]), open_groups.pop()
                open_groups[-1] += [(symbol, amount.times(times)) for symbol, amount in inner]
                seen.append(("", True))
            else:
                open_groups[-1].append((piece["symbol"], _number(piece["amount"])))
                seen.append((piece["symbol"], piece["amount"] is not None))
        seen.append(("", True))
    if closers or not open_groups[0]:
        raise FormulaError(_what_it_may_be(formula))
    _check_isotopes(seen, formula)
    return open_groups[0]


def _number(text: str | None) -> WrittenAmount:
    if not text:
        return ONE
    _, _, decimals = re.split("[eE]", text)[0].partition(".")
    rounded = len(decimals) >= _ROUNDED
    return WrittenAmount(Fraction(text), Fraction(1, 2 * 10 ** len(decimals)) if rounded else Fraction(0))


def _check_isotopes(pieces: list[tuple[str, bool]], formula: str) -> None:
    """Refuse D and T beside a capital letter with which they make an element: TI, CD, TH, DY, ND.

    Args:
        pieces: symbols in their order, and whether something stands between each and the next.
        formula: for the message.

    Raises:
        FormulaError: naming the element.
    """
    for (first, apart), (second, _) in pairwise(pieces):
        if not apart and {"D", "T"} & {first, second} and len(first) == len(second) == 1:
            element = first + second.lower()
            if element in _SYMBOLS:
                raise FormulaError(
                    f"{formula!r} may mean {element} in capitals, or {first} and {second} with an isotope of hydrogen: "
                    f"write {element}, or {first}1{second}"
                )


def _what_it_may_be(formula: str) -> str:
    missing = formula.strip().lower() in {"", "nan", "none", "null"}
    return f"not a formula: {formula!r}{'; in a csv file, look at sodium nitride, NaN' if missing else ''}"
