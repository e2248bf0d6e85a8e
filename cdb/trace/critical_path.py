"""The critical path: what a trace was waiting for at each moment, from its first start to its last end."""

from collections.abc import Iterable
from dataclasses import dataclass

from cdb.trace.tree import Node


@dataclass(frozen=True)
class Part:
    """A stretch of the path; times are microseconds since 1970.

    Without *waiting* the span of *node* was working itself. With *waiting* nobody was: its message was on a stream, or
    what happened was not recorded. Without *node* there was no span at all.
    """

    node: Node | None
    begin_us: int
    end_us: int
    waiting: bool = False

    @property
    def duration_us(self) -> int:
        """Length of the stretch."""
        return self.end_us - self.begin_us


@dataclass(frozen=True)
class _Task:
    node: Node | None  # None: the whole trace
    begin_us: int
    end_us: int


def critical_path(roots: list[Node]) -> list[Part]:
    """Compute the parts in the order of time; they follow each other without a gap and never overlap.

    It goes backwards from the end: the span that ended last was waited for; before it began, the one that had ended
    last by then, and so on. A child that begins before its parent counts from the parent's start.
    """
    parts: list[Part] = []
    if not roots:
        return parts
    tasks = [_Task(None, min(root.span.start_us for root in roots), max(root.ends_us for root in roots))]
    while tasks:
        task = tasks.pop()
        below = task.node.children if task.node else roots
        cursor = task.end_us
        for child in sorted(below, key=lambda child: (child.ends_us, child.span.start_us), reverse=True):
            begin, end = max(child.span.start_us, task.begin_us), min(child.ends_us, cursor)
            if begin < end:
                parts.extend(_own(task.node, end, cursor))
                tasks.append(_Task(child, begin, end))
                cursor = begin
        parts.extend(_own(task.node, task.begin_us, cursor))
    return sorted(parts, key=lambda part: part.begin_us)


def _own(node: Node | None, begin: int, end: int) -> Iterable[Part]:
    """Find who was working while nothing below *node* ran: it, or a span above it, or nobody."""
    left, above = [(begin, end)] if begin < end else [], node
    while above and left:
        span = above.span
        rest = []
        for low, high in left:
            inner = max(low, span.start_us), min(high, span.end_us)
            if inner[0] < inner[1]:
                yield Part(above, *inner)
                rest += [(low, inner[0]), (inner[1], high)]
            else:
                rest.append((low, high))
        left = [(low, high) for low, high in rest if low < high]
        # What follows a sent message waits for its reader, whatever the sender's callers do meanwhile.
        above = None if span.sends_to else above.parent
    yield from (Part(node, low, high, waiting=True) for low, high in left)
