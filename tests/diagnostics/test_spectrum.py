"""The game's Jacobian, matrix-free, against closed forms and dense eigenvalues."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from methods import BASES, MODIFIERS, doubled, small
from methods import setting as methods_setting
from small import KEY, T, affine, at, data, largest_difference, recipe
from test_games import setting as dirac

from ganbench import registry
from ganbench.assembly import assemble
from ganbench.diagnostics.inside import Inside, inside
from ganbench.diagnostics.spectrum import LEADING, arnoldi, eigenvalues, field, spectrum
from ganbench.game import Critic, Data, Net
from ganbench.registry import resolve
from ganbench.seeds import fold_name
from ganbench.stabilizers.entropy_sgd import entropy_sgd
from ganbench.stabilizers.gap import gap
from ganbench.stabilizers.mode_regularized import mdgan
from ganbench.stabilizers.nonsaturating import nonsaturating
from ganbench.stabilizers.wgan import wasserstein

NAN = float("nan")


def found(game: Inside, state):
    """Ritz values and residuals, from what the diagnostic itself measures."""
    (hessenberg,) = jax.jit(spectrum.measure(game))(state, KEY, T)["hessenberg"]
    return eigenvalues(np.asarray(hessenberg))


def same(values, expected, tolerance):
    """Every value is near an expected one, and every expected one near a value."""
    apart = np.abs(np.asarray(values)[:, None] - np.asarray(expected)[None])
    return apart.min(0).max() < tolerance and apart.min(1).max() < tolerance


@pytest.mark.parametrize("penalty", ["r1", "r2"])
@pytest.mark.parametrize(
    ("gamma", "tolerance"), [(0.0, 1e-4), (0.3, 1e-4), (1.0, 1e-3), (2.0, 1e-4)]
)
def test_dirac_gan(penalty, gamma, tolerance):
    """gamma / 2 +- sqrt(gamma^2 / 4 - f'(0)^2), f'(0) = 1/2; gamma = 1 is a defective root.

    Mescheder et al., arXiv 1801.04406, theorem 4.1, with the sign of descent.
    """
    with jax.enable_x64(True):
        here, stack = dirac(), f"nonsaturating+{penalty}"
        values = resolve(stack, {f"{penalty}.gamma": gamma})
        game = inside(registry.recipe(stack, values, here), here)
        state = jax.tree.map(doubled, game.method.init(KEY))
        state = at(state, **jax.tree.map(jnp.zeros_like, state.params))
        values, residuals = found(game, state)
    root = np.sqrt(complex(gamma**2 / 4 - 0.25))
    assert same(values, [gamma / 2 - root, gamma / 2 + root], tolerance)
    assert residuals.max() < 1e-6


def quadratic() -> Net:
    """d(x) = x' W x + v' x: with an affine generator the linear-quadratic GAN."""

    def init(key, x):
        n = x.shape[-1]
        return {"v": jnp.full((n,), 0.3, x.dtype), "w": jax.random.normal(key, (n, n), x.dtype)}, {}

    def apply(p, aux, x, key=None):
        return Critic(jnp.einsum("bi,ij,bj->b", x, p["w"], x) + x @ p["v"], x)

    return Net(init, apply)


def scaling(player):
    """One number a player: G(z) = a z, d(x) = w x^2."""

    def init(key, x):
        return {"a": jnp.full((), 0.7, x.dtype)}, {}

    def of_generator(p, aux, z, key=None):
        return p["a"] * z[:, :1]

    def of_discriminator(p, aux, x, key=None):
        return Critic(p["a"] * x[:, 0] ** 2, x)

    return Net(init, {"g": of_generator, "d": of_discriminator}[player])


def played(made, seen: Data) -> Inside:
    """The game of a recipe of `small`'s nets, which no task's setting goes with."""
    return inside(made, dirac())._replace(seen=seen, method=assemble(made, seen))


def begun(game: Inside):
    return jax.tree.map(doubled, game.method.init(KEY))


def dense(game: Inside, state):
    """Eigenvalues of the whole Jacobian, by the losses' gradients alone."""
    objective, key = game.objective(game.seen), fold_name(KEY, "game")
    flat, unravel = ravel_pytree(state.params)

    def descent(w):
        here = unravel(w)

        def slope(name):
            def loss(p):
                return objective(at(state, **{**here, name: p}), key, T)[0][name]

            return jax.grad(loss)(here[name])

        return ravel_pytree({name: slope(name) for name in here})[0]

    return np.linalg.eigvals(np.asarray(jax.jacobian(descent)(flat)))


def test_scalar_linear_quadratic_gan_in_closed_form():
    """v = (dL_g/da, dL_d/dw) = (-2 w a s, a^2 s - r): J = [[-2 w s, -2 a s], [2 a s, 0]]."""
    with jax.enable_x64(True):
        seen = data((1,), dtype=jnp.float64)
        made = wasserstein()(recipe(discriminator=scaling("d"), generator=scaling("g")))
        game = played(made, seen)
        state = at(begun(game), g={"a": jnp.asarray(1.3)}, d={"a": jnp.asarray(-0.4)})
        values, _ = found(game, state)
        latents = seen.latent(fold_name(KEY, "game"))[:, 0]
    a, w, s = 1.3, -0.4, float((np.asarray(latents) ** 2).mean())
    expected = np.linalg.eigvals(np.array([[-2 * w * s, -2 * a * s], [2 * a * s, 0.0]]))
    assert np.abs(expected.imag).max() > 1
    assert same(values, expected, 1e-4)


@pytest.mark.parametrize("base", [wasserstein, nonsaturating])
def test_linear_quadratic_gan_against_dense_eigenvalues(base):
    with jax.enable_x64(True):
        made = base()(recipe(discriminator=quadratic(), generator=affine(2)))
        game = played(made, data((2,), dtype=jnp.float64))
        state = begun(game)
        values, residuals = found(game, state)
        expected = dense(game, state)
    assert len(expected) == 12
    assert np.abs(expected.imag).max() > 0.1
    assert same(values, expected, 1e-4)


def test_a_game_too_large_to_be_exact_has_its_leading_eigenvalues():
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        n = 300
        rim = [5 + 3j, 5 - 3j, -4, 2 + 4j, 2 - 4j]
        j = np.diag(rng.uniform(-1, 1, n))
        j[:2, :2], j[2, 2], j[3:5, 3:5] = [[5, 3], [-3, 5]], -4, [[2, 4], [-4, 2]]
        mixing = np.eye(n) + 0.3 * rng.normal(size=(n, n)) / np.sqrt(n)
        j = jnp.asarray(mixing @ j @ np.linalg.inv(mixing))
        h = arnoldi(lambda u: j @ u, jnp.asarray(rng.normal(size=n)), 40)
        values, residuals = eigenvalues(np.asarray(h))
    assert same(values[:5], rim, 1e-4)
    assert residuals[:5].max() < 1e-4
    assert residuals.max() > 1e-3  # and it says which are not exact


def told(*values):
    """What the diagnostic says of a diagonal Jacobian, each pair of conjugates a block."""
    j = np.zeros((len(values), len(values)))
    i = 0
    while i < len(values):
        x = complex(values[i])
        if x.imag:
            j[i : i + 2, i : i + 2] = [[x.real, x.imag], [-x.imag, x.real]]
            i += 2
        else:
            j[i, i] = x.real
            i += 1
    h = arnoldi(lambda u: jnp.asarray(j, jnp.float32) @ u, jnp.ones(len(values)), len(values))
    made = spectrum.told([{"hessenberg": np.asarray(h)[None]}])
    return {name: float(x[0]) for name, x in made.items()}


def test_what_is_told_of_eigenvalues():
    made = told(3 + 4j, 3 - 4j, 2, -0.5)
    expected = {
        "real_min": -0.5,
        "real_max": 3,
        "imag_max": 4,
        "rotation": 0.8,
        "contraction": -1,
        "stable_rate": -4,
        "leading_1_real": 3,
        "leading_1_imag": 4,
        "leading_2_imag": -4,
        "leading_3_real": 2,
        "leading_4_real": -0.5,
        "leading_5_real": NAN,
        "leading_6_imag": NAN,
    }
    assert {n: made[n] for n in expected} == pytest.approx(expected, abs=1e-5, nan_ok=True)
    stable = told(3 + 4j, 3 - 4j, 2)
    assert stable["contraction"] == pytest.approx(0.6, abs=1e-5)
    assert stable["stable_rate"] == pytest.approx(min(6 / 25, 1.0), abs=1e-5)


def test_no_field_and_a_broken_one():
    zero = {"hessenberg": np.zeros((1, 3, 2), np.float32)}
    made = spectrum.told([zero, {"hessenberg": np.full((1, 3, 2), np.nan)}])
    none = {name for name, x in made.items() if np.isnan(x[0])}
    assert none >= {"rotation", "contraction", "stable_rate"}  # of nothing: no angle, no limit
    assert made["real_max"][0] == made["converged"][0] == 0
    assert all(np.isnan(x[1]) for x in made.values())
    assert len(made) == 8 + 2 * LEADING


def test_angles_are_of_converged_values_alone():
    """A Krylov space that is not whole: the last value is no eigenvalue yet, and says so."""
    j = jnp.asarray(np.diag([3.0, 2.9, -1.0, 0.5]), jnp.float32)
    h = arnoldi(lambda u: j @ u, jnp.asarray([1.0, 1e-5, 1e-5, 1e-5]), 2)
    values, residuals = eigenvalues(np.asarray(h))
    made = spectrum.told([{"hessenberg": np.asarray(h)[None]}])
    sure = residuals <= 1e-3 * np.abs(values)
    assert made["converged"][0] == sure.sum() == 1
    assert made["contraction"][0] == pytest.approx(1, abs=1e-5)
    assert made["residual"][0] == pytest.approx(residuals.max() / abs(values[0]), rel=1e-6)
    assert made["residual"][0] > 1e-3


def test_a_slope_that_is_written_down_has_no_spectrum():
    with jax.enable_x64(True):
        game = played(entropy_sgd()(wasserstein()(recipe())), data(dtype=jnp.float64))
        assert spectrum.measure(game)(begun(game), KEY, T) == {}


def test_every_pair_of_gap_is_measured_and_extra_state_is_left_alone():
    with jax.enable_x64(True):
        seen = data((2,), dtype=jnp.float64)
        plain = wasserstein()(recipe(discriminator=quadratic(), generator=affine(2)))
        many = played(gap(3)(plain), seen)
        state = many.method.init(KEY)
        apart = jax.jit(spectrum.measure(many))(state, KEY, T)["hessenberg"]
        assert len(apart) == 3
        game = played(plain, seen)
        for i, one in enumerate(apart):
            own = jax.tree.map(lambda x, i=i: x[i], state)
            own = own._replace(aux={**own.aux, "g/average": own.params["g"]})
            np.testing.assert_allclose(eigenvalues(one)[0], found(game, own)[0], atol=1e-8)


def test_a_player_of_two_losses_has_the_sum_of_their_gradients():
    with jax.enable_x64(True):
        game = played(mdgan()(recipe()), data(dtype=jnp.float64))
        state = begun(game)
        objective = game.objective(game.seen)
        v, w = field(objective, game.scheduled(), state, KEY, T)
        _, unravel = ravel_pytree(state.params)

        def loss(p):
            losses, _ = objective(at(state, g=p), KEY, T)
            return losses["g.manifold"] + losses["g.diffusion"]

        expected = jax.grad(loss)(state.params["g"])
        assert largest_difference(unravel(v(w))["g"], expected) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*BASES, *MODIFIERS} - {"entropy-sgd", "egan-ent-nn"}))
def test_the_product_is_the_fields_own_derivative(name):
    """J u against a central difference of v: a slope with a part held fixed would show."""
    with jax.enable_x64(True):
        here = methods_setting(dtype=jnp.float64)
        game = inside(registry.recipe(name, small(name), here), here)
        game = game._replace(recipe=game.recipe._replace(outer=lambda method: method))
        state = jax.tree.map(doubled, assemble(game.recipe, game.seen).init(KEY))
        v, w = field(game.objective(game.seen), game.scheduled(), state, KEY, T)
        u = jnp.asarray(np.random.default_rng(0).standard_normal(w.shape))
        u = u / jnp.linalg.norm(u)
        product = jax.jit(lambda w: jax.jvp(v, (w,), (u,))[1])(w)
        field_at, step = jax.jit(v), 1e-6
        difference = (field_at(w + step * u) - field_at(w - step * u)) / (2 * step)
        apart = jnp.linalg.norm(product - difference)
        assert apart <= 1e-4 * (1 + jnp.linalg.norm(product))
