"""A discriminator's accuracy on and off its training data, on discriminators that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import setting
from small import KEY, T, critic_of, normal

from ganbench import registry
from ganbench.diagnostics.inside import inside
from ganbench.diagnostics.overfit import accuracies, loss_gap, overfit
from ganbench.game import Critic, Net
from ganbench.registry import resolve

TRAIN, HELD_OUT = normal(1, 60, 2), normal(2, 40, 2)


def pick(key, source, batch):
    return source[jax.random.randint(key, (batch,), 0, len(source))]


def game(stack, discriminator=None, train=TRAIN, held_out=HELD_OUT):
    """`stack` on a data set of a few points, which a discriminator may be written to know."""
    here = setting()
    here = here._replace(
        task=here.task._replace(sample=pick, fixed=True), train=train, held_out=held_out, batch=32
    )
    if discriminator is not None:
        here = here._replace(zoo={**here.zoo, "discriminator": discriminator})
    return inside(registry.recipe(stack, resolve(stack, {}), here), here)


def told(made):
    found = jax.jit(overfit.measure(made))(jax.jit(made.method.init)(KEY), KEY, T)
    return {name: float(x[0]) for name, x in found.items()}


def known(x):
    """Whether each sample is one of the training data."""
    return (jnp.abs(x[:, None] - TRAIN).max(-1) == 0).any(1)


def by_heart(a):
    """The logit is a on training data and -a on all else."""
    return critic_of(lambda x: jnp.where(known(x), a, -a))


def test_a_discriminator_that_knows_its_data_by_heart():
    """All of both is told apart in training, half of it beyond; L_D grows by sp(a) - sp(-a) = a."""
    found = told(game("nonsaturating", by_heart(1.5)))
    assert found["accuracy_train"] == 1
    assert found["accuracy_held_out"] == 0.5
    assert found["accuracy_gap"] == 0.5
    assert found["loss_gap"] == pytest.approx(1.5, rel=1e-5)
    assert found["real_score_gap"] == pytest.approx(2, rel=1e-5)


def test_a_critic_that_knows_its_data_by_heart():
    """Midway between a and -a, whatever is added to the score; L_D grows by 2 a."""
    above = critic_of(lambda x: 7 + jnp.where(known(x), 1.5, -1.5))
    found = told(game("wasserstein", above))
    assert (found["accuracy_train"], found["accuracy_held_out"]) == (1, 0.5)
    assert found["loss_gap"] == pytest.approx(3, rel=1e-5)
    # by the logit's rule, 0, the same discriminator takes everything for real
    found = told(game("nonsaturating", above))
    assert (found["accuracy_train"], found["accuracy_held_out"]) == (0.5, 0.5)


def noise():
    """Scores that have nothing to do with the samples."""

    def apply(p, aux, x, key=None):
        return Critic(jax.random.normal(jax.random.fold_in(key, 1), x.shape[:1]) + p["b"], x)

    return Net(lambda key, x: ({"b": jnp.zeros(())}, {}), apply)


@pytest.mark.parametrize("stack", ["nonsaturating", "wasserstein"])
def test_a_discriminator_that_knows_nothing(stack):
    constant = told(game(stack, critic_of(lambda x: jnp.zeros(x.shape[0]))))
    assert constant["accuracy_train"] == constant["accuracy_held_out"] == 0.5
    assert constant["accuracy_gap"] == constant["real_score_gap"] == constant["loss_gap"] == 0
    guessed = told(game(stack, noise()))
    assert guessed["accuracy_held_out"] == pytest.approx(0.5, abs=4 * 0.5 / 1024**0.5)


@pytest.mark.parametrize(
    "stack",
    [
        "nonsaturating",
        "mdgan",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("wgan-gp", "pacgan")),
    ],
)
def test_held_out_data_that_are_the_training_data_leave_no_gap(stack):
    same = told(game(stack, held_out=TRAIN))
    assert same["loss_gap"] == same["accuracy_gap"] == same["real_score_gap"] == 0
    other = told(game(stack))
    assert other["loss_gap"] != 0 and other["real_score_gap"] != 0


def test_a_critic_has_its_boundary_midway_and_an_energy_its_data_below():
    """Means 4 and -2, boundary 1: 2 of 3 on training data, 1 of 2 held out, 3 of 4 generated."""
    train, held_out = jnp.array([0.0, 5.0, 7.0]), jnp.array([0.5, 1.5])
    generated = jnp.array([-9.0, -5.0, -1.0, 7.0])
    critic = accuracies(train, held_out, generated, logit=False)
    assert critic["accuracy_train"] == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert critic["accuracy_held_out"] == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert critic["accuracy_gap"] == pytest.approx((2 / 3 - 1 / 2) / 2)
    spread = np.std([0.0, 5.0, 7.0, 0.5, 1.5])
    assert critic["real_score_gap"] == pytest.approx(3 / spread)
    energy = accuracies(-train, -held_out, -generated, logit=False)
    for name in ("accuracy_train", "accuracy_held_out", "accuracy_gap"):
        assert energy[name] == pytest.approx(critic[name])
    logit = accuracies(train, held_out, generated, logit=True)  # a score of 0 is half right
    assert logit["accuracy_train"] == pytest.approx((2.5 / 3 + 3 / 4) / 2)


def test_two_discriminators_add_their_losses():
    made = game("mdgan")
    state = made.method.init(KEY)
    seen, unseen = (made.objective(x)(state, KEY, T)[0] for x in (made.seen, made.unseen))
    each = [float(unseen[name] - seen[name]) for name in ("d", "d2")]
    assert all(each)
    assert float(loss_gap(made, state, KEY, T)) == pytest.approx(sum(each), rel=1e-5)


def test_what_cannot_be_told_is_left_out():
    assert set(told(game("ali"))) == {"loss_gap"}
    assert overfit.measure(game("vae"))(None, KEY, T) == {}
