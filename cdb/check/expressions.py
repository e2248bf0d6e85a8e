"""Read one PromQL expression: what it asks for that is not there, and what can never be what was meant."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import singledispatchmethod
from typing import Any, Final

import promql_parser as promql

from cdb.check import functions
from cdb.check.findings import Fault, nearest
from cdb.check.known import Knowledge
from cdb.check.selectors import shape_of
from cdb.check.shapes import UNKNOWN, Shape, either, mismatch
from cdb.check.units import insane

_KEEP_LABELS: Final = ("topk", "bottomk", "limitk")
_KEEP_VALUES: Final = (*_KEEP_LABELS, "max", "min", "avg", "group", "quantile")
_COMPARE: Final = {">", ">=", "<", "<=", "==", "!="}
_FOLD: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}


@dataclass
class Reading:
    """What an expression returns, what is wrong with it, and the metrics it asks for."""

    shape: Shape = UNKNOWN
    faults: list[Fault] = field(default_factory=list)
    selectors: list[promql.VectorSelector] = field(default_factory=list)


def read(text: str, known: Knowledge) -> Reading:
    """Read the expression *text*, its variables filled in."""
    try:
        expression = promql.parse(text)
    except ValueError as error:
        return Reading(faults=[Fault(f"no PromQL: {error}")])
    reader = _Reader(known, Reading())
    reader.reading.shape = reader.shape(expression)
    return reader.reading


@dataclass
class _Reader:
    known: Knowledge
    reading: Reading

    def fault(self, text: str, like: str = "") -> None:
        if (fault := Fault(text, like)) not in self.reading.faults:
            self.reading.faults.append(fault)

    @singledispatchmethod
    def shape(self, node: Any) -> Shape:
        """Return what *node* returns, noting what is wrong with it; this is text."""
        return Shape(scalar=True)

    @shape.register
    def _matrix(self, node: promql.MatrixSelector) -> Shape:
        return self._selector(node.vector_selector)

    @shape.register
    def _number(self, node: promql.NumberLiteral) -> Shape:
        return Shape(scalar=True, number=node.val)

    @shape.register
    def _unary(self, node: promql.UnaryExpr) -> Shape:
        inside = self.shape(node.expr)
        return inside.value(number=None if inside.number is None else -inside.number)

    @shape.register
    def _parentheses(self, node: promql.ParenExpr) -> Shape:
        return self.shape(node.expr)

    @shape.register
    def _subquery(self, node: promql.SubqueryExpr) -> Shape:
        return self.shape(node.expr)

    @shape.register
    def _selector(self, node: promql.VectorSelector) -> Shape:
        self.reading.selectors.append(node)
        shape, faults = shape_of(node, self.known)
        for fault in faults:
            self.fault(fault.text, fault.nearest)
        return shape

    def _labels(self, asked: Iterable[str], shapes: Iterable[Shape], where: str) -> None:
        shapes = list(shapes)
        for label in asked:
            if not any(shape.has(label) for shape in shapes):
                there = {name for shape in shapes for name in shape.labels}
                names = ", ".join(dict.fromkeys(shape.name for shape in shapes if shape.name)) or "what is asked"
                self.fault(f"{where}: {names} has no label {label}", nearest(label, there))

    @shape.register
    def _aggregate(self, node: promql.AggregateExpr) -> Shape:
        inside, op = self.shape(node.expr), str(node.op)
        if op == "quantile" and isinstance(node.param, promql.NumberLiteral):
            self._quantile(node.param.val)
        grouping = list(node.modifier.labels) if node.modifier else []
        by = node.modifier is None or node.modifier.type == promql.AggModifierType.By
        self._labels(grouping, [inside], f"{op} {'by' if by else 'without'}")
        keeps = op in _KEEP_LABELS
        grouped = inside if keeps else inside.only(grouping) if by else inside.without(grouping)
        if op == "count_values" and isinstance(node.param, promql.StringLiteral):
            grouped = replace(grouped, labels={**grouped.labels, node.param.val: None})
        if inside.kind in {"bucket", "rate of buckets"} and op == "sum":
            return replace(grouped, name="", aggregated=True)
        return grouped.value(
            unit=inside.unit if op in (*_KEEP_VALUES, "sum", "stddev") else None,
            bounds=inside.bounds if op in _KEEP_VALUES else None,
            aggregated=inside.aggregated or inside.kind == "counter",
        )

    @shape.register
    def _binary(self, node: promql.BinaryExpr) -> Shape:
        left, right, op = self.shape(node.lhs), self.shape(node.rhs), str(node.op)
        if left.scalar or right.scalar:
            return self._with_number(left, right, op)
        matching = node.modifier.matching if node.modifier else None
        on = matching is not None and matching.type == promql.LabelModifierType.Include
        listed = list(matching.labels) if matching else []
        if on:
            for side in (left, right):
                if op != "or":
                    self._labels(listed, [side], f"{op} on")
        else:
            self._labels(listed, [left, right], f"{op} ignoring")
        if op == "or":
            return either(left, right)
        self._matching(op, left, right, listed if on else None, ignored=[] if on else listed)
        if op in {"and", "unless"}:
            return left
        return self._arithmetic(node, left, right, listed if on else None)

    def _matching(self, op: str, left: Shape, right: Shape, labels: list[str] | None, *, ignored: list[str]) -> None:
        """Note where no series of one side meets one of the other; `unless` would then never leave anything out."""
        if why := mismatch(left.without(ignored), right.without(ignored), labels):
            self.fault(f"no series on the two sides of {op} can meet: {why}")

    def _arithmetic(self, node: promql.BinaryExpr, left: Shape, right: Shape, on: list[str] | None) -> Shape:
        op, card = str(node.op), node.modifier.card if node.modifier else None
        many, one = (right, left) if card == promql.VectorMatchCardinality.OneToMany else (left, right)
        result = many
        if card in (promql.VectorMatchCardinality.ManyToOne, promql.VectorMatchCardinality.OneToMany):
            extra = list(node.modifier.group_labels or ()) if node.modifier else []
            self._labels(extra, [one], "group_left" if many is left else "group_right")
            result = replace(many, labels={**many.labels, **{name: one.labels.get(name) for name in extra}})
        elif on is not None:
            result = many.only(on)
        if op in {"+", "-", *_COMPARE} and left.unit and right.unit and not left.unit.same(right.unit):
            self.fault(f"{op} of {left.unit} and {right.unit}")
        if op in _COMPARE:
            return result
        unit = left.unit if op in {"+", "-"} else None
        if op == "/" and left.unit and right.unit:
            unit = left.unit.over(right.unit)
        return result.value(unit=unit)

    def _with_number(self, left: Shape, right: Shape, op: str) -> Shape:
        if left.scalar and right.scalar:
            return Shape(scalar=True, number=_folded(op, left.number, right.number))
        vector, number = (right, left.number) if left.scalar else (left, right.number)
        if op in _COMPARE:
            if number is not None and (why := insane(number, vector.unit, vector.bounds)):
                self.fault(f"compared with {number:g}, but {why}")
            elif number is not None and vector.highest is not None and number >= vector.highest and op in {">", ">="}:
                self.fault(f"compared with {number:g}, but the highest bucket ends at {vector.highest:g}")
            return vector
        if vector.unit and number and op == "*":
            return self._scaled(vector, number)
        if vector.unit and number and op == "/" and right.scalar:
            return self._scaled(vector, 1 / number)
        return vector.value(unit=vector.unit if op in {"+", "-"} else None)

    def _scaled(self, vector: Shape, factor: float) -> Shape:
        share = 0.5 <= factor < 1  # 0.9 of a limit is in the limit's unit
        unit = vector.unit if share or not vector.unit else vector.unit.times(factor)
        if unit and unit.dimension == "ratio" and unit.scale > 100 * (1 + 1e-9):
            self.fault(f"what is in {vector.unit} already is multiplied by {factor:g}")
        highest = vector.highest * factor if vector.highest is not None and factor > 0 else None
        return vector.value(unit=unit, highest=highest)

    def _quantile(self, number: float) -> None:
        if not 0 <= number <= 1:
            self.fault(f"the quantile {number:g} is not between 0 and 1", f"{number / 100:g}")

    @shape.register
    def _call(self, node: promql.Call) -> Shape:
        arguments = [self.shape(argument) for argument in node.args]
        texts = [argument.val if isinstance(argument, promql.StringLiteral) else None for argument in node.args]
        call = functions.Call(node.func.name, arguments, texts, window=_window(node.args))
        if call.name == "absent" and isinstance(node.args[0], promql.VectorSelector):
            matchers = node.args[0].matchers.matchers
            equal = [one for one in matchers if one.op == promql.MatchOp.Equal and one.name != "__name__"]
            return Shape({one.name: frozenset({one.value}) for one in equal})
        if call.name in {"histogram_quantile", "quantile_over_time"} and arguments[0].number is not None:
            self._quantile(arguments[0].number)
        shape, faults = functions.result(call, self.known.targets.interval)
        for fault in faults:
            self.fault(fault.text, fault.nearest)
        return shape


def _window(arguments: Iterable[Any]) -> timedelta | None:
    return next((one.range for one in arguments if isinstance(one, promql.MatrixSelector)), None)


def _folded(op: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    if op == "/":
        return left / right if right else None
    return _FOLD[op](left, right) if op in _FOLD else None
