"""Checks the files of deploy/. Run by deploy/lint, which installs what this needs; the argument is where that is.

Each check yields what is wrong. Which metrics, settings and services there are `cargo xtask check` compares, for that
needs no tool.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import promql_parser
import yaml

DEPLOY = Path("deploy")
# The oldest and the newest version of Kubernetes that the manifests are checked against.
KUBERNETES = ["1.32", "1.37"]
# What its operator defines and no schema here knows.
UNKNOWN_KINDS = {"Kustomization", "ServiceMonitor"}
# After the grace a server says its last words: server/src/net/drain.rs. The last commit ends within the rest.
LAST_WORDS_SECONDS = 1
SPARE_SECONDS = 5
YAMLLINT = """
extends: default
rules:
  line-length: {max: 140}
  document-start: disable
  comments: {min-spaces-from-content: 1}
  brackets: {max-spaces-inside: 0}
  truthy: {check-keys: false}
"""


def documents(file: Path) -> list[dict]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def run(*command: str) -> Iterator[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        yield f"{Path(command[0]).name}: {done.stdout}{done.stderr}".strip()


def form(tools: Path) -> Iterator[str]:
    files = [str(file) for file in sorted(DEPLOY.rglob("*.yaml"))]
    yield from run(str(tools / "yamllint"), "--strict", "--config-data", YAMLLINT, *files)
    yield from run(str(tools / "hadolint"), str(DEPLOY / "Containerfile"))
    yield from run(str(tools / "docker-compose"), "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet")


def kubernetes() -> Iterator[str]:
    for file in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        for document in documents(file):
            kind = document["kind"]
            if kind == "Kustomization":
                named = document["resources"]
                yield from (f"{file}: {name} is not there" for name in named if not (file.parent / name).is_file())
            if kind in UNKNOWN_KINDS:
                continue
            for version in KUBERNETES:
                try:
                    kubernetes_validate.validate(document, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    yield f"{file}: {kind}: {error.message} (Kubernetes {version})"
            if kind in {"Deployment", "StatefulSet"}:
                yield from (f"{file}: {message}" for message in pod(document["spec"]["template"]["spec"]))


def pod(spec: dict) -> Iterator[str]:
    (container,) = spec["containers"]
    ports = {port["containerPort"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = container[probe]["grpc"]["port"]
        if port not in ports:
            yield f"{probe} asks port {port}, which the container has not"
    settings = {entry["name"]: entry.get("value") for entry in container["env"]}
    grace = int(settings["BATON_DRAIN_GRACE_MS"]) / 1000
    stop = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    needed = stop + grace + LAST_WORDS_SECONDS + SPARE_SECONDS
    if spec["terminationGracePeriodSeconds"] < needed:
        yield f"terminationGracePeriodSeconds is less than the {needed:.0f} s that an orderly stop may take"


def compose() -> Iterator[str]:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for name, service in services.items():
        if "BATON_DRAIN_GRACE_MS" not in service["environment"]:
            continue
        grace = int(service["environment"]["BATON_DRAIN_GRACE_MS"]) / 1000
        needed = grace + LAST_WORDS_SECONDS + SPARE_SECONDS
        if int(service["stop_grace_period"].removesuffix("s")) < needed:
            yield f"compose.yaml: {name} may take {needed:.0f} s to stop, and is killed before"


def rules() -> Iterator[str]:
    manual = (Path("docs") / "operations.md").read_text()
    headings = set(re.findall(r"^#+ (\w+)$", manual, flags=re.MULTILINE))
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    alerts = set()
    for rule in group["rules"]:
        name = rule["alert"]
        if name in alerts:
            yield f"alerts.yaml: two alarms are called {name}"
        alerts.add(name)
        try:
            promql_parser.parse(rule["expr"])
        except ValueError as error:
            yield f"alerts.yaml: {name}: {error}"
        if rule["annotations"]["runbook"] != f"docs/operations.md#{name.lower()}" or name not in headings:
            yield f"alerts.yaml: {name}: docs/operations.md has no heading for it, or `runbook` names another"
    for heading in sorted(headings):
        if heading.startswith("Baton") and heading not in alerts | {"Baton"}:
            yield f"docs/operations.md: there is no alarm called {heading}"


def image() -> Iterator[str]:
    channel = re.search(r'channel = "(.+)"', Path("rust-toolchain.toml").read_text())
    text = (DEPLOY / "Containerfile").read_text()
    version = channel[1] if channel else "?"
    for mention in (f"library/rust:{version}-", f"RUSTUP_TOOLCHAIN={version} "):
        if mention not in text:
            yield f"Containerfile: has no {mention.strip()}, the version of rust-toolchain.toml"
    ignored = [Path(name).read_text().splitlines()[1:] for name in (".containerignore", ".dockerignore")]
    if ignored[0] != ignored[1]:
        yield ".containerignore and .dockerignore differ"


def main() -> int:
    tools = Path(sys.argv[1])
    wrong = [*form(tools), *kubernetes(), *compose(), *rules(), *image()]
    for message in wrong:
        print(f"    {message}", file=sys.stderr)
    print(f"==> deploy: {len(wrong)} places are wrong" if wrong else "==> deploy: ok", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
