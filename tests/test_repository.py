"""What the repository says about itself in several places is the same in all of them."""

import re
import tomllib
from pathlib import Path

import msfusion_sdk

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def distribution(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_the_lock_has_every_distribution_that_is_needed_in_plain_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if not line.startswith("#"))
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in locked}
    assert set(map(distribution, wanted)) <= names
    assert [v for v in locked.values() if not re.fullmatch(r"[0-9][0-9a-z.]*", v)] == []


def test_every_python_that_is_promised_is_tested() -> None:
    promised = [
        found[1]
        for line in PROJECT["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
    ]
    assert promised == ["3.11", "3.12", "3.13", "3.14"]
    assert set(promised) <= set(re.findall(r'"(3\.\d+)"', WORKFLOW))
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_three_systems_are_tested() -> None:
    assert {"ubuntu-latest", "macos-latest", "windows-latest"} <= set(
        re.findall(r"\w+-latest", WORKFLOW)
    )


def test_what_is_run_before_a_commit_is_what_make_lint_runs() -> None:
    lint = MAKEFILE.split("\nlint:")[1].split("\n\n")[0]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    entries = re.findall(r"entry: ([a-z-]+)", hooks)
    assert entries == re.findall(r"\$\(BIN\)/([a-z-]+)", lint)


def test_make_help_names_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)) == set(phony[1].split())


def test_who_cites_it_cites_this_version() -> None:
    cited = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {msfusion_sdk.__version__}\n" in cited
