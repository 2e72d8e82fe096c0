"""Slow weights that follow the fast ones of both players (Chavdarova et al. 2021)."""

from typing import Annotated

import jax
from annotated_types import Ge, Gt, Le

from ganbench.game import Method, Stabilizer
from ganbench.wrapping import wrap_method


def lookahead(
    period: Annotated[int, Ge(1)] = 5, rate: Annotated[float, Gt(0), Le(1)] = 0.5
) -> Stabilizer:
    """Every few steps all players go back part of the way that they have come since the last time.

    Formula:
        after every `period` steps, jointly for all players:
        slow += rate (theta - slow);  theta := slow. The optimizers' states are not reset. Samples
        are those of theta, which is slow after each meeting.

    Args:
        period: k, steps between two meetings, >= 1; static.
        rate: alpha, in (0, 1]; traced. 1 is the plain method.

    In the suites:
        Half the modes of the grid: the method learns slower; with twice the steps the same code
        covers most.

    Reference:
        Chavdarova, Pagliardini, Stich, Fleuret, Jaggi, "Taming GANs with Lookahead-Minmax",
        ICLR 2021, arXiv 2006.14567, algorithm 1; k = 5 and alpha = 0.5 as in the authors' code
        (`Chavdarova/LAGAN-Lookahead_Minimax`).
    """

    def wrap(plain: Method) -> Method:
        def named(params: dict) -> dict:
            return {f"{player}/slow": own for player, own in params.items()}

        def init(key: jax.Array):
            state = plain.init(key)
            return state._replace(aux={**state.aux, **named(state.params)})

        def met(state):
            slow = {player: state.aux[f"{player}/slow"] for player in state.params}

            def follow(s, p):
                return (s + rate * (p - s)).astype(s.dtype)

            params = jax.tree.map(follow, slow, state.params)
            return state._replace(params=params, aux={**state.aux, **named(params)})

        def step(state, key: jax.Array, t: jax.Array):
            state, info = plain.step(state, key, t)
            meets = t % period == period - 1
            return jax.lax.cond(meets, met, lambda state: state, state), info

        return Method(init, step, plain.generate)

    return wrap_method(wrap)
