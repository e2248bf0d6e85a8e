"""What a request asks for: its parameters or its body, read into a type; a wrong one is named with what is allowed."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from flask import request

from services.decoding import prepared

P = TypeVar("P", bound=msgspec.Struct)
_FIELD: Final = re.compile(r"`(?:\$\.)?(\w+)[^`]*`$")


class BadRequest(Exception):
    """A request's parameter is missing or wrong; the text says which and what is allowed."""


def parameters(kind: type[P]) -> P:
    """Read the request's parameters, from its address, JSON or form; raises BadRequest naming the wrong one."""
    return converted({**request.form, **_json_parameters(), **request.args}, kind)


def json_body(kind: type[P]) -> P:
    """Read the request's body, a JSON object of printable texts; raises BadRequest naming the wrong field."""
    try:
        given = msgspec.json.decode(request.get_data())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body must be a JSON object: {error}") from error
    if not isinstance(given, dict):
        raise BadRequest("the body must be a JSON object")
    found = converted(given, kind, strict=True)
    for name in kind.__struct_fields__:
        text = getattr(found, name)
        if isinstance(text, str) and not text.isprintable():
            raise BadRequest(f"{name} must be printable, on one line; got {text!r:.80}")
    return found


def converted(given: Mapping[str, Any], kind: type[P], *, strict: bool = False) -> P:
    """Make a *kind* of what is *given*, texts if not *strict*; raises BadRequest naming the wrong field."""
    try:
        return msgspec.convert(given, prepared(kind), strict=strict)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
        name = found[1] if found else "it"
        if name not in given:
            raise BadRequest(f"{name} is missing") from error
        if name not in (known := kind.__struct_encode_fields__):
            raise BadRequest(f"{name} is unknown; known are {', '.join(known)}") from error
        raise BadRequest(f"{name} must be {_allowed(kind, name)}; got {given[name]!r:.80}") from error


def _json_parameters() -> dict[str, Any]:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    return body if isinstance(body, dict) else {}


def _allowed(kind: type[msgspec.Struct], name: str) -> str:
    """What the field's type says, for a person."""
    info = next(field.type for field in msgspec.inspect.type_info(kind).fields if field.encode_name == name)  # type: ignore[attr-defined]
    if isinstance(info, msgspec.inspect.UnionType):
        info = info.types[0]
    if isinstance(info, msgspec.inspect.LiteralType):
        hint = get_type_hints(kind)[name]
        literal = next(one for one in (hint, *get_args(hint)) if get_origin(one) is Literal)
        return f"one of {', '.join(get_args(literal))}"
    for type_, words in _WORDS.items():
        if isinstance(info, type_):
            return words(info)
    return _text(info)


def _text(info: Any) -> str:
    if getattr(info, "pattern", None):
        return f"a text that matches {info.pattern}"
    if getattr(info, "max_length", None):
        return f"a text of {info.min_length or 0} to {info.max_length} characters"
    return "a text"


_WORDS: Final[dict[type, Callable[[Any], str]]] = {
    msgspec.inspect.IntType: lambda info: f"a whole number from {info.ge} to {info.le}",
    msgspec.inspect.FloatType: lambda info: f"a number from {info.ge:g} to {info.le:g}",
    msgspec.inspect.ListType: lambda info: f"a list of up to {info.max_length}, each {_text(info.item_type)}",
    msgspec.inspect.BoolType: lambda _info: "true or false",
    msgspec.inspect.DictType: lambda _info: "an object",
}
