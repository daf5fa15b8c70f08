"""A plugin of pytest for a tree with a changed rule: the kernel runs as the Python it is, and searches repeat."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    from hypothesis import Phase, settings

    from tests.oracle import kernel

    # Nothing is compiled: a changed rule would have to be compiled anew.
    kernel.kernel_run = kernel.interpreted_run
    # The first counterexample is enough, and the next mutant must not start from it.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", derandomize=True, database=None, deadline=None, phases=phases)
    settings.load_profile("mutants")
