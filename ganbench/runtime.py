"""The process's surroundings: cores, devices, the compiler. Nothing runs on import."""

import os
import platform
from pathlib import Path
from typing import Any

import jax

from ganbench.errors import BadInput

_PLATFORMS = ("cpu", "gpu", "tpu")


def cores() -> int:
    """The processor cores this process may use: its affinity, within its cgroup's quota."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return mine if quota == "max" else max(1, min(mine, int(quota) // int(period)))
    except (OSError, ValueError):
        return mine


def processor() -> str:
    """What code compiled for this machine's processors may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return platform.processor()


def compiler_options(device: jax.Device) -> dict[str, Any]:
    """What XLA is asked for on `device`, unless `XLA_FLAGS` says otherwise.

    On a CPU its second lowest level of optimization: a quarter less time in the compiler than at
    the highest, and steps as fast (the products of matrices come from a library either way).
    """
    flag = "xla_backend_optimization_level"
    if device.platform != "cpu" or flag in os.environ.get("XLA_FLAGS", ""):
        return {}
    return {flag: 1}


def set_devices(device: str | None) -> None:
    """Chooses what to train on, before the backend starts: "cpu", "gpu", "tpu" or "cpu:COUNT".

    On the CPU there is one device a core unless COUNT says otherwise. On a GPU deterministic
    operations are asked for.

    Raises:
        BadInput: not of that form.
    """
    name, _, count = (device or "").partition(":")
    if device is not None and name not in _PLATFORMS:
        raise BadInput(f"--device: {device!r} is none of cpu, cpu:COUNT, gpu, tpu")
    if count and (name != "cpu" or not (count.isascii() and count.isdecimal()) or int(count) < 1):
        raise BadInput(f"--device: {device!r}: COUNT goes with cpu and is at least 1")
    if device is not None:
        jax.config.update("jax_platforms", "cuda" if name == "gpu" else name)
    jax.config.update("jax_num_cpu_devices", int(count) if count else cores())
    flag = "--xla_gpu_deterministic_ops=true"
    if flag not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()


def devices() -> list[jax.Device]:
    """The devices to train on.

    Raises:
        BadInput: the platform that was asked for is not here.
    """
    try:
        return jax.devices()
    except (RuntimeError, AssertionError):  # JAX asserts where a platform's plug-in is missing
        config: Any = jax.config
        wanted = config.jax_platforms or "device"
        raise BadInput(f"--device: this machine has no {wanted} that JAX can use") from None
