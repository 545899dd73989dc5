"""Devices, cores, shared memory and processes."""

import os
import shutil
import warnings
from multiprocessing import get_context
from pathlib import Path

import torch

from msfusion_sdk.doctor.finding import Finding
from msfusion_sdk.encoder.backends.devices import choose_runtime

__all__ = ["check_device", "check_processes", "check_shared_memory", "check_threads"]

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
SHARED = Path("/dev/shm")
# A container gets 64 MB unless started with another limit, less than the batches of two workers.
LOW_SHARED_BYTES = 256 * 2**20
START_SECONDS = 60


def check_device() -> Finding:
    """Say which device and precision ``auto`` takes, and what else torch sees."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runtime = choose_runtime()
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    found = (
        f"auto takes {runtime.device} in {runtime.precision}, computed by {runtime.backend}"
        f"{'' if runtime.precision == 'bf16' else ' (it does not compute in bf16)'}; "
        f"GPUs: {', '.join(gpus) or 'none'}; torch {torch.__version__}"
    )
    if runtime.device == "cpu" and NVIDIA_DRIVER.is_file():
        reasons = " ".join(str(warning.message) for warning in caught)
        return Finding(
            check="device",
            level="warning",
            found=f"There is an NVIDIA driver, and torch sees no GPU. {reasons} {found}",
            remedy="Unset CUDA_VISIBLE_DEVICES, or install the torch for your driver's CUDA "
            "version: https://pytorch.org/get-started",
        )
    return Finding(check="device", level="ok", found=found)


def check_threads() -> Finding:
    """Compare the threads of torch with the cores that this process may use."""
    threads, cores = torch.get_num_threads(), _cores()
    found = f"{threads} threads of torch on {cores:g} cores"
    if threads <= max(1, cores):
        return Finding(check="threads", level="ok", found=found)
    return Finding(
        check="threads",
        level="warning",
        found=f"{found}: they wait for each other.",
        remedy=f"export OMP_NUM_THREADS={max(1, int(cores))}",
    )


def check_shared_memory() -> list[Finding]:
    """Look at the memory through which training gets its images from other processes."""
    if not SHARED.is_dir():
        return []
    size = shutil.disk_usage(SHARED).total
    found = f"{SHARED} has {size / 1e6:.0f} MB"
    if size >= LOW_SHARED_BYTES:
        return [Finding(check="shared memory", level="ok", found=found)]
    remedy = "docker run --shm-size=2g …, or msfusion pretrain … --workers 0"
    return [Finding(check="shared memory", level="warning", found=found, remedy=remedy)]


def check_processes() -> Finding:
    """Start another process, as encoding a cohort does."""
    process = get_context("spawn").Process(target=os.getpid, daemon=True)
    try:
        process.start()
    except OSError as error:
        found = f"No other process can be started ({error})."
    else:
        process.join(START_SECONDS)
        if process.exitcode == 0:
            return Finding(check="processes", level="ok", found="another process was started")
        found = f"A new process ended with {process.exitcode} within {START_SECONDS} s."
        process.kill()
    remedy = "Raise the limits of memory and processes (ulimit -a), then run msfusion doctor again."
    return Finding(check="processes", level="problem", found=found, remedy=remedy)


def _cores() -> float:
    """Return how many cores the process may use: its share when the container has one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = float(allowed or 1)
    if CPU_QUOTA.is_file():
        # cgroup v2: microseconds of computing in every period.
        quota, period = CPU_QUOTA.read_text().split()
        if quota != "max":
            cores = min(cores, int(quota) / int(period))
    return cores
