"""Linear probes against scikit-learn's, and on layers whose answer is known."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods import setting
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from small import KEY, T

from ganbench import registry
from ganbench.diagnostics.inside import inside
from ganbench.diagnostics.probes import SAMPLES, fitted, inverted, layers, probed, probes
from ganbench.game import Critic
from ganbench.zoo.catalogue import Sizes, zoo
from ganbench.zoo.linen import from_linen

MLP = {"input", "Hidden_0.Dense_0", "features", "Dense_0", "chance"}


def game(stack, discriminator=None, task="ring", nets="mlp", data=None, **hyperparameters):
    """The game of `stack`, in batches of 256; `data` replace the task's."""
    here = setting(task=task)._replace(batch=256, **(data or {}))
    own = zoo(nets, Sizes(here.task.shape, 2, 8, 1))
    own |= {"discriminator": discriminator or own["discriminator"]}
    here = here._replace(zoo=own)
    return inside(registry.recipe(stack, registry.resolve(stack, hyperparameters), here), here)


def measured(made):
    found = jax.jit(probes.measure(made))(made.method.init(KEY), KEY, T)
    return {name: float(x.mean()) for name, x in found.items()}


def named(found):
    return {name.rpartition("/")[0] for name in found}


def digits_seen_by(nets):
    """(activations, digits) on training and on held-out digits, by layer of a discriminator."""
    made = game("nonsaturating", task="digits", nets=nets)
    here, state = made.setting, made.method.init(KEY)
    sets = []
    for source in (here.train, here.held_out):
        x = here.task.sample(jax.random.key(1), source, SAMPLES)
        log_p = here.task.judge.judge(here.task.judge.weights, x).log_p
        seen = layers(lambda x: made.players(state)("d", x), x)
        flat = {name: np.asarray(a.reshape(len(a), -1)) for name, a in seen.items()}
        sets.append((flat, np.asarray(log_p.argmax(-1)[:, 0])))
    return sets


def test_accuracy_and_loss_are_those_of_scikit_learn():
    (train, y), (held_out, y_new) = digits_seen_by("mlp")
    one_hot = [jnp.asarray(np.eye(10)[a][:, None]) for a in (y, y_new)]
    assert set(train) == MLP - {"chance"}
    for name in train:
        accuracy, loss = jax.jit(probed)(train[name], one_hot[0], held_out[name], one_hot[1])
        scaler = StandardScaler().fit(train[name])
        model = LogisticRegression(max_iter=5000).fit(scaler.transform(train[name]), y)
        new = scaler.transform(held_out[name])
        expected = -model.predict_log_proba(new)[np.arange(SAMPLES), y_new].mean()
        assert accuracy == pytest.approx(model.score(new, y_new), abs=0.02), name
        assert loss == pytest.approx(expected, rel=0.02), name


def test_the_training_loss_is_within_a_hundredth_of_the_least():
    (train, y), _ = digits_seen_by("conv")
    x = StandardScaler().fit_transform(train["features"]).astype(np.float64)
    x, one_hot = np.c_[x, np.ones(SAMPLES)], np.eye(10)[y]
    penalty = np.r_[np.full(x.shape[1] - 1, 1 / SAMPLES), 0][:, None]

    def objective(flat):
        w = flat.reshape(-1, 10)
        logits = x @ w
        logits -= logits.max(1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        slope = x.T @ (np.exp(log_p) - one_hot) / SAMPLES + penalty * w
        return -(one_hot * log_p).sum(1).mean() + (penalty * w**2).sum() / 2, slope.ravel()

    start = np.zeros(x.shape[1] * 10)
    least = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000}).fun
    w = fitted(jnp.asarray(x[:, :-1], jnp.float32), jnp.asarray(one_hot[:, None], jnp.float32))
    reached = objective(np.asarray(w, np.float64).ravel())[0]
    assert least - 1e-6 < reached < least + 1e-3


def test_the_inverse_is_one():
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    spread = np.geomspace(1e-3, 20, 40)  # a ridge of 1 / 1024, and units that are all but parallel
    made = inverted(jnp.asarray((rotation * spread) @ rotation.T, jnp.float32))
    expected = (rotation / spread) @ rotation.T
    np.testing.assert_allclose(made, expected, atol=1e-3 * np.abs(expected).max())


def test_two_factors_are_two_regressions():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((200, 3)), jnp.float32)
    y = jnp.asarray(np.eye(4)[rng.integers(0, 4, (200, 2))], jnp.float32)
    both = fitted(x, y)
    for factor in (0, 1):
        alone = fitted(x, y[:, factor : factor + 1])[:, 0]
        np.testing.assert_allclose(both[:, factor], alone, atol=1e-5)


class Blind(nn.Module):
    """The distance to the middle, which is the same for every mode of the ring."""

    @nn.compact
    def __call__(self, x):
        return jnp.sqrt((x**2).sum(-1, keepdims=True))


class Same(nn.Module):
    @nn.compact
    def __call__(self, x):
        return x + 0.0


class Losing(nn.Module):
    """Keeps the mode, then destroys it."""

    @nn.compact
    def __call__(self, x):
        kept = Same(name="kept")(x)
        lost = Blind(name="lost")(kept)
        return Critic(nn.Dense(1, name="score")(lost)[:, 0], 0 * lost)


def test_a_layer_that_keeps_the_mode_has_all_and_one_that_destroys_it_chance():
    found = measured(game("nonsaturating", from_linen(Losing())))
    assert named(found) == {"input", "kept", "lost", "score", "features", "chance"}
    assert found["input/accuracy"] == found["kept/accuracy"] == 1
    assert found["chance/loss"] == pytest.approx(np.log(8), abs=0.02)
    for layer in ("lost", "score", "features", "chance"):
        assert found[f"{layer}/accuracy"] == pytest.approx(1 / 8, abs=0.05), layer
        assert found[f"{layer}/loss"] == pytest.approx(np.log(8), abs=0.05), layer


@pytest.mark.parametrize(
    ("stack", "names"),
    [
        ("nonsaturating", MLP),
        ("spectral-norm", MLP),
        ("instance-noise", MLP),
        ("pacgan", MLP),
        ("gap", MLP),
        ("minibatch-discrimination", MLP | {"Hidden_0.Activation_0"}),
        ("ali", set()),
        ("vae", set()),
    ],
)
def test_layers_are_found_through_what_wraps_the_net(stack, names):
    made = game(stack)
    state = jax.eval_shape(made.method.init, KEY)
    assert named(jax.eval_shape(probes.measure(made), state, KEY, T)) == names


def test_nets_that_are_no_modules_have_input_and_features_alone():
    found = measured(game("nonsaturating", task="dirac", nets="points"))
    assert named(found) == {"input", "features", "chance"}
    assert found["input/accuracy"] == 1 and found["input/loss"] == pytest.approx(0, abs=1e-6)


class Remat(nn.Module):
    @nn.compact
    def __call__(self, x):
        h = nn.Dense(4, name="plain")(nn.remat(nn.Dense)(4, name="inner")(x))
        return Critic(h[:, 0], jnp.tanh(h))


def test_layers_inside_a_transformation_are_left_out():
    found = measured(game("nonsaturating", from_linen(Remat())))
    assert named(found) == {"input", "plain", "features", "chance"}


def test_probes_are_fitted_to_training_data_and_tested_on_held_out_ones():
    centres = setting().train
    mostly_first, second = centres[jnp.array([0] * 6 + [1] * 2)], centres[jnp.array([1] * 8)]
    found = measured(game("nonsaturating", data={"train": mostly_first, "held_out": second}))
    assert found["chance/accuracy"] == 0 and found["input/accuracy"] == 1
    assert found["chance/loss"] == pytest.approx(np.log(4), abs=0.2)


class Second(nn.Module):
    """A pack of two points: all of it, and its second point alone."""

    @nn.compact
    def __call__(self, x):
        both = Same(name="both")(x)
        second = Same(name="second")(x[:, 2:])
        return Critic(both[:, 0], second * 2)


def test_a_pack_is_probed_for_its_first_sample():
    found = measured(game("pacgan", from_linen(Second()), **{"pacgan.samples": 2}))
    assert found["input/accuracy"] == found["both/accuracy"] == 1
    assert found["second/accuracy"] == pytest.approx(1 / 8, abs=0.05)


class Broken(nn.Module):
    @nn.compact
    def __call__(self, x):
        return Critic(x[:, 0], Same(name="broken")(x / 0.0 * 0.0))


def test_activations_that_are_no_numbers_have_no_accuracy():
    found = measured(game("nonsaturating", from_linen(Broken())))
    assert np.isnan(found["features/accuracy"]) and np.isnan(found["features/loss"])
    assert found["input/accuracy"] == 1
