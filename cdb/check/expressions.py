"""Read one PromQL expression: what it asks for that is not there, and what can never be what was meant."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from typing import Any, Final

import promql_parser as promql

from cdb.check import functions
from cdb.check.findings import Fault, nearest
from cdb.check.known_metrics import Knowledge
from cdb.check.selectors import shape_of
from cdb.check.shapes import UNKNOWN, Shape, either, mismatch
from cdb.check.units import insane

_KEEP_LABELS: Final = ("topk", "bottomk", "limitk")
_KEEP_VALUES: Final = (*_KEEP_LABELS, "max", "min", "avg", "group", "quantile")
_COMPARE: Final = {">", ">=", "<", "<=", "==", "!="}
_FOLD: Final = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


@dataclass
class Reading:
    """What an expression returns, what is wrong with it, and the metrics it asks for.

    *unread* says why it could not be read; then the rest is empty.
    """

    text: str
    unread: str = ""
    shape: Shape = UNKNOWN
    faults: list[Fault] = field(default_factory=list)
    selectors: list[promql.VectorSelector] = field(default_factory=list)


def read(text: str, known: Knowledge) -> Reading:
    """Read the expression *text*, its variables filled in."""
    try:
        expression = promql.parse(text)
    except ValueError as error:
        return Reading(text, unread=str(error))
    reader = _Reader(known, Reading(text))
    reader.reading.shape = reader.shape(expression)
    return reader.reading


@dataclass
class _Reader:
    known: Knowledge
    reading: Reading

    def note(self, *faults: Fault) -> None:
        self.reading.faults += [fault for fault in faults if fault not in self.reading.faults]

    @singledispatchmethod
    def shape(self, node: Any) -> Shape:
        """Tell what *node* returns and note what is wrong with it; this is text."""
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

    @shape.register(promql.ParenExpr)
    @shape.register(promql.SubqueryExpr)
    def _inner(self, node: Any) -> Shape:
        return self.shape(node.expr)

    @shape.register
    def _selector(self, node: promql.VectorSelector) -> Shape:
        self.reading.selectors.append(node)
        shape, faults = shape_of(node, self.known)
        self.note(*faults)
        return shape

    def _labels(self, asked: Iterable[str], shapes: Sequence[Shape], where: str) -> None:
        there = {name for shape in shapes for name in shape.labels}
        names = ", ".join(dict.fromkeys(shape.name for shape in shapes if shape.name)) or "what is asked"
        for label in asked:
            if not any(shape.has(label) for shape in shapes):
                self.note(Fault(f"{where}: {names} has no label {label}", nearest(label, there)))

    @shape.register
    def _aggregate(self, node: promql.AggregateExpr) -> Shape:
        inside, op = self.shape(node.expr), str(node.op)
        if op == "quantile" and isinstance(node.param, promql.NumberLiteral):
            self.note(*_no_quantile(node.param.val))
        grouping = list(node.modifier.labels) if node.modifier else []
        by = node.modifier is None or node.modifier.type == promql.AggModifierType.By
        self._labels(grouping, [inside], f"{op} {'by' if by else 'without'}")
        grouped = inside if op in _KEEP_LABELS else inside.only(grouping) if by else inside.without(grouping)
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
        listed = list(matching.labels) if matching else []
        on = listed if matching and matching.type == promql.LabelModifierType.Include else None
        if on is None:
            self._labels(listed, [left, right], f"{op} ignoring")
        elif op != "or":
            self._labels(on, [left], f"{op} on")
            self._labels(on, [right], f"{op} on")
        if op == "or":
            return either(left, right)
        ignored = listed if on is None else ()
        if why := mismatch(left.without(ignored), right.without(ignored), on):
            self.note(Fault(f"no series on the two sides of {op} can meet: {why}"))
        if op == "unless":
            return left
        result = left if op == "and" else self._arithmetic(node, left, right, on)
        conditional = left.conditional or right.conditional or op in _COMPARE
        return replace(result, absent=left.absent or right.absent, conditional=conditional)

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
            self.note(Fault(f"{op} of {left.unit} and {right.unit}"))
        if op in _COMPARE:
            return result
        unit = left.unit if op in {"+", "-"} else None
        if op == "/" and left.unit and right.unit:
            unit = left.unit.over(right.unit)
        return result.value(unit=unit)

    def _with_number(self, left: Shape, right: Shape, op: str) -> Shape:
        if left.scalar and right.scalar:
            known = None not in (left.number, right.number) and op in _FOLD and (op != "/" or right.number)
            return Shape(scalar=True, number=_FOLD[op](left.number, right.number) if known else None)
        vector, number = (right, left.number) if left.scalar else (left, right.number)
        if op in _COMPARE:
            if number is not None and (why := insane(number, vector.unit, vector.bounds)):
                self.note(Fault(f"compared with {number:g}, but {why}"))
            elif number is not None and vector.highest is not None and number >= vector.highest and op in {">", ">="}:
                self.note(Fault(f"compared with {number:g}, but the highest bucket ends at {vector.highest:g}"))
            return replace(vector, conditional=True)
        if vector.unit and number and op == "*":
            return self._scaled(vector, number)
        if vector.unit and number and op == "/" and right.scalar:
            return self._scaled(vector, 1 / number)
        return vector.value(unit=vector.unit if op in {"+", "-"} else None)

    def _scaled(self, vector: Shape, factor: float) -> Shape:
        share = 0.5 <= factor < 1  # 0.9 of a limit is in the limit's unit
        unit = vector.unit if share or not vector.unit else vector.unit.times(factor)
        if unit and unit.dimension == "ratio" and unit.scale > 100 * (1 + 1e-9):
            self.note(Fault(f"what is in {vector.unit} already is multiplied by {factor:g}"))
        highest = vector.highest * factor if vector.highest is not None and factor > 0 else None
        return vector.value(unit=unit, highest=highest)

    @shape.register
    def _call(self, node: promql.Call) -> Shape:
        arguments = [self.shape(argument) for argument in node.args]
        texts = [argument.val if isinstance(argument, promql.StringLiteral) else None for argument in node.args]
        window = next((one.range for one in node.args if isinstance(one, promql.MatrixSelector)), None)
        call = functions.Call(node.func.name, arguments, texts, window)
        if call.name == "absent" and isinstance(node.args[0], promql.VectorSelector):
            matchers = node.args[0].matchers.matchers
            equal = [one for one in matchers if one.op == promql.MatchOp.Equal and one.name != "__name__"]
            return Shape({one.name: frozenset({one.value}) for one in equal})
        if call.name in {"histogram_quantile", "quantile_over_time"} and arguments[0].number is not None:
            self.note(*_no_quantile(arguments[0].number))
        shape, faults = functions.result(call, self.known.interval)
        self.note(*faults)
        return shape


def _no_quantile(number: float) -> list[Fault]:
    if 0 <= number <= 1:
        return []
    return [Fault(f"the quantile {number:g} is not between 0 and 1", f"{number / 100:g}")]
