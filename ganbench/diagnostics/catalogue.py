"""Diagnostics by name: what a suite may ask for in `[diagnostics]`."""

from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp

from ganbench.diagnostics.conditioning import conditioning
from ganbench.diagnostics.duality_gap import duality_gap
from ganbench.diagnostics.inside import Diagnostic, Inside
from ganbench.diagnostics.mode_hopping import mode_hopping
from ganbench.diagnostics.overfit import overfit
from ganbench.diagnostics.probes import probes
from ganbench.diagnostics.sharpness import sharpness
from ganbench.diagnostics.singular_values import singular_values
from ganbench.diagnostics.spectrum import spectrum
from ganbench.errors import BadInput

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


def check_measures(game: Inside, names: Iterable[str]) -> None:
    """Traces what each diagnostic of `names` measures of a game, before anything is trained.

    Raises:
        BadInput: one that cannot be measured of it; in a training it would cost the whole group.
    """

    def measured(name: str) -> Callable[[jax.Array], dict[str, jax.Array]]:
        measure = DIAGNOSTICS[name].measure(game)
        return lambda key: measure(game.method.init(key), key, jnp.zeros((), jnp.int32))

    for name in names:
        try:
            jax.eval_shape(measured(name), jax.random.key(0))
        except Exception as error:
            raise BadInput(f"diagnostics.{name}: {error}".splitlines()[0]) from None
