"""Diagnostics by name: what a suite may ask for in `[diagnostics]`."""

from ganbench.diagnostics.conditioning import conditioning
from ganbench.diagnostics.duality_gap import duality_gap
from ganbench.diagnostics.inside import Diagnostic
from ganbench.diagnostics.mode_hopping import mode_hopping
from ganbench.diagnostics.overfit import overfit
from ganbench.diagnostics.probes import probes
from ganbench.diagnostics.sharpness import sharpness
from ganbench.diagnostics.singular_values import singular_values
from ganbench.diagnostics.spectrum import spectrum

DIAGNOSTICS: dict[str, Diagnostic] = {
    "spectrum": spectrum,
    "overfit": overfit,
    "duality_gap": duality_gap,
    "sharpness": sharpness,
    "probes": probes,
    "conditioning": conditioning,
    "singular_values": singular_values,
    "mode_hopping": mode_hopping,
}
