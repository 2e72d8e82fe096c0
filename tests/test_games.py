"""Dirac-GAN and the bilinear game against theory: eigenvalues, rates, and where runs end."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small import KEY, T

from ganbench import registry, sweep
from ganbench import suite as suites
from ganbench.diagnostics.course import STATUSES
from ganbench.diagnostics.outcome import Baseline, Rules, Trace, outcome
from ganbench.game import Optimizer, Players
from ganbench.registry import resolve
from ganbench.setting import Setting, data
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo


def setting(rate=0.2, task="dirac"):
    made = TASKS[task]()
    nets = zoo("points", Sizes((2,), 1, 1, 1))
    train = jnp.asarray(made.train, jnp.float64)
    return Setting(made, train, train, 64, 1, 500, nets, Optimizer(optax.identity(), rate))


def field(stack, **values):
    """(psi, theta) -> (psi', theta'), the flow of simultaneous gradient descent."""
    here = setting()
    recipe = registry.recipe(stack, resolve(stack, values), here)
    state = registry.make(stack, resolve(stack, values), here).init(KEY)

    def flow(point):
        def loss_of(part, name):
            params = {"d": {"psi": point[:1]}, "g": {"theta": point[1]}} | part
            players = Players(recipe.nets, state._replace(params=params))
            return recipe.game.losses(players, data(here), KEY, T)[0][name]

        d = jax.grad(lambda p: loss_of({"d": {"psi": p}}, "d"))(point[:1])[0]
        g = jax.grad(lambda p: loss_of({"g": {"theta": p}}, "g"))(point[1])
        return -jnp.stack([d, g])

    return flow


@pytest.mark.parametrize("penalty", ["r1", "r2"])
@pytest.mark.parametrize(
    ("gamma", "tolerance"), [(0.0, 1e-5), (0.3, 1e-5), (1.0, 1e-3), (2.0, 1e-5)]
)
def test_eigenvalues_at_the_equilibrium(penalty, gamma, tolerance):
    """-gamma / 2 +- sqrt(gamma^2 / 4 - f'(0)^2), f'(0) = 1/2; gamma = 1 is a defective root."""
    with jax.enable_x64(True):
        flow = field(f"nonsaturating+{penalty}", **{f"{penalty}.gamma": gamma})
        found = np.linalg.eigvals(jax.jacobian(flow)(jnp.zeros(2, jnp.float64)))
    root = np.sqrt(complex(gamma**2 / 4 - 0.25))
    expected = np.array([-gamma / 2 - root, -gamma / 2 + root])
    found = found[np.lexsort((found.imag, found.real))]
    expected = expected[np.lexsort((expected.imag, expected.real))]
    np.testing.assert_allclose(found, expected, atol=tolerance)


def distances(stack, steps, rate, start=1.0, **values):
    """Distance of the players' point from the equilibrium after each step, in float64."""
    with jax.enable_x64(True):
        method = registry.make(stack, resolve(stack, values), setting(rate))
        state = jax.tree.map(
            lambda x: x.astype(jnp.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x,
            method.init(KEY),
        )
        state = state._replace(params=jax.tree.map(lambda x: start * x, state.params))

        def body(state, t):
            state, _ = method.step(state, jax.random.fold_in(KEY, t), t)
            return state, jnp.linalg.norm(method.generate(state, KEY)[0])

        return np.asarray(jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(steps)))(state)[1])


def test_without_regularization_players_orbit_or_leave():
    """Simultaneous steps grow a small distance by sqrt(1 + h^2 f'(0)^2); alternating keep it."""
    together = distances("nonsaturating+simultaneous", 200, 0.2, start=1e-3)
    growth = (together[-1] / together[0]) ** (1 / 199)
    assert growth == pytest.approx(np.sqrt(1 + 0.2**2 / 4), abs=1e-5)
    turns = distances("minimax", 2000, 0.2)
    assert turns[-500:].max() == pytest.approx(turns[:500].max(), rel=0.05)
    assert turns[-500:].min() == pytest.approx(turns[:500].min(), rel=0.05)


def test_the_nonsaturating_loss_spirals_in_but_ever_slower():
    """(psi^2 + theta^2)' = -2 psi theta tanh(psi theta / 2) <= 0, of fourth order near (0, 0)."""
    made = distances("nonsaturating", 4000, 0.05)
    fast, slow = made[500] / made[0], made[-1] / made[-501]
    assert fast < slow < 1


@pytest.mark.parametrize("penalty", ["r1", "r2"])
def test_zero_centred_penalties_converge_at_the_predicted_rate(penalty):
    """Near (0, 0) the distance shrinks by |1 + h lambda| a step, lambda the larger eigenvalue."""
    rate, gamma = 0.2, 0.3
    made = distances(
        f"nonsaturating+{penalty}+simultaneous", 900, rate, **{f"{penalty}.gamma": gamma}
    )
    # a line through many turns of some 66 steps each: the spiral is no circle
    shrunk = np.exp(np.polyfit(np.arange(700), np.log(made[-700:]), 1)[0])
    root = np.sqrt(complex(gamma**2 / 4 - 0.25))
    assert shrunk == pytest.approx(abs(1 + rate * (-gamma / 2 + root)), abs=2e-4)


@pytest.mark.parametrize(
    ("stack", "values"),
    [
        ("dragan+simultaneous", {"dragan.weight": 1.0}),
        ("wgan-gp", {"wgan-gp.weight": 0.3}),
        ("wgan", {"wgan.clip": 1.0}),
    ],
)
def test_slopes_of_one_and_clipping_do_not_converge(stack, values):
    assert distances(stack, 1000, 0.2, **values)[-200:].max() > 0.2


@pytest.mark.parametrize(
    ("stack", "values"),
    [
        ("consensus", {"consensus.gamma": 1.0}),
        ("extragradient", {}),
        ("optimistic-adam+simultaneous", {}),
        (
            "instance-noise+simultaneous",
            {"instance-noise.sigma": 0.7, "instance-noise.horizon": 1e9},
        ),
    ],
)
def test_what_theory_says_converges_does(stack, values):
    assert distances(stack, 1000, 0.2, **values)[-1] < 0.1


def course(radius, near=0.0):
    radius = np.asarray(radius, float)
    steps = np.arange(1, len(radius) + 1) * 10
    trace = Trace(
        steps=steps,
        covered=np.zeros((len(radius), 1), bool),
        high_quality=np.zeros(len(radius)),
        sample_rms=radius,
        generator_gradient=np.zeros(0),
        final_modes=near,
        final_high_quality=near,
        diverged_at=None,
        data_rms=1.0,
    )
    made = outcome(trace, Baseline(1.0, 1.0, 1.0, 1.0, 0.0), Rules(), STATUSES)
    return made.status, made.onset, made.success


def test_how_a_course_ends():
    assert course(np.linspace(1, 0.01, 30), near=1.0) == ("ok", None, True)
    assert course(1 + 0.08 * np.sin(np.arange(30))) == ("oscillating", 210, False)
    assert course(1 + 0.3 * np.sin(np.arange(30))) == ("unlearned", 10, False)
    assert course(np.linspace(1, 0.5, 30)) == ("unlearned", 10, False)
    assert course(2.0 ** np.arange(30)) == ("diverged", 110, False)


CONVERGE = {
    "dirac": {
        *("r1+simultaneous", "r2+simultaneous", "wgan-gp0+simultaneous", "consensus", "unrolled"),
        *("instance-noise+simultaneous", "extragradient", "optimistic-adam+simultaneous"),
        "lookahead+simultaneous",
    },
    "bilinear": {
        *("wasserstein+consensus", "wasserstein+extragradient"),
        *("wasserstein+optimistic-adam+simultaneous", "wasserstein+lookahead+simultaneous"),
    },
}
LEAVE = {("bilinear", "wasserstein+simultaneous"), ("bilinear", "wgan-gp")}  # farther and farther


def ended(board):
    """{(task, method): the status of all its runs} of a leaderboard whose rows have one each."""
    columns = [name for name in board if name.startswith("n_")]
    made = {}
    for _, row in board[~board["method"].isin(["real", "held-out", "noise"])].iterrows():
        (status,) = (name.removeprefix("n_") for name in columns if row[name])
        made.setdefault((row["task"], row["method"]), set()).add(status)
    return made


def expected(task, method):
    orbit = "unlearned" if (task, method) in LEAVE else "oscillating"
    return {"ok" if method in CONVERGE[task] else orbit}


def test_the_suite_says_what_theory_says(tmp_path):
    made = suites.read(suites.find("convergence"))
    picked = ["r1+simultaneous", "wasserstein", "wasserstein+consensus"]
    found = ended(sweep.run(made, tmp_path / "out", methods=picked, seeds=1).leaderboard)
    assert len(found) == 3
    assert found == {key: expected(*key) for key in found}


@pytest.mark.slow
def test_the_whole_suite_says_what_theory_says(tmp_path):
    made = suites.read(suites.find("convergence"))
    found = ended(sweep.run(made, tmp_path / "out").leaderboard)
    assert set(CONVERGE["dirac"]) | set(CONVERGE["bilinear"]) <= {method for _, method in found}
    assert found == {key: expected(*key) for key in found}
