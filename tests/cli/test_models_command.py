"""``msfusion models``: what is known, what is in the package, weights made safe."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from .conftest import Msfusion

pytestmark = pytest.mark.slow


def test_known_networks_are_listed_with_licence_and_gate(msfusion: Msfusion) -> None:
    rows = [json.loads(line) for line in msfusion("models", "list", "--json").stdout.splitlines()]
    kinds = [row["kind"] for row in rows]
    assert kinds.count("known network") >= 20
    uni = next(row for row in rows if row["name"] == "uni2-h")
    assert uni["licence"]["gated"]
    assert not uni["weights_run"]


def test_a_known_network_is_shown(msfusion: Msfusion) -> None:
    shown = json.loads(msfusion("models", "show", "virchow2", "--json").stdout)
    assert (shown["features"], shown["readout"]) == (2560, "cls+mean")


def test_a_pickle_becomes_safetensors(msfusion: Msfusion, tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.arange(3.0)}, "epoch": 7}, tmp_path / "net.pth")
    target = tmp_path / "net.safetensors"
    assert msfusion("models", "convert", str(tmp_path / "net.pth"), str(target)).code == 0
    assert load_file(target)["a"].tolist() == [0, 1, 2]


class _Runs:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("run",))


def test_a_pickle_that_would_run_code_is_refused(msfusion: Msfusion, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1), "b": _Runs()}, tmp_path / "net.pth")
    done = msfusion("models", "convert", str(tmp_path / "net.pth"), str(tmp_path / "x.safetensors"))
    assert done.code == 2
    assert "[UnsafeWeights]" in done.stderr
    assert not (tmp_path / "x.safetensors").exists()


def test_a_model_is_checked(msfusion: Msfusion, small_model: Path) -> None:
    done = msfusion("models", "check", str(small_model))
    assert "golden output are as they should be" in done.stdout
