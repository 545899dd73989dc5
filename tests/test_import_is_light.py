"""``import msfusion_sdk`` costs milliseconds: it loads nothing heavy and opens no socket."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

IMPORT = """
import socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")

socket.socket = refuse
before = set(sys.modules)
import msfusion_sdk
assert msfusion_sdk.__version__ and dir(msfusion_sdk)
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_importing_the_package_loads_next_to_nothing() -> None:
    run = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if not name.startswith("_")}
    assert loaded - sys.stdlib_module_names == {"lazy_loader", "msfusion_sdk"}


def test_looking_at_a_cohort_loads_no_torch() -> None:
    code = "import sys; from msfusion_sdk import Cohort; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_encoder_loads_no_compiler_and_no_hub() -> None:
    heavy = ["torchvision", "torch._dynamo", "huggingface_hub", "matplotlib", "pandas", "sklearn"]
    code = f"""
import sys
from msfusion_sdk import SlideEncoder
print(*set({heavy}) & set(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
