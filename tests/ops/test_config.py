"""The configuration: what is wrong is named with file, key, value and remedy."""

from pathlib import Path

import pytest

from models.records.errors import ConfigError
from ops.config import fingerprint, load

GOOD = """
[twin]
name = "culture"
product = "mab-1"
cadence_s = 60
units = ["BR-101", "BR-102"]

[tags.ph]
unit_of_measure = "pH"
low = 0
high = 14

[tags.base]
unit_of_measure = "mL"
role = "manipulated"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "twin.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    """What ``load`` says of the file, without its path, which it must open with."""
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def test_a_file_with_its_required_keys_loads_with_the_defaults(tmp_path: Path) -> None:
    configuration = load(write(tmp_path, GOOD))
    assert configuration.twin.tag_names == ("ph", "base")
    assert configuration.twin.alarms.budget == 0.05
    assert configuration.kafka.topics.deviations == "patrol.deviations"
    assert configuration.recording.batch == "batch"


WRONG = {
    "[alarms]\nbudgte = 0.1": 'alarms.budgte: is not a key PATrol knows; did you mean "budget"?',
    "[alarm]\nbudget = 0.1": 'alarm: is not a table PATrol knows; did you mean "alarms"?',
    "[alarms]\nbudget = 2": "alarms.budget: is 2; give it a number > 0 and <= 1",
    '[alarms]\nbudget = "0.1"': 'alarms.budget: is "0.1"; give it a number > 0 and <= 1',
    "[alarms]\nbudget = nan": "alarms.budget: is nan; give it a number > 0 and <= 1",
    "[alarms]\nbudget = true": "alarms.budget: is true; give it a number > 0 and <= 1",
    "[alarms]\noff_delay_s = inf": "alarms.off_delay_s: is inf; give it a number >= 0",
    '[alarms]\nadvisory_priority = "urgent"': 'alarms.advisory_priority: is "urgent"; give it one of "high"',
    "[context]\nclock_reset_scans = 2.5": "context.clock_reset_scans: is 2.5; give it a whole number >= 2",
    '[alignment]\nby = "indicator"': 'alignment.indicator: is missing though alignment.by is "indicator"',
    '[alignment]\nindicator = "base"': 'alignment.indicator: is given though by is "age"',
    '[alignment]\nby = "indicator"\nindicator = "bsae"': 'one of the tags; did you mean "base"?',
    "[tags.t]\nlow = 1": "tags.t.unit_of_measure: is missing; give it a text",
    '[tags.t]\nunit_of_measure = "K"\nlow = 5\nhigh = 5': "tags.t.low: is 5, not below high = 5",
    '[tags.t]\nunit_of_measure = "K"\nrole = "sensor"': 'tags.t.role: is "sensor"; give it one of "manipulated"',
    '[tags."dissolved O2"]\nunit_of_measure = "%"\nhi = 5': 'tags."dissolved O2".hi: is not a key PATrol knows',
    '[tags]\nt = "K"': 'tags.t: is "K"; make it a table: [tags.t]',
    '[recording.columns]\nbse = "pH"': 'recording.columns.bse: is not one of the tags; did you mean "base"?',
    '[recording.columns]\nph = "base"': 'recording: uses column "base" 2 times',
    '[recording]\ndelimiter = ";;"': 'recording.delimiter: is ";;"; give it a single character',
    '[recording]\nbatch = ""': 'recording.batch: is "" though time_is is "age_h"',
    '[kafka.topics]\nscores = "patrol.deviations"': 'is "patrol.deviations", as kafka.topics.deviations is',
    '[kafka.topics]\nscans = ["a", "a"]': 'kafka.topics.scans: is "a", as kafka.topics.scans is',
    '[kafka.topics]\nscans = "pat.scans"': 'kafka.topics.scans: is "pat.scans"; give it a list, each a text',
    "[kafka.topics]\nscans = []": "kafka.topics.scans: is empty; name at least one topic",
    '[kafka.topics]\nscores = "patrol scores"': 'kafka.topics.scores: is "patrol scores"; use 1 to 249 of',
    '[kafka]\nbootstrap_servers = ""': 'kafka.bootstrap_servers: is ""; give "host:port"',
    '[kafka.config]\n"bootstrap.servers" = "b:1"': "is not for the configuration to set; use kafka.bootstrap_servers",
    '[kafka.config]\nsasl.password = "hunter2"': 'kafka.config."sasl.password": is a secret; use kafka.secrets',
    '[kafka.secrets]\nsasl.password = "hunter2"': 'kafka.secrets."sasl.password": does not say where the secret is',
    '[kafka.config]\nretries = 1\n[kafka.secrets]\nretries = "env:R"': '"retries": is in kafka.config too',
    "[metrics]\nport = 70000": "metrics.port: is 70000; give it a whole number >= 0 and <= 65535",
    "kafka = 3": "kafka: is 3; make it a table: [kafka]",
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named_with_its_key_value_and_remedy(tmp_path: Path, wrong: str) -> None:
    text = f"{wrong}\n{GOOD}" if wrong.startswith("kafka =") else f"{GOOD}\n{wrong}\n"
    if wrong.startswith("[tags]"):
        text = GOOD[: GOOD.index("[tags.ph]")] + wrong
    said = refusal(tmp_path, text)
    assert WRONG[wrong] in said
    assert "hunter2" not in said


TWIN_WRONG = {
    ('name = "culture"', 'name = "My Culture"'): 'twin.name: is "My Culture"; give it a text that matches',
    ('name = "culture"', ""): "twin.name: is missing; give it a text that matches",
    ('name = "culture"', 'nmae = "culture"'): 'twin.nmae: is not a key PATrol knows; did you mean "name"?',
    ("cadence_s = 60", "cadence_s = 0"): "twin.cadence_s: is 0; give it a number > 0",
    ('"BR-102"', '""'): 'twin.units: holds ""; name the unit',
    ('"BR-102"', '"BR-102 "'): 'twin.units: names "BR-102 ", with white space round it',
    ('"mab-1"', '" mab-1"'): 'twin.product: is " mab-1", with white space round it',
    ("[tags.ph]", '[tags."ph "]'): 'tags."ph ": has white space round its name',
    ('"BR-102"', '"BR-101"'): 'twin.units: names "BR-101" 2 times; name it once',
    ("[twin]", "[twins]"): 'twins: is not a table PATrol knows; did you mean "twin"?',
    ("cadence_s = 60", 'cadence_s = 60\nmode = "continuous"\n[alignment]\nby = "phase"\n#'): "alignment.by: is",
    ("cadence_s = 60", "cadence_s = 60\nalarms = {}"): "twin.alarms: stands in [twin]; make it a table of its own",
    ("[tags.ph]", "[tags.ph"): "not TOML: ",
    ("[tags.ph]", '[tags.""]'): "tags: has a tag without a name",
}


@pytest.mark.parametrize("change", TWIN_WRONG)
def test_what_is_wrong_with_the_twin_is_named_too(tmp_path: Path, change: tuple[str, str]) -> None:
    assert TWIN_WRONG[change] in refusal(tmp_path, GOOD.replace(*change).replace('#\nunits = ["BR-101", "BR-102"]', ""))


@pytest.mark.parametrize("sign", ['\\"', "\\\\", "\\u0001"])
def test_a_tag_whose_name_cannot_be_read_from_messages_is_refused_by_name(tmp_path: Path, sign: str) -> None:
    words = refusal(tmp_path, GOOD + f'\n[tags."do {sign}sat"]\nunit_of_measure = "%"\n')
    assert "sat: has a quotation mark, a backslash or a control character in it; rename it" in words


def test_a_twin_without_tags_is_refused(tmp_path: Path) -> None:
    no_tags = GOOD[: GOOD.index("[tags.ph]")]
    assert "tags: is missing; add the table [tags.NAME]" in refusal(tmp_path, no_tags)
    assert "tags: is empty; give it at least 1" in refusal(tmp_path, f"{no_tags}[tags]")


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"{GOOD}\n[alarms]\nbudget = 2\n[metrics]\nport = -1\n")
    assert "alarms.budget" in said
    assert "metrics.port" in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file or directory; give the path"):
        load(tmp_path / "nowhere.toml")


def test_a_continuous_recording_needs_no_batch_column(tmp_path: Path) -> None:
    text = GOOD.replace("cadence_s = 60", 'cadence_s = 60\nmode = "continuous"')
    assert load(write(tmp_path, text)).recording.batch is None


def test_librdkafka_settings_may_be_written_with_or_without_quotes(tmp_path: Path) -> None:
    text = f'{GOOD}\n[kafka.config]\nsecurity.protocol = "SSL"\n"client.id" = "p"\n'
    assert load(write(tmp_path, text)).kafka.config == {"security.protocol": "SSL", "client.id": "p"}


def test_the_hash_covers_what_influences_verdicts_and_only_that(tmp_path: Path) -> None:
    before = load(write(tmp_path, GOOD)).sha256
    same = f'# a comment\n{GOOD}\n[alarms]\nbudget = 0.05\n[kafka]\nbootstrap_servers = "other:1"\n'
    assert load(write(tmp_path, same.replace("[tags.ph]", "[tags.ph]\ndescription = 'x'"))).sha256 == before
    assert load(write(tmp_path, GOOD.replace("cadence_s", "units_max = 5\ncadence_s"))).sha256 == before
    assert load(write(tmp_path, f"{GOOD}\n[alarms]\nbudget = 0.06\n")).sha256 != before
    assert load(write(tmp_path, GOOD.replace("high = 14", "high = 13"))).sha256 != before


def test_the_hash_is_of_the_whole_twin(tmp_path: Path) -> None:
    configuration = load(write(tmp_path, GOOD))
    assert configuration.sha256 == fingerprint(configuration.twin)
    assert len(bytes.fromhex(configuration.sha256)) == 32
