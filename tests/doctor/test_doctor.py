"""Six planted problems: each is found, its remedy is named, and following it mends it."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from msfusion_sdk.doctor import folders, model, packages
from msfusion_sdk.doctor.finding import Finding
from msfusion_sdk.encoder.slide_encoder import SlideEncoder

pytestmark = pytest.mark.slow


def gravest(findings: Finding | list[Finding]) -> Finding:
    found = [findings] if isinstance(findings, Finding) else findings
    return min(found, key=lambda f: ("problem", "warning", "note", "ok").index(f.level))


def test_an_old_openslide_is_a_problem_and_a_new_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = packages._version
    old = {packages.READER: "4.0.0.10"}
    monkeypatch.setattr(packages, "_version", lambda name: old.get(name) or real(name))
    found = packages.check_openslide()
    assert found.level == "problem"
    assert "CVE-2026-48977" in found.found
    assert "CVE-2026-54604" in found.found
    assert found.remedy.startswith('pip install "openslide-bin>=')
    monkeypatch.undo()
    assert packages.check_openslide().level == "ok"


def test_a_folder_without_space_is_a_problem_until_there_is_some(
    mounted: Callable[[str], Path],
) -> None:
    folder = mounted("size=200k")
    found = gravest(folders.check_folder(folder))
    assert found.level == "problem"
    assert "Free space" in found.remedy
    assert list(folder.iterdir()) == []
    assert gravest(folders.check_folder(mounted("remount,size=8m"))).level != "problem"


def test_a_cache_that_cannot_be_written_is_a_warning_until_another_is_chosen(
    mounted: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted("size=8m")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(mounted("remount,ro") / "hub"))
    (found,) = folders.check_cache()
    assert found.level == "warning"
    assert "HF_HOME" in found.remedy
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert gravest(folders.check_cache()).level == "ok"


def test_a_missing_extra_is_a_note_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = packages._version
    monkeypatch.setattr(packages, "_version", lambda n: None if n == "h5py" else real(n))
    found = next(f for f in packages.check_extras() if f.check == "extra h5")
    assert found.level == "note"
    assert 'pip install "msfusion-sdk[h5]"' in found.remedy
    monkeypatch.setattr(packages, "_version", lambda n: "99" if n == "h5py" else real(n))
    found = next(f for f in packages.check_extras() if f.check == "extra h5")
    assert found.level == "ok"


def test_a_wrong_golden_vector_is_a_problem_and_the_stored_one_is_not(
    embedded_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = SlideEncoder.from_pretrained(embedded_model, device="cpu", precision="fp32")
    assert model._self_test(encoder).level == "ok"
    np.save(tmp_path / "golden.npy", np.load(model.GOLDEN)[::-1])  # type: ignore[attr-defined]
    monkeypatch.setattr(model, "GOLDEN", tmp_path / "golden.npy")
    found = model._self_test(encoder)
    assert found.level == "problem"
    assert "pip install --force-reinstall" in found.remedy


def test_a_folder_without_hard_links_is_a_warning_and_another_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    found = gravest(folders.check_folder(tmp_path))
    assert found.level == "warning"
    assert "no hard links" in found.found
    assert "one process at a time" in found.remedy
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert "hard links" not in " ".join(f.found for f in folders.check_folder(tmp_path))


@pytest.mark.process
def test_a_folder_that_is_not_there_is_made_by_the_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "new folder"
    found = gravest(folders.check_folder(folder))
    assert found.level == "problem"
    subprocess.run(found.remedy, shell=True, check=True)
    assert gravest(folders.check_folder(folder)).level != "problem"


def test_a_folder_that_lets_nothing_be_removed_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(path: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", cannot)
    (found,) = folders.check_folder(tmp_path)
    assert (found.level, found.check) == ("problem", "folder")
    assert "Read-only file system" in found.found
