"""Diagnostics by name: what a suite may ask for in `[diagnostics]`."""

from ganbench.diagnostics.inside import Diagnostic
from ganbench.diagnostics.overfit import overfit
from ganbench.diagnostics.spectrum import spectrum

DIAGNOSTICS: dict[str, Diagnostic] = {
    "spectrum": spectrum,
    "overfit": overfit,
}
