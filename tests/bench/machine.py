"""What a measurement was made on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from shared.clock import SystemClock
from shared.units import to_datetime

LIBRARIES = ("numpy", "numba", "pyarrow")


def machine() -> str:
    """Give one line that names the machine, the versions and the day."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{library} {version(library)}" for library in LIBRARIES)
    return (
        f"Measured {to_datetime(SystemClock().now_ms()):%Y-%m-%d} on {_processor()}, {os.cpu_count()} cores, "
        f"{memory_gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}, {libraries}."
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
