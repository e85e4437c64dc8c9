"""The configuration: one twin's TOML file, read once, strictly.

The file has the tables ``[twin]``, ``[tags.NAME]``, ``[alignment]``, ``[alarms]``, ``[context]``, ``[cold_start]``,
``[kafka]``, ``[recording]``, ``[references]``, ``[recovery]``, ``[metrics]`` and ``[console]``;
docs/configuration.md has every key.
Types, ranges and defaults are those of ``models.records.twin`` and ``connectors.settings``.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from connectors.settings import Console, Exposition, Kafka, Recording, Recovery, References
from models.records.errors import ConfigError
from models.records.twin import Twin
from ops.cross_checks import contradictions
from ops.strict import Fault, did_you_mean, faults

EDGES: dict[str, type] = {
    "kafka": Kafka,
    "recording": Recording,
    "references": References,
    "recovery": Recovery,
    "metrics": Exposition,
    "console": Console,
}
TWIN_TABLES = ("tags", "alignment", "alarms", "context", "cold_start")
TABLES = ("twin", *TWIN_TABLES, *EDGES)


_ADDED = (("context", "repeat_scans"),)  # (table, key) since 0.1.0: at their defaults the fingerprint is as it was


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that one twin's file says."""

    path: Path
    twin: Twin
    kafka: Kafka
    recording: Recording
    references: References
    recovery: Recovery
    metrics: Exposition
    console: Console
    sha256: str  # hex; of what influences verdicts: see ``fingerprint``


def load(path: Path) -> Configuration:
    """Read and check a twin's file.

    Raises
    ------
    ConfigError
        The file is not there, is not TOML, or a key is unknown, missing, out of its range or contradicts another;
        every such key is named, with the value seen and a remedy.
    """
    tables = _tables(path)
    found = list(_table_faults(tables))
    if not found:
        configuration = _build(path, tables)
        found = list(contradictions(configuration.twin, configuration.kafka, configuration.recording))
    if found:
        raise ConfigError("\n  ".join([f"{path}: {found[0]}", *map(str, found[1:])]))
    return configuration


def fingerprint(twin: Twin) -> str:
    """SHA-256 (hex) of what influences verdicts: the twin with all defaults filled in, without its prose.

    The order of the tags counts; comments, ``question``, ``units_max``, descriptions and all about the edges do not.
    """
    content = msgspec.to_builtins(twin)
    del content["question"], content["units_max"]
    for tag in content["tags"].values():
        del tag["description"]
    content["units"] = sorted(content["units"])
    for table, key in _ADDED:
        part = content[table] if table else content
        if part[key] == _default(twin, table, key):
            del part[key]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _default(twin: Twin, table: str, key: str) -> object:
    """What a key has where a twin does not give it."""
    of = type(getattr(twin, table) if table else twin)
    return next(field.default for field in msgspec.structs.fields(of) if field.name == key)


def _tables(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}; give the path of a twin's TOML file") from exc
    try:
        tables: dict[str, Any] = msgspec.toml.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not TOML: {exc}; mend the place it names") from exc
    kafka = tables.get("kafka")
    if isinstance(kafka, dict):  # security.protocol = "SSL" is a nested table to TOML, one setting to librdkafka
        for key in ("config", "secrets"):
            if isinstance(kafka.get(key), dict):
                kafka[key] = dict(_dotted(kafka[key]))
    return tables


def _table_faults(tables: Mapping[str, Any]) -> Iterator[Fault]:
    for name in tables:
        if name not in TABLES:
            yield Fault(name, "is not a table PATrol knows", did_you_mean(name, TABLES))
    for name in ("twin", "tags"):
        if name not in tables:
            yield Fault(name, "is missing", f"add the table [{name if name == 'twin' else 'tags.NAME'}]")
    if not ("twin" in tables and "tags" in tables):
        return
    if not isinstance(tables["twin"], Mapping):
        yield Fault("twin", "is not a table", "write [twin] and its keys below it")
        return
    for fault in faults(_twin_table(tables), Twin):
        in_twin = fault.key.split(".")[0] not in TWIN_TABLES
        yield Fault(f"twin.{fault.key}", fault.wrong, fault.remedy) if in_twin else fault
    for name in tables["twin"]:
        if name in TWIN_TABLES:
            yield Fault(f"twin.{name}", "stands in [twin]", f"make it a table of its own: [{name}]")
    for name, kind in EDGES.items():
        yield from faults(tables.get(name, {}), kind, name)


def _build(path: Path, tables: Mapping[str, Any]) -> Configuration:
    twin = msgspec.convert(_twin_table(tables), Twin)
    recording: dict[str, Any] = dict(tables.get("recording", {}))
    if recording.get("batch", "" if twin.mode == "continuous" else "batch") == "":
        recording["batch"] = None  # TOML has no null
    edges: dict[str, Any] = {
        name: msgspec.convert(tables.get(name, {}), kind) for name, kind in EDGES.items() if name != "recording"
    }
    return Configuration(
        path=path, twin=twin, recording=msgspec.convert(recording, Recording), sha256=fingerprint(twin), **edges
    )


def _twin_table(tables: Mapping[str, Any]) -> dict[str, Any]:
    return {**tables["twin"], **{name: tables[name] for name in TWIN_TABLES if name in tables}}


def _dotted(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
