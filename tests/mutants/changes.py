"""Plausible single mistakes in Python source: a comparison flipped, an option ignored, an axis swapped."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPARISONS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
ARITHMETIC = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "/", ast.Mod: "*",
    ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
NAMES = {
    "all": "any", "any": "all", "min": "max", "max": "min", "argmin": "argmax", "argmax": "argmin",
    "ceil": "floor", "floor": "ceil", "sum": "mean", "mean": "sum", "rows": "columns",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One mistake: the text from ``start`` to ``end`` (bytes of the file) becomes ``text``."""

    path: Path
    line: int
    start: int
    end: int
    text: str

    def applied(self) -> bytes:
        """Return the file with the mistake in it."""
        source = self.path.read_bytes()
        return source[: self.start] + self.text.encode() + source[self.end :]

    def described(self) -> str:
        """Return the lines concerned, before and after."""
        source = self.path.read_bytes()
        before = " ".join(source[self.start : self.end].decode().split())
        return f"{self.path.name}:{self.line}: {before[:70]} -> {self.text[:70]}"


def changes_of(path: Path) -> list[Change]:
    """Return every mistake that can be made in a file, in the order of its text."""
    source = path.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def change(first: ast.AST, last: ast.AST, text: str) -> Change:
        start = starts[first.lineno - 1] + first.col_offset
        end = starts[last.end_lineno - 1] + last.end_col_offset
        return Change(path, first.lineno, start, end, text)

    found = []
    for node in _code(ast.parse(source)):
        found += [change(*each) for each in _mistakes(node)]
    return sorted(
        {each for each in found if _parses(each)}, key=lambda each: (each.start, each.text)
    )


def _parses(change: Change) -> bool:
    try:
        ast.parse(change.applied())
    except SyntaxError:
        return False
    return True


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: no annotations, no decorators, no words for people, no imports for types."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or isinstance(node, (ast.JoinedStr, ast.Import)):
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            yield node
            yield from _code(node)


def _mistakes(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield node, node, f"{ast.unparse(left)} {COMPARISONS[type(op)]} {ast.unparse(right)}"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            if not any(isinstance(side, (ast.JoinedStr, ast.Constant)) and
                       isinstance(getattr(side, "value", ""), str) for side in (left, right)):  # fmt: skip
                text = f"({ast.unparse(left)}) {ARITHMETIC[type(op)]} ({ast.unparse(right)})"
                yield node, node, f"({text})"
        case ast.BoolOp(op=op, values=values):
            other = " or " if isinstance(op, ast.And) else " and "
            yield node, node, f"({other.join(f'({ast.unparse(value)})' for value in values)})"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield node, node, f"({ast.unparse(operand)})"
        case ast.Constant(value=bool() as value):
            yield node, node, repr(not value)
        case ast.Constant(value=int() as value):
            yield node, node, repr({0: 1, 1: 0}.get(value, value + 1))
        case ast.Constant(value=float() as value):
            yield node, node, repr(value * 1.5 if value else 1.0)
        case ast.Call(func=ast.Name(id=name) as named) if name in NAMES:
            yield named, named, NAMES[name]
        case ast.Call(func=ast.Attribute(attr=name, value=of) as named) if name in NAMES:
            yield named, named, f"{ast.unparse(of)}.{NAMES[name]}"
        case ast.keyword(arg=str() as name, value=value) if not isinstance(value, ast.Constant):
            if name not in ("help", "hint", "metavar"):
                yield value, value, "None"
        case ast.IfExp(test=test, body=body, orelse=other):
            yield (
                node,
                node,
                f"({ast.unparse(other)} if {ast.unparse(test)} else {ast.unparse(body)})",
            )
        case ast.If(test=test) | ast.While(test=test):
            yield test, test, "False"
        case ast.Raise():
            yield node, node, "pass"
        case ast.Expr(value=ast.Call()):
            yield node, node, "pass"
        case ast.Return(value=ast.AST() as value) if not isinstance(value, ast.Constant):
            yield value, value, "None"
