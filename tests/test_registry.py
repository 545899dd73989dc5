"""Adapters of other packages are found without touching the SDK, and cannot break it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from msfusion_sdk.errors import PluginError
from msfusion_sdk.registry import list_adapters, load_adapter

ADAPTER = """
from msfusion_sdk.adapter import Block, ModalityAdapter

class Radiology(ModalityAdapter):
    modality = "radiology"
    def fit(self, table, y=None):
        return self
    def transform(self, table):
        return Block.of(table.index, table, table.columns)
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a distribution for the length of the test."""
    before = set(sys.modules)

    def add(distribution: str, entry: str, module: str, source: str = ADAPTER) -> None:
        site = tmp_path / distribution
        info = site / f"{distribution}-0.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1\n"
        )
        (info / "entry_points.txt").write_text(f"[msfusion_sdk.adapters]\n{entry}\n")
        (site / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(site)

    yield add
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_third_party_adapter_is_found_without_touching_the_sdk(install: Install) -> None:
    install("acme_radiology", "radiology = acme_scans:Radiology", "acme_scans")
    assert list_adapters()["radiology"] == "acme_radiology 0.1"
    assert load_adapter("radiology").modality == "radiology"


def test_listing_imports_nothing(install: Install) -> None:
    install("acme_radiology", "radiology = acme_scans:Radiology", "acme_scans", "1 / 0")
    assert "radiology" in list_adapters()
    assert "acme_scans" not in sys.modules


def test_nothing_is_left_of_the_other_tests() -> None:
    assert "radiology" not in list_adapters()


def test_a_name_claimed_twice_names_both_owners(install: Install) -> None:
    install("acme_radiology", "radiology = acme_scans:Radiology", "acme_scans")
    install("other_radiology", "radiology = other_scans:Radiology", "other_scans")
    for ask in (list_adapters, lambda: load_adapter("radiology")):
        with pytest.raises(
            PluginError, match=r"(?s)(?=.*acme_radiology 0.1)(?=.*other_radiology 0.1)"
        ):
            ask()


@pytest.mark.parametrize(
    ("entry", "source", "cause"),
    [
        ("radiology = acme_scans:Radiology", "1 / 0", "ZeroDivisionError"),
        ("radiology = acme_scans:Radiology", "import no_such_module", "no_such_module"),
        ("radiology = acme_scans:Radiology", "def (", "SyntaxError"),
        ("radiology = acme_scans:Missing", ADAPTER, "Missing"),
        ("radiology = acme_scans:Block", ADAPTER, "must be a subclass"),
        ("radiology = acme_scans", ADAPTER, "must be a subclass"),
    ],
)
def test_a_broken_plugin_names_itself_its_owner_and_the_cause(
    entry: str, source: str, cause: str, install: Install
) -> None:
    install("acme_radiology", entry, "acme_scans", source)
    with pytest.raises(PluginError, match=rf"(?s)'radiology' of acme_radiology 0.1.*{cause}"):
        load_adapter("radiology")


def test_a_broken_plugin_does_not_stop_the_others(install: Install) -> None:
    install("broken", "scans = broken_scans:X", "broken_scans", "1 / 0")
    install("acme_radiology", "radiology = acme_scans:Radiology", "acme_scans")
    assert load_adapter("radiology").modality == "radiology"


def test_an_unknown_name_lists_the_known_ones(install: Install) -> None:
    install("acme_radiology", "radiology = acme_scans:Radiology", "acme_scans")
    with pytest.raises(PluginError, match=r"'proteomics' \(known: .*radiology.*docs/adapters"):
        load_adapter("proteomics")
