"""How a rule is compiled: read and typed by itself, but made into machine code only with the loop it is inlined into.

numba optimises every function it meets and makes code of it, so a rule inlined at depth five was optimised five times
over: half of what compiling took. Here a rule is left as it was lowered, and the loop is optimised once, with all of
it. A rule needs few of numba's passes either: it has no closures, no literals that choose code, no array expressions.
What is overridden are numba's internals: a change of them shows as a rule that does not compile.
"""

from typing import Any

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, _LowerResult
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import FixupArgs, GenericRewrites, IRProcessing, ReconstructSSA, TranslateByteCode

NO_CODE = 0


class _RuleLibrary(JITCodeLibrary):
    """What a rule was lowered to, to be linked into a loop."""

    def _optimize_final_module(self) -> None:
        """Leave that to the loop."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _RuleLowering(NativeLowering):
    _name = "rule_lowering"

    def run_pass(self, state: Any) -> bool:
        """Lower a rule and let loops call it; nothing can call it from Python."""
        state.library = _RuleLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state.cr
        state.library._ensure_finalized()
        name = lowered.fndesc.qualname
        entry = _dynfunc.make_function(
            lowered.fndesc.lookup_module(), name, name, NO_CODE, lowered.env, (state.library,)
        )
        state.targetctx.insert_user_function(entry, lowered.fndesc, [state.library])
        state["cr"] = _LowerResult(lowered.fndesc, lowered.call_helper, cfunc=entry, env=lowered.env)
        return True


PASSES = (
    TranslateByteCode,
    FixupArgs,
    IRProcessing,
    GenericRewrites,
    ReconstructSSA,
    NopythonTypeInference,
    PreLowerStripPhis,
    IRLegalization,
    _RuleLowering,
    NoPythonBackend,
)


class RuleCompiler(CompilerBase):
    """The passes a rule goes through; what `pipeline_class` of numba's decorators takes."""

    def define_pipelines(self) -> list[PassManager]:
        """Give the one pipeline there is."""
        passes = PassManager("rule")
        for one in PASSES:
            passes.add_pass(one, one.__name__)
        passes.finalize()
        return [passes]
