"""Tables of a configuration file into strict structs; what is wrong is said with its key, value and remedy."""

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one key, e.g. ``alarms.budget``."""

    key: str
    wrong: str  # what was seen
    remedy: str

    def __str__(self) -> str:
        """Key, what is wrong, and what to do, on one line."""
        return f"{self.key}: {self.wrong}; {self.remedy}"


def faults(table: object, kind: type, key: str = "") -> Iterator[Fault]:
    """All that keeps ``table`` from being a ``kind``.

    Parameters
    ----------
    table
        What the file holds.
    kind
        A msgspec struct.
    key
        Where the table stands in the file, dotted; "" is the file itself.
    """
    if not isinstance(table, Mapping):
        yield Fault(key, f"is {_seen(table)}", f"make it a table: [{key}]")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in table:
        if name not in fields:
            yield Fault(_join(key, name), "is not a key PATrol knows", did_you_mean(name, fields))
    for name, field in fields.items():
        if name in table:
            yield from _value_faults(table[name], field.type, _join(key, name))
        elif field.required:
            yield Fault(_join(key, name), "is missing", f"give it {wanted(field.type)}")


def wanted(kind: Any) -> str:
    """What values a type takes, in words.

    Examples
    --------
    >>> from typing import Annotated, Literal
    >>> wanted(Annotated[float, msgspec.Meta(gt=0, le=1)])
    'a number > 0 and <= 1'
    >>> wanted(Literal["age", "phase"])
    'one of "age", "phase"'
    """
    return _words(inspect.type_info(kind))


def did_you_mean(word: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """A remedy for a name that is not known.

    Examples
    --------
    >>> did_you_mean("budgte", ("budget", "deadband"))
    'did you mean "budget"?'
    >>> did_you_mean("x", ("budget", "deadband"))
    'known: budget, deadband'
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"


def _value_faults(value: object, kind: Any, key: str) -> Iterator[Fault]:
    """What is wrong with one value; tables, and tables of tables, are looked into."""
    info = inspect.type_info(kind)
    if isinstance(info, inspect.StructType):
        yield from faults(value, info.cls, key)
    elif isinstance(info, inspect.DictType) and isinstance(value, Mapping):
        if not value and info.min_length:
            yield Fault(key, "is empty", f"give it at least {info.min_length}")
        for name, item in value.items():
            if isinstance(info.value_type, inspect.StructType):
                yield from faults(item, info.value_type.cls, _join(key, name))
            else:
                yield from _leaf_faults(item, _leaf_type(kind), _join(key, name))
    else:
        yield from _leaf_faults(value, kind, key)


def _leaf_faults(value: object, kind: Any, key: str) -> Iterator[Fault]:
    if isinstance(value, float) and not math.isfinite(value):
        yield Fault(key, f"is {value}", f"give it {wanted(kind)}")
        return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        yield Fault(key, f"is {_seen(value)}", f"give it {wanted(kind)}")


def _leaf_type(kind: Any) -> Any:
    """The type of a dict's values."""
    return getattr(kind, "__args__", (str, Any))[1]


def _join(key: str, name: str) -> str:
    name = name if name.replace("_", "").replace("-", "").isalnum() else f'"{name}"'
    return f"{key}.{name}" if key else name


def _seen(value: object) -> str:
    """A value as the file has it."""
    if isinstance(value, Mapping):
        return "a table"
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _words(info: inspect.Type) -> str:
    match info:
        case inspect.UnionType():
            return " or ".join(_words(one) for one in info.types if not isinstance(one, inspect.NoneType))
        case inspect.LiteralType():
            return "one of " + ", ".join(f'"{value}"' for value in info.values)
        case inspect.FloatType():
            return "a number" + _range(info)
        case inspect.IntType():
            return "a whole number" + _range(info)
        case inspect.BoolType():
            return "true or false"
        case inspect.VarTupleType():
            return f"a list, each {_words(info.item_type)}"
        case inspect.DictType():
            return f"a table, each value {_words(info.value_type)}"
        case inspect.StrType():
            return _text(info)
        case _:
            return "a table"


def _range(info: inspect.FloatType | inspect.IntType) -> str:
    signs = {">": info.gt, ">=": info.ge, "<": info.lt, "<=": info.le}
    parts = [f"{sign} {limit:g}" for sign, limit in signs.items() if limit is not None]
    return f" {' and '.join(parts)}" if parts else ""


def _text(info: inspect.StrType) -> str:
    if info.min_length == info.max_length == 1:
        return "a single character"
    if info.pattern:
        return f"a text that matches {info.pattern}"
    return "a text that is not empty" if info.min_length else "a text"
