"""What installs or runs elsewhere names commands, options, extras and files that are there.

Images and recipes need a daemon, a cluster or a network, and are built and run where these are;
here every command in them is read by the parser it is meant for.
"""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .patience import patient
from .test_docs import PAGES, blocks, name_of
from .written_commands import (
    EXTRAS,
    ROOT,
    extras_in,
    msfusion_commands,
    parse_msfusion,
    parse_pip,
    pip_commands,
)

pytestmark = pytest.mark.slow

RECIPES = [
    path
    for path in sorted((ROOT / "recipes").rglob("*"))
    if path.is_file() and path.suffix != ".md"
]
IMAGES = [ROOT / "containers" / "Dockerfile", ROOT / "containers" / "msfusion.def"]
WORKFLOW = ROOT / ".github" / "workflows" / "containers.yml"
FILES = [*RECIPES, *IMAGES, WORKFLOW]
TEXTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in FILES} | {
    name_of(page): "\n".join(text for _, text in blocks(page, "shell"))
    for page in PAGES
    if blocks(page, "shell")
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_is_read_by_its_parser(name: str) -> None:
    for words in msfusion_commands(TEXTS[name]):
        parse_msfusion(words)
    for words in pip_commands(TEXTS[name]):
        parse_pip(words)


@pytest.mark.parametrize(
    "line",
    [
        "msfusion cohort encode /data/cohort --shards 1/2",
        "msfusion cohort encode c --shard 0/20 || test $? -eq 3",
        "msfusion cohort encode c \\\n    --workers many",
        "      exec msfusion cohort encode c\n      --shard $((X + 1))/20 --no-such",
        "msfusion cohort enkode c",
    ],
)
def test_a_command_that_is_wrong_is_seen(line: str) -> None:
    (words,) = msfusion_commands(line)
    with pytest.raises(Exception, match=r"(?i)no such|not a valid|valid integer|not the i-th"):
        parse_msfusion(words)


def test_every_recipe_encodes_in_shards_or_by_ray() -> None:
    for folder in {path.parent for path in RECIPES}:
        texts = "\n".join(path.read_text("utf-8") for path in folder.iterdir())
        encode = [w for w in msfusion_commands(texts) if w[:2] == ["cohort", "encode"]]
        assert any("--shard" in words or "--engine" in words for words in encode), folder


@pytest.mark.parametrize("name", TEXTS)
def test_every_extra_is_one_of_ours(name: str) -> None:
    assert extras_in(TEXTS[name]) <= EXTRAS


def copied_by_docker() -> set[str]:
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", IMAGES[0].read_text("utf-8"), re.MULTILINE)
    return {name for line in lines for name in line.split()}


def test_what_images_copy_is_there_and_let_through() -> None:
    allowed = (ROOT / "containers" / "Dockerfile.dockerignore").read_text("utf-8")
    assert copied_by_docker() == set(re.findall(r"^!(.*)$", allowed, re.MULTILINE))
    section = IMAGES[1].read_text("utf-8").split("%files\n")[1].split("\n%")[0]
    assert {line.split()[0] for line in section.splitlines() if line} == copied_by_docker()
    assert [name for name in copied_by_docker() if not (ROOT / name).exists()] == []


def test_the_image_runs_without_rights_and_without_network() -> None:
    text = IMAGES[0].read_text("utf-8")
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "1000"
    assert "HF_HUB_OFFLINE=1" in text
    assert "HF_HUB_OFFLINE=1" in IMAGES[1].read_text("utf-8")


def test_both_images_are_built_by_ci_for_processors_and_for_cuda() -> None:
    text = WORKFLOW.read_text("utf-8")
    assert all(str(path.relative_to(ROOT)) in text for path in IMAGES)
    assert "torch: [cpu, cu" in text


def test_the_manifests_of_kubernetes_agree_with_themselves() -> None:
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load((ROOT / "recipes/kubernetes/encode.yaml").read_text("utf-8"))["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert container["args"][0].count(f"/{job['completions']} ") == 1
    assert job["podFailurePolicy"]["rules"][1]["onExitCodes"]["containerName"] == container["name"]
    cluster: Any = yaml.safe_load((ROOT / "recipes/kuberay/encode.yaml").read_text("utf-8"))
    locked = (ROOT / "constraints.txt").read_text("utf-8")
    assert f"ray=={cluster['spec']['rayClusterSpec']['rayVersion']}\n" in locked


@pytest.fixture
def stubs(tmp_path: Path) -> dict[str, str]:
    """An environment in which msfusion and sbatch only note how they were called."""
    note = f'echo "$0" "$@" >> {tmp_path}/calls\n'
    wait = "trap 'kill $!; exit 143' TERM\nsleep 60 &\n"
    for name, text in (("msfusion", f"{wait}{note}wait\n"), ("sbatch", f"{note}echo 7\n")):
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}")
        (tmp_path / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    return os.environ | {"PATH": path, "SLURM_ARRAY_TASK_ID": "3"}


@pytest.mark.posix
def test_slurm_submits_the_array_and_what_follows(stubs: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    script = ROOT / "recipes" / "slurm" / "submit.sh"
    subprocess.run(["bash", script, "cohort", "4"], cwd=tmp_path, env=stubs, check=True)
    array, after = (tmp_path / "calls").read_text().splitlines()
    assert array.split()[1:] == [
        *("--parsable", "--array=1-4", str(script.parent / "encode.sh"), f"{tmp_path}/cohort", "4")
    ]
    assert after.split()[1:3] == ["--dependency=afterany:7", str(script.parent / "finish.sh")]


@pytest.mark.posix
def test_the_signal_of_slurm_reaches_msfusion(stubs: dict[str, str], tmp_path: Path) -> None:
    task = subprocess.Popen(
        ["bash", ROOT / "recipes" / "slurm" / "encode.sh", "/data/cohort", "4"], env=stubs
    )
    calls = tmp_path / "calls"
    while not calls.exists():
        assert task.poll() is None
    task.send_signal(signal.SIGTERM)
    assert task.wait(patient(20)) == 143
    assert "cohort encode /data/cohort --shard 3/4" in calls.read_text()
