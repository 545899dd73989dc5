"""Import OpenVINO without its telemetry: the only place that imports it.

Left alone, importing OpenVINO writes an identifier into the home folder and starts a child that
reports the import to an analytics service, and so does every conversion of a model.  OpenVINO
brings a silent stand-in for installations that lack its telemetry package; this one is made to
look like one.
"""

import sys
from typing import Any

__all__ = ["import_openvino"]

TELEMETRY = "openvino_telemetry"
TOOLS = "openvino.tools.ovc"


def import_openvino() -> Any:
    """Return the module ``openvino``, which has sent nothing and will send nothing.

    Where the caller's own program has imported OpenVINO before, what that import did is done;
    what this package asks of it afterwards is not reported.
    """
    if "openvino" not in sys.modules:
        before = sys.modules.get(TELEMETRY)
        # None makes Python raise ImportError, which OpenVINO expects and answers with its stand-in.
        sys.modules[TELEMETRY] = None  # type: ignore[assignment]
        try:
            import openvino
        finally:
            del sys.modules[TELEMETRY]
            if before is not None:
                sys.modules[TELEMETRY] = before
    _silence()
    import openvino
    import openvino.opset13

    return openvino


def _silence() -> None:
    """Give the stand-in to those tools that have the real one."""
    if TOOLS not in sys.modules:
        return
    from openvino.tools.ovc import telemetry_stub

    for name, module in list(sys.modules.items()):
        if name.startswith(TOOLS) and getattr(module, "tm", telemetry_stub) is not telemetry_stub:
            vars(module)["tm"] = telemetry_stub
