"""Run every bench, or those named, print what they found, and write it into `docs/benchmarks.md`."""

import argparse
import importlib
import pkgutil
import sys

import pytest

import tests.bench
from tests.bench.document import write_section
from tests.bench.machine import machine


def bench_names() -> list[str]:
    """Give the modules here that measure something, in order of name."""
    names = [module.name for module in pkgutil.iter_modules(tests.bench.__path__) if not module.name.startswith("_")]
    return [name for name in names if hasattr(importlib.import_module(f"tests.bench.{name}"), "measure")]


def run(name: str) -> bool:
    """Run one bench; give False where the machine lacks what it needs."""
    bench = importlib.import_module(f"tests.bench.{name}")
    print(f"## {bench.TITLE}\n", flush=True)
    try:
        found = f"{machine()}\n\n{bench.measure()}"
    except pytest.skip.Exception as missing:
        print(f"Not measured: {missing}\n")
        return False
    print(f"{found}\n", flush=True)
    write_section(name, bench.TITLE, found)
    return True


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("only", nargs="*", choices=[[], *bench_names()], help="benches to run; all without any")
    chosen = parser.parse_args().only or bench_names()
    measured = [run(name) for name in chosen]
    return 0 if all(measured) else 1


if __name__ == "__main__":
    sys.exit(main())
