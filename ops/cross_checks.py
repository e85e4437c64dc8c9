"""What a configuration's keys must not say together."""

import re
from collections import Counter
from collections.abc import Iterator

from connectors.settings import Kafka, Recording, Topics
from models.records.twin import Twin
from ops.strict import Fault, did_you_mean

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_UNNAMEABLE = re.compile(r"[\"\\\x00-\x1f\x7f]")
_SECRET = re.compile(r"(env|file):.+")
_OURS = ("bootstrap.servers", "enable.auto.commit", "enable.auto.offset.store", "enable.idempotence", "group.id")
_CONFIDENTIAL = ("sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret")


def contradictions(twin: Twin, kafka: Kafka, recording: Recording) -> Iterator[Fault]:
    """All that cannot be meant, though each key for itself is in order."""
    yield from _tags(twin)
    yield from _names(twin)
    yield from _alignment(twin)
    yield from _topics(kafka.topics)
    yield from _librdkafka(kafka)
    yield from _recording(twin, recording)


def _tags(twin: Twin) -> Iterator[Fault]:
    for name, tag in twin.tags.items():
        if not name.strip():
            yield Fault("tags", "has a tag without a name", "name it: [tags.NAME]")
        elif name != name.strip():
            yield Fault(f'tags."{name}"', "has white space round its name", "write it without: messages are read so")
        if _UNNAMEABLE.search(name):
            yield Fault(f"tags.{name}", "has a quotation mark, a backslash or a control character in it", "rename it")
        if tag.low is not None and tag.high is not None and tag.low >= tag.high:
            yield Fault(f"tags.{name}.low", f"is {tag.low:g}, not below high = {tag.high:g}", "swap or mend them")


def _names(twin: Twin) -> Iterator[Fault]:
    for unit, count in Counter(twin.units).items():
        if not unit.strip():
            yield Fault("twin.units", 'holds ""', 'name the unit, e.g. "BR-101", or leave it out')
        elif unit != unit.strip():
            yield Fault("twin.units", f'names "{unit}", with white space round it', "write it without, as it is read")
        elif count > 1:
            yield Fault("twin.units", f'names "{unit}" {count} times', "name it once")
    if twin.product != twin.product.strip():
        yield Fault(
            "twin.product", f'is "{twin.product}", with white space round it', "write it without, as it is read"
        )


def _alignment(twin: Twin) -> Iterator[Fault]:
    by, indicator = twin.alignment.by, twin.alignment.indicator
    if twin.mode == "continuous" and by != "age":
        yield Fault("alignment.by", f'is "{by}" though twin.mode is "continuous"', "leave [alignment] out")
    if by == "indicator" and indicator is None:
        yield Fault("alignment.indicator", 'is missing though alignment.by is "indicator"', "name a monotone tag")
    if by != "indicator" and indicator is not None:
        yield Fault("alignment.indicator", f'is given though by is "{by}"', 'set by = "indicator" or leave it out')
    if indicator is not None and indicator not in twin.tags:
        yield Fault("alignment.indicator", f'is "{indicator}", not one of the tags', did_you_mean(indicator, twin.tags))


def _topics(topics: Topics) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for key in topics.__struct_fields__:
        value = getattr(topics, key)
        names = (value,) if isinstance(value, str) else value
        if key == "scans" and not names:
            yield Fault("kafka.topics.scans", "is empty", "name at least one topic")
        for name in names:
            if not _TOPIC.fullmatch(name) or name in (".", ".."):
                yield Fault(f"kafka.topics.{key}", f'is "{name}"', "use 1 to 249 of A-Z a-z 0-9 . _ -")
            elif name in seen:
                yield Fault(f"kafka.topics.{key}", f'is "{name}", as {seen[name]} is', "use a topic for each")
            seen[name] = f"kafka.topics.{key}"


def _librdkafka(kafka: Kafka) -> Iterator[Fault]:
    if not kafka.bootstrap_servers.strip():
        yield Fault("kafka.bootstrap_servers", 'is ""', 'give "host:port", several with commas between')
    for key in (*kafka.config, *kafka.secrets):
        if key in _OURS:
            remedy = "use kafka.bootstrap_servers" if key == "bootstrap.servers" else "leave it out: PATrol sets it"
            yield Fault(f'kafka.config."{key}"', "is not for the configuration to set", remedy)
    for key in kafka.config:
        if key in _CONFIDENTIAL:
            yield Fault(
                f'kafka.config."{key}"', "is a secret", f'use kafka.secrets: "{key}" = "env:NAME" or "file:PATH"'
            )
        if key in kafka.secrets:
            yield Fault(f'kafka.secrets."{key}"', "is in kafka.config too", "keep one of them")
    for key, source in kafka.secrets.items():
        if not _SECRET.fullmatch(source):  # the value may be a secret: it is not shown
            yield Fault(f'kafka.secrets."{key}"', "does not say where the secret is", 'give "env:NAME" or "file:PATH"')


def _recording(twin: Twin, recording: Recording) -> Iterator[Fault]:
    for tag in recording.columns:
        if tag not in twin.tags:
            yield Fault(f"recording.columns.{tag}", "is not one of the tags", did_you_mean(tag, twin.tags))
    if twin.mode == "batch" and recording.batch is None and recording.time_is != "utc":
        yield Fault("recording.batch", f'is "" though time_is is "{recording.time_is}"', "name the batch's column")
    columns = [recording.time, recording.batch, recording.unit, recording.phase, *recording.ignore]
    columns += [recording.columns.get(tag, tag) for tag in twin.tags]
    for column, count in Counter(filter(None, columns)).items():
        if count > 1:
            yield Fault("recording", f'uses column "{column}" {count} times', "use each column once")
