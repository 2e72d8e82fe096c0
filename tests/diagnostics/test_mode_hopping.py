"""Mode hopping of generators whose hops are known beforehand."""

from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from annotated_types import Ge
from methods import KEY, setting, small

from ganbench import registry
from ganbench.budget import Budget
from ganbench.diagnostics.inside import inside
from ganbench.diagnostics.mode_hopping import NONE, SAMPLES, mode_hopping, modes
from ganbench.harness import prepared
from ganbench.program import Lane
from ganbench.registry import Entry
from ganbench.tasks.base import Verdict
from ganbench.tasks.catalogue import TASKS
from ganbench.wrapping import wrap_method

EVERY, EVALUATIONS = 5, 4


def hopping(moving: Annotated[float, Ge(0)] = 0.0, blurred: Annotated[float, Ge(0)] = 0.0):
    """Latents below `moving` change their mode between evaluations, those below `blurred` are junk.

    A latent's number is its batch's share of [0, 1) that lies before it.
    """
    centres = jnp.asarray(TASKS["grid"]().train)

    def wrap(plain):
        def init(key):
            state = plain.init(key)
            return state._replace(aux={**state.aux, "g/steps": jnp.zeros((), jnp.int32)})

        def step(state, key, t):
            steps = state.aux["g/steps"] + 1
            state, info = plain.step(state, key, t)
            return state._replace(aux={**state.aux, "g/steps": steps}), info

        def generate(state, key):
            n = len(plain.generate(state, key))
            number = jnp.arange(n) / n
            first = jax.random.randint(key, (n,), 0, 25)
            moved = jnp.where(number < moving, state.aux["g/steps"] // EVERY, 0)
            away = jnp.where(number < blurred, 0.2, 0.0)[:, None]  # sigma is 0.05
            return centres[(first + moved) % 25] + away

        return plain._replace(init=init, step=step, generate=generate)

    return wrap_method(wrap)


#: (moving, blurred, rate, rate_hq)
CASES = [
    (0.0, 0.0, 0.0, 0.0),
    (1.0, 0.0, 1.0, 1.0),
    (0.25, 0.0, 0.25, 0.25),
    (0.25, 0.25, 0.25, 0.0),
    (0.75, 0.5, 0.75, 0.5),
    (0.5, 1.0, 0.5, np.nan),
]


def test_known_hops_through_a_training(monkeypatch):
    monkeypatch.setitem(registry.METHODS, "hopping", Entry(hopping, "modifier"))
    budget = Budget(
        nets="mlp",
        width=4,
        depth=1,
        latent=2,
        batch=64,
        optimizer="adam",
        b1=0.5,
        b2=0.999,
        steps=EVERY * EVALUATIONS,
        evaluations=EVALUATIONS,
        curve_samples=64,
        final_samples=64,
        block=len(CASES),
    )
    lanes = [
        Lane(0, i, {"learning_rate": 1e-3, "hopping.moving": moving, "hopping.blurred": blurred})
        for i, (moving, blurred, *_) in enumerate(CASES)
    ]
    run = prepared(
        TASKS["grid"](), "hopping", {}, lanes, budget, jax.devices()[:1], {"mode_hopping": 3}
    )
    records, _ = run()
    for record, (*_, rate, rate_hq) in zip(records, CASES, strict=True):
        made = record.diagnosed["mode_hopping"]
        assert made.steps.tolist() == [5, 10, 20]
        np.testing.assert_allclose(made.quantities["rate"], [np.nan, rate, rate], atol=1e-12)
        np.testing.assert_allclose(made.quantities["rate_hq"], [np.nan, rate_hq, rate_hq])


@pytest.mark.parametrize("stack", ["gap", "ema", "infogan", "vae"])
def test_a_method_that_stays_as_it_is_does_not_hop(stack):
    """Several generators, averaged weights, drawn codes, no game: all at two steps, one key."""
    here = setting()
    made = inside(registry.recipe(stack, small(stack), here), here)
    measure, state = jax.jit(mode_hopping.measure(made)), made.method.init(KEY)
    seen = [jax.tree.map(np.asarray, measure(state, KEY, jnp.int32(t))) for t in (0, 50)]
    assert seen[0]["mode"].shape == seen[0]["accepted"].shape == (SAMPLES,)
    assert len(np.unique(seen[0]["mode"])) > 1
    assert mode_hopping.told(seen)["rate"][1] == 0


def test_neighbours_are_compared():
    seen = [
        {"mode": np.array([0, 1, 2, 3]), "accepted": np.array([True, True, True, False])},
        {"mode": np.array([0, 2, 1, 0]), "accepted": np.array([True, True, False, True])},
        {"mode": np.array([0, 1, 2, 3]), "accepted": np.array([False] * 4)},
    ]
    told = mode_hopping.told(seen)
    np.testing.assert_allclose(told["rate"], [np.nan, 0.75, 0.75])
    np.testing.assert_allclose(told["rate_hq"], [np.nan, 0.5, np.nan])
    assert np.isnan(mode_hopping.told(seen[:1])["rate"]).all()


def test_independent_draws_hop_as_often_as_two_modes_differ():
    rng = np.random.default_rng(0)
    p = np.array([0.5, 0.25, 0.25])
    seen = [{"mode": rng.choice(3, SAMPLES, p=p), "accepted": np.ones(SAMPLES, bool)} for _ in "ab"]
    expected = 1 - (p**2).sum()
    assert mode_hopping.told(seen)["rate"][1] == pytest.approx(expected, abs=3 * 0.016)


def test_a_mode_is_one_answer_of_every_factor_and_the_unreadable_have_none():
    log_p = jnp.log(jnp.array([[[0.9, 0.1], [0.2, 0.8]], [[0.1, 0.9], [0.7, 0.3]]]))
    broken = jnp.full((1, 2, 2), jnp.nan)
    verdict = Verdict(jnp.concatenate([log_p, broken]), jnp.ones(3, bool), jnp.zeros((3, 1)))
    mode, accepted = modes(verdict)
    assert mode.tolist() == [1, 2, NONE] and accepted.tolist() == [True, True, False]
