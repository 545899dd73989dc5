"""Processes that begin with everything imported: most of a short command's time is imports.

The rest is that of the networks, which are coarse here (``coarse.py``).  A server imports once
and forks for each call; the child has the arguments, the folder, the environment and the files
of who called.  Starting cold is tested in ``tests/cli``.

    python warm.py SOCKET             the server
    msfusion …                        a file of that name calls it: see ``client``
"""

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import traceback
import warnings
from functools import partial
from pathlib import Path

import pytest

__all__ = ["WarmServer"]

MODULES = (
    "torch",
    "msfusion_sdk.cli.main",
    "msfusion_sdk.cohort.cohort",
    "msfusion_sdk.deployment.apply",
    "msfusion_sdk.encoder.slide_encoder",
    "msfusion_sdk.evaluation.evaluate",
    "msfusion_sdk.figures",
    "msfusion_sdk.fusion.estimators.classifier",
    "msfusion_sdk.fusion.estimators.survival",
    "msfusion_sdk.report.write",
    "msfusion_sdk.study.models",
    "msfusion_sdk.study.train",
    "msfusion_sdk.pretraining.annotated.from_slides",
    "msfusion_adapters.clinical.adapter",
    "msfusion_adapters.genomics.adapter",
)
CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({address!r})
    call = json.dumps([["-m", *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(door, [len(call).to_bytes(8, "little")], [0, 1, 2])
    door.sendall(call)
    code = door.recv(8)
sys.exit(int(code or b"70"))
"""


class WarmServer:
    """Runs commands and scripts in forks of a process that has imported what they need."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "s")
        self._process = subprocess.Popen([sys.executable, __file__, self.address])
        self.bin = folder / "bin"
        self.bin.mkdir()
        client = CLIENT.format(python=sys.executable, address=self.address)
        (self.bin / "msfusion").write_text(client)
        (self.bin / "msfusion").chmod(0o755)
        (self.bin / "warm-python").write_text(client.replace('["-m", *', '["-s", *'))
        (self.bin / "warm-python").chmod(0o755)

    def wait(self, seconds: float) -> None:
        """Return when it answers."""
        end = time.monotonic() + seconds
        while not Path(self.address).exists():
            if self._process.poll() is not None or time.monotonic() > end:
                msg = "The server of warm processes did not start."
                raise RuntimeError(msg)
            time.sleep(0.1)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def serve(address: str) -> None:
    """Import, listen, and fork for each call."""
    for name in MODULES:
        __import__(name)
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import torch
    from torch.utils.data import DataLoader

    from msfusion_sdk.pretraining import views
    from tests.coarse import coarse_networks

    coarse = pytest.MonkeyPatch()
    coarse_networks(coarse)
    # The first optimiser of a process imports torch's compiler.
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])
    # A process that reads tiles for another one would import everything first.
    quick = partial(DataLoader, num_workers=0, multiprocessing_context=None)
    views.DataLoader = lambda *words, **named: quick(  # type: ignore[attr-defined,assignment]
        *words, **{name: value for name, value in named.items() if name not in quick.keywords}
    )
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{address}.new")
        door.listen(8)
        Path(f"{address}.new").rename(address)  # there from the moment that it answers
        while True:
            caller, _ = door.accept()
            with caller:
                if os.fork() == 0:
                    door.close()
                    _answer(caller, coarse)


def _answer(caller: socket.socket, coarse: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(caller, 8, 3)
    data = b""
    while len(data) < int.from_bytes(size, "little"):
        data += caller.recv(65536)
    words, folder, environment = json.loads(data)
    for number, file in enumerate(files):
        os.dup2(file, number)
    # Those of the server know its own files, which can be looked up and rewound.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if action := environment.get("PYTHONWARNINGS"):  # read once, by processes that start cold
        warnings.simplefilter(action)
    if {"doctor", "check"} & set(words):  # which compare the networks with what they say elsewhere
        coarse.undo()
    if "pretrain" in words:
        from msfusion_sdk.pretraining.scores import CONDITIONS

        for name in CONDITIONS.keys() - {"clean", "grey"}:
            del CONDITIONS[name]  # a pass over all images each
    code = _run(words)
    sys.stdout.flush()
    sys.stderr.flush()
    caller.sendall(str(code).encode())
    os._exit(code)


def _run(words: list[str]) -> int:
    try:
        if words[0] == "-m":
            from msfusion_sdk.cli.main import main

            sys.argv = ["msfusion", *words[1:]]
            main()
        else:
            sys.argv = words[1:]
            for path in words[1:]:
                runpy.run_path(path, None, "__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
