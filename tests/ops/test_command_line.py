"""The command line: help, version, exit codes, and errors in one line without a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest
from bytewax.errors import BytewaxRuntimeError

from models.records import errors
from ops.__main__ import COMMANDS, explain, main


@pytest.mark.parametrize("argv", [["--help"], []])
def test_help_names_every_command(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(argv)
    said = "".join(capsys.readouterr())
    assert code == (0 if argv else 2)
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"patrol {name}" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("patrol 0.")


def test_a_command_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replya"]) == 2
    assert "Did you mean 'replay'" in capsys.readouterr().err


def test_a_wrong_configuration_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "twin.toml").write_text("[twin]\nname = 3\n")
    assert main(["replay", str(tmp_path / "twin.toml"), "--scans", "x.csv"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"patrol replay: {tmp_path / 'twin.toml'}: tags: is missing")
    assert "Traceback" not in said


def test_each_error_has_an_exit_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PatrolError)]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    for kind in kinds:
        if kind not in (errors.PatrolError, errors.DeliveryError):
            assert f"{kind.__name__:<17} exit {kind.exit_code}" in (errors.__doc__ or "")
            assert explain(kind("what, where, how")) == (kind.exit_code, "what, where, how")


def test_what_bytewax_wrapped_is_found_by_its_cause() -> None:
    wrapped = BytewaxRuntimeError("(src/run.rs:1) error executing flow")
    wrapped.__cause__ = BytewaxRuntimeError("error in step")
    wrapped.__cause__.__cause__ = errors.DeliveryError("patrol.deviations", 2, "no broker")
    code, message = explain(wrapped)
    assert code == 4
    assert message == "2 record(s) not delivered to topic 'patrol.deviations': no broker"


def test_a_bug_is_one_line_that_says_where() -> None:
    try:
        {}["missing"]
    except KeyError as exc:
        code, message = explain(exc)
    assert code == 1
    assert message.startswith("unexpected KeyError at tests/ops/test_command_line.py:")


def test_help_is_quick_because_no_command_is_imported() -> None:
    program = "import sys; from ops.__main__ import main; main(['--help']); print([m for m in sys.modules if m in {}])"
    heavy = {"numpy", "bytewax", "confluent_kafka", "pyarrow", "river", "scipy"}
    done = subprocess.run([sys.executable, "-c", program.format(heavy)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


SLOW = ("scipy.stats", "scipy.ndimage", "scipy.signal", "matplotlib", "pandas", "pyarrow", "models.reference.learning")
RUNS = (
    "connectors.inputs.source, connectors.outputs.lease, connectors.outputs.outbox, connectors.outputs.sink, "
    "connectors.outputs.past_deviations, connectors.prometheus.metrics, "
    "flows.deviation, models.adaptive.monitor, models.batch.monitor, models.continuous.monitor, models.unit.watch, "
    "ops.commands.run, ops.config, ops.holding, ops.logs, ops.monitors, ops.running"
)


@pytest.mark.parametrize(
    ("imported", "unwanted"), [("ops.__main__", ("numpy", "scipy", "numba", "bytewax")), (RUNS, SLOW)]
)
def test_nothing_slow_is_imported_before_it_is_needed(imported: str, unwanted: tuple[str, ...]) -> None:
    program = f"import {imported}, sys; print(*(name for name in {unwanted} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_chain_of_causes_that_leads_back_into_itself_is_explained() -> None:
    """Bytewax's own error was once raised from itself, and explaining it never ended."""
    wrapped = BytewaxRuntimeError("error in step")
    wrapped.__cause__ = wrapped
    assert explain(wrapped)[0] == 1
