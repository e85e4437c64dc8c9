"""What is deployed: the image, the compose file and the Kubernetes manifests hold what they promise."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from connectors.settings import Kafka
from ops import config
from ops.__main__ import COMMANDS
from ops.config import Configuration
from tests.broker.monitoring import program
from tests.places import ROOT

DEPLOY = ROOT / "ops" / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, dict] = COMPOSE["services"]
MANIFESTS = [
    each for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) for each in yaml.safe_load_all(path.read_text())
]
WORKLOADS = [each for each in MANIFESTS if each["kind"] in ("StatefulSet", "Deployment")]
workloads = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each["metadata"]["name"])
services = pytest.mark.parametrize("name", sorted(SERVICES))
TOOLS = ".ci/tools.lock into a virtual environment on the PATH"


def names(lock: str) -> dict[str, str]:
    """Package to version of a lock."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.fixture
def twin(tmp_path: Path) -> Configuration:
    """The containers' twin; without the console's table where there is no console."""
    text = (DEPLOY / "twin.toml").read_text()
    path = tmp_path / "twin.toml"
    path.write_text(text if "console" in config.TABLES else text.partition("[console]")[0])
    return config.load(path)


# -- tools of others -------------------------------------------------------------------------------------------


@pytest.mark.deploy
@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "ops/deploy/Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "ops/deploy/compose.yml"],
        *(["kubernetes-validate", "--strict", str(path)] for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))),
    ],
    ids=lambda command: f"{command[0]}-{Path(command[-1]).stem}",
)
def test_the_tool_made_for_it_finds_nothing_wrong(command: list[str]) -> None:
    tool = program(command[0], TOOLS)
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


# -- the image -------------------------------------------------------------------------------------------------


def test_the_image_holds_what_patrol_needs_at_the_versions_that_are_tested_and_no_tools() -> None:
    ours, tested = names("ops/deploy/requirements.lock"), names("requirements.lock")
    assert ours.items() <= tested.items(), "run `make lock`"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {re.split(r"[=<>!~ ;\[]", each)[0] for each in project["project"]["dependencies"]}
    assert wanted <= set(ours)
    assert not {"pytest", "mypy", "ruff", "hypothesis"} & set(ours)


def test_the_image_runs_as_nobody_in_particular_from_pinned_bases_and_is_asked_for_its_health() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.12-slim-\w+", base) for base in bases)
    last = text[text.rindex("FROM ") :]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "/livez" in last
    assert set(re.findall(r"(\w+)=/tmp", last)) == {"MPLCONFIGDIR", "NUMBA_CACHE_DIR"}, "the root cannot be written"
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    sources = [source for each in copied for source in each.split()]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source.split("/")[0] for source in sources} == kept


# -- compose ---------------------------------------------------------------------------------------------------


@services
def test_a_service_is_pinned_limited_and_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])
    assert "privileged" not in service
    assert "healthcheck" in service or name == "patrol", "patrol has the image's own"
    assert name == "topics" or service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    if name != "kafka":  # its image writes its configuration at the start
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert set(service.get("depends_on", ())) <= set(SERVICES)


def test_only_the_console_and_grafana_are_reachable_and_kafka_is_on_a_network_of_its_own() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "console": ["8080:8080"],
        "grafana": ["3000:3000"],
    }
    assert SERVICES["kafka"]["networks"] == ["plant"]
    assert COMPOSE["networks"]["plant"] == COMPOSE["networks"]["watch"] == {"internal": True}


def test_files_that_services_are_given_are_there_and_secrets_are_not_in_the_repository() -> None:
    given = [v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", ())]
    files = [each for each in given if each.startswith(".")] + [each["file"] for each in COMPOSE["configs"].values()]
    assert len(files) > 4
    assert [each for each in files if not (DEPLOY / each).exists()] == []
    assert {each for each in given if not each.startswith(".")} == set(COMPOSE["volumes"])
    assert all(each["file"].startswith("./secrets/") for each in COMPOSE["secrets"].values())
    assert "ops/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "ops/deploy/secrets" in (ROOT / ".dockerignore").read_text().splitlines()


def test_what_prometheus_scrapes_and_alerts_are_sent_to_are_services() -> None:
    scraped = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())
    targets = re.findall(r"'(\w+):(\d+)'", str(scraped))
    assert {host for host, _ in targets} - {"localhost"} == {"patrol", "console", "alertmanager"}
    for host, _ in targets:
        assert host == "localhost" or "watch" in SERVICES[host]["networks"]
    source = yaml.safe_load((DEPLOY / "grafana" / "datasources.yml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    folder = yaml.safe_load((DEPLOY / "grafana" / "dashboards.yml").read_text())["providers"][0]["options"]["path"]
    assert f"../grafana/dashboards:{folder}:ro" in SERVICES["grafana"]["volumes"]


def test_the_twin_of_the_containers_is_in_order_and_lies_on_their_volumes(twin: Configuration) -> None:
    mounts = [volume.split(":")[1] for volume in SERVICES["patrol"]["volumes"]]
    assert {twin.references.store, twin.recovery.folder} == set(mounts)
    assert (twin.metrics.address, twin.metrics.port) == ("0.0.0.0", 9464)
    assert twin.kafka.bootstrap_servers.split(":")[0] in SERVICES


# -- Kubernetes ------------------------------------------------------------------------------------------------


def pod(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]


@workloads
def test_a_pod_is_unprivileged_limited_and_probed(workload: dict) -> None:
    spec = pod(workload)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        own = container["securityContext"]
        assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"]) == (False, True)
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        claimed = {each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", ())}
        assert mounted == {volume["name"] for volume in spec["volumes"]} | claimed
        assert container["args"][0] in {*COMMANDS, "console"}
        assert not re.search(r":latest$|^[^:]+$", container["image"])


def test_patrol_is_a_stateful_set_of_one_that_may_drain_and_keeps_its_recovery_store(twin: Configuration) -> None:
    patrol = next(each for each in WORKLOADS if each["kind"] == "StatefulSet")
    assert patrol["spec"]["replicas"] == 1, "one process and one writer a twin"
    assert pod(patrol)["terminationGracePeriodSeconds"] > Kafka().drain_s
    container = pod(patrol)["containers"][0]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    claim = patrol["spec"]["volumeClaimTemplates"][0]
    folders = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert folders[claim["metadata"]["name"]] == twin.recovery.folder
    assert folders["references"] == twin.references.store


@workloads
def test_selectors_services_and_ports_fit_one_another(workload: dict) -> None:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert workload["spec"]["selector"]["matchLabels"] == labels
    ports = {port["name"]: port["containerPort"] for port in pod(workload)["containers"][0]["ports"]}
    ours = [each for each in MANIFESTS if each["kind"] == "Service" and each["spec"]["selector"] == labels]
    assert len(ours) == 1
    assert {port["targetPort"] for port in ours[0]["spec"]["ports"]} == set(ports)
    policies = [each["spec"] for each in MANIFESTS if each["kind"] == "NetworkPolicy"]
    open_ = [
        p["port"]
        for s in policies
        if s["podSelector"].get("matchLabels") == labels
        for r in s["ingress"]
        for p in r["ports"]
    ]
    assert open_ == list(ports.values())


def test_nothing_may_talk_to_anything_that_is_not_named() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in MANIFESTS if each["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert all(rule.get("from") for spec in policies.values() for rule in spec.get("ingress", ()))
    assert all(rule.get("to") for spec in policies.values() for rule in spec.get("egress", ()))
    namespace = next(each for each in MANIFESTS if each["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"]["namespace"] for each in MANIFESTS if each["kind"] != "Namespace"} == {"patrol"}


# -- systemd ---------------------------------------------------------------------------------------------------

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
units = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


def settings(unit: Path) -> dict[str, list[str]]:
    """Key to values of a unit file, in its order."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def test_there_is_a_unit_for_each_that_goes_on_for_ever() -> None:
    assert [unit.name for unit in UNITS] == [f"patrol-{each}@.service" for each in ("console", "learn", "run")]


@units
def test_a_unit_drains_comes_back_and_may_do_no_more_than_it_must(unit: Path, twin: Configuration) -> None:
    said = settings(unit)
    assert (said["Restart"], said["KillSignal"], said["User"]) == (["on-failure"], ["SIGTERM"], ["patrol"])
    assert int(said["TimeoutStopSec"][0]) > Kafka().drain_s
    words = shlex.split(said["ExecStart"][0])
    assert words[0] == "/opt/patrol/bin/patrol"
    assert words[1] == unit.stem.removeprefix("patrol-").removesuffix("@")
    assert words[1] in COMMANDS
    assert words[2] == "/etc/patrol/%i.toml"
    assert said["ProtectSystem"] == ["strict"]
    assert said["NoNewPrivileges"] == ["yes"]
    assert said["CapabilityBoundingSet"] == [""]
    written = {f"/var/lib/{each}" for state in said.get("StateDirectory", ()) for each in state.split()}
    wanted = {"run": {twin.recovery.folder}, "learn": {twin.recovery.folder, twin.references.store}}
    assert written == wanted.get(words[1], set())


@pytest.mark.deploy
@units
def test_systemd_finds_nothing_wrong_and_little_exposed(unit: Path, tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not on the PATH: install systemd")
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/patrol/bin/patrol", shutil.which("true") or "/bin/true"))
    for asked in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=20"]):  # 2.0 of 10
        done = subprocess.run([tool, *asked, str(here)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert asked[0] != "verify" or not done.stderr, done.stderr
