"""DCGAN's, SNGAN's and the recurrent nets, and modules that users bring."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from methods import setting
from small import normal

from ganbench.assembly import build
from ganbench.errors import BadInput
from ganbench.game import ProtocolError
from ganbench.registry import recipe, resolve
from ganbench.setting import data
from ganbench.zoo.activation import with_pelu
from ganbench.zoo.catalogue import NETS, Family, Sizes, zoo
from ganbench.zoo.regularization import BatchNorm, Dropout

KEY, BATCH, LATENT = jax.random.key(0), 4, 5
DEEP = {
    "dcgan-28": ("dcgan", Sizes((28, 28, 1), LATENT, 4, 3)),
    "dcgan-32": ("dcgan", Sizes((32, 32, 3), LATENT, 4, 3)),
    "dcgan-wide": ("dcgan", Sizes((28, 84, 1), LATENT, 4, 4)),
    "dcgan-small": ("dcgan-small", Sizes((28, 28, 3), LATENT, 4, 3)),
    "resnet-32": ("resnet", Sizes((32, 32, 3), LATENT, 4, 3)),
    "resnet-28": ("resnet", Sizes((28, 28, 1), LATENT, 4, 3)),
    "recurrent": ("recurrent", Sizes((28, 28, 1), LATENT, 8, 2)),
    "fully-connected": ("fully-connected", Sizes((28, 28, 1), LATENT, 8, 3)),
}
deep = pytest.mark.parametrize(("family", "sizes"), DEEP.values(), ids=DEEP)


def given(role, sizes, batch=BATCH):
    lengths = {"generator": (LATENT,), "denoiser": (7,)}
    return normal(1, batch, *lengths.get(role, sizes.shape))


def made(net, *x):
    """(params, aux, output), in one compilation."""

    def both(*x):
        params, aux = net.init(KEY, *x)
        return params, aux, net.apply(params, aux, *x, key=KEY)

    return jax.jit(both)(*x)


def shapes(params):
    """Each parameter's shape, by its path."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(p, simple=True, separator="/"): x.shape for p, x in leaves}


def kernels(params):
    return [shape for name, shape in shapes(params).items() if name.endswith("kernel")]


@deep
def test_every_role_has_the_right_shape(family, sizes):
    nets, out = zoo(family, sizes), {}
    assert tuple(nets) == Family._fields
    for role, net in nets.items():
        _, aux, out[role] = jax.eval_shape(lambda x, net=net: made(net, x), given(role, sizes))
        assert aux == {}
    assert out["generator"].shape == (BATCH, *sizes.shape)
    assert out["discriminator"].score.shape == out["autoencoder"].score.shape == (BATCH,)
    assert out["encoder"].shape == (BATCH, LATENT)
    assert out["denoiser"].shape == (BATCH, 7)
    code = {"dcgan": 8, "dcgan-small": 8, "recurrent": 8}.get(family, 1) * sizes.width
    assert out["autoencoder"].features.shape == (BATCH, code)


@deep
def test_precision_follows_the_inputs(family, sizes):
    with jax.enable_x64(True):
        for role, net in zoo(family, sizes).items():
            for dtype in ("float32", "float64"):
                x = given(role, sizes).astype(dtype)
                found = jax.eval_shape(lambda x, net=net: made(net, x), x)
                assert {str(leaf.dtype) for leaf in jax.tree.leaves(found)} == {dtype}, role


#: Layers between which an activation stands: (of the discriminator, of the generator).
ACTIVATIONS = {
    "dcgan-28": (3, 3),
    "dcgan-small": (3, 4),
    "resnet-32": (8, 7),  # two a block, but one before the first, and one at the end
    "recurrent": (2, 1),  # an LSTM's own are none of these
    "fully-connected": (2, 2),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_layer_has_a_learnt_shape_of_its_own(name):
    family, sizes = DEEP[name]
    nets = zoo(family, sizes)
    for role, expected in zip(("discriminator", "generator"), ACTIVATIONS[name], strict=True):
        with with_pelu():
            params, _ = jax.eval_shape(nets[role].init, KEY, given(role, sizes))
        found = [path for path in shapes(params) if path.endswith("/a")]
        assert len(found) == expected, role


@pytest.mark.parametrize("name", ["dcgan-28", "dcgan-small", "resnet-32", "recurrent"])
def test_images_are_within_one_and_not_all_alike(name):
    family, sizes = DEEP[name]
    x = made(zoo(family, sizes)["generator"], given("generator", sizes))[2]
    assert jnp.abs(x).max() <= 1
    assert x.std() > 0.02 and x.std(0).mean() > 0.01


def test_small_discriminators_have_the_published_channels():
    """A quarter of the generator: 2, 4, 8 channels, each normalised; 4x4x8 values to one score."""
    sizes = Sizes((28, 28, 3), 256, 2, 3)
    params, _ = jax.eval_shape(
        zoo("dcgan-small", sizes)["discriminator"].init, KEY, given("", sizes)
    )
    assert kernels(params) == [(128, 1), (3, 3, 3, 2), (3, 3, 2, 4), (3, 3, 4, 8)]
    assert sum("scale" in name for name in shapes(params)) == 3
    sizes = sizes._replace(width=8)
    params, _ = jax.eval_shape(zoo("dcgan-small", sizes)["generator"].init, KEY, normal(1, 4, 256))
    assert set(kernels(params)) == {
        *((256, 4 * 4 * 64), (3, 3, 64, 32), (3, 3, 32, 16), (3, 3, 16, 8), (3, 3, 8, 3))
    }


def test_dcgan_widens_as_maps_shrink_and_normalises_neither_end():
    sizes = Sizes((32, 32, 3), LATENT, 64, 3)
    params, _ = jax.eval_shape(zoo("dcgan", sizes)["discriminator"].init, KEY, given("", sizes))
    found = {shape for shape in kernels(params)}
    assert found == {(4, 4, 3, 64), (4, 4, 64, 128), (4, 4, 128, 256), (4 * 4 * 256, 1)}
    assert sum("scale" in name for name in shapes(params)) == 2
    params, _ = jax.eval_shape(zoo("dcgan", sizes)["generator"].init, KEY, normal(1, 4, LATENT))
    found = {shape for shape in kernels(params)}
    assert found == {(LATENT, 4 * 4 * 256), (4, 4, 256, 128), (4, 4, 128, 64), (4, 4, 64, 3)}
    assert sum("scale" in name for name in shapes(params)) == 3


def test_sngans_blocks_have_the_published_sizes():
    """Miyato et al., table 4: 4 x 4 x 256, three blocks up; two blocks down, two more, a sum."""
    sizes = Sizes((32, 32, 3), 128, 256, 3)
    params, _ = jax.eval_shape(zoo("resnet", sizes)["generator"].init, KEY, normal(1, 4, 128))
    assert (128, 4 * 4 * 256) in kernels(params)
    assert kernels(params).count((3, 3, 256, 256)) == 6
    assert kernels(params).count((3, 3, 256, 3)) == 1
    sizes = sizes._replace(width=128)
    params, _ = jax.eval_shape(zoo("resnet", sizes)["discriminator"].init, KEY, given("", sizes))
    assert kernels(params).count((3, 3, 128, 128)) == 7
    assert kernels(params).count((3, 3, 3, 128)) == 1
    assert kernels(params).count((128, 1)) == 1
    assert not any("scale" in name for name in shapes(params))


def test_a_recurrent_generator_writes_from_left_to_right():
    """A change of the last columns' weights alone changes nothing before: columns are steps."""
    sizes = Sizes((6, 9, 2), LATENT, 8, 2)
    net = zoo("recurrent", sizes)["generator"]
    z = normal(1, BATCH, LATENT)
    params, aux, x = made(net, z)
    assert x.shape == (BATCH, 6, 9, 2)
    h0 = params["OptimizedLSTMCell_0"]
    assert any(shape == (8, 8) for shape in shapes(h0).values())

    def column(params, i):
        return net.apply(params, aux, z)[:, :, i]

    # the recurrent weights matter at every step but the first, where the state is zero
    recurrent = {
        **params,
        "OptimizedLSTMCell_0": {
            name: jax.tree.map(lambda w: 2 * w, own) if name.startswith("h") else own
            for name, own in h0.items()
        },
    }
    np.testing.assert_allclose(column(params, 0), column(recurrent, 0), atol=1e-6)
    assert jnp.abs(column(params, 3) - column(recurrent, 3)).max() > 1e-3


ALONE = [
    pytest.param(
        *(family, sizes._replace(normalized=wanted), role),
        marks=pytest.mark.slow if wanted is None and family != "conv" else (),
    )
    for family, sizes in (
        ("mlp", Sizes((8, 8, 1), LATENT, 8, 2)),
        ("dcgan", Sizes((8, 8, 1), LATENT, 4, 2)),
        ("dcgan-small", Sizes((8, 8, 1), LATENT, 4, 2)),
        ("resnet", Sizes((8, 8, 1), LATENT, 4, 2)),
        ("recurrent", Sizes((8, 8, 1), LATENT, 4, 2)),
        ("conv", Sizes((8, 8, 1), LATENT, 4, 1)),
    )
    for wanted in ((None,) if family == "conv" else (None, True, False))
    for role in ("discriminator", "encoder", "autoencoder")
]


@pytest.mark.parametrize(("family", "sizes", "role"), ALONE)
def test_nets_say_whether_they_judge_each_sample_for_itself(family, sizes, role):
    net = zoo(family, sizes)[role]
    x = given(role, sizes)
    params, aux, out = made(net, x)
    other = net.apply(params, aux, x.at[1:].set(normal(2, BATCH - 1, *sizes.shape)))
    first = [leaf[0] for leaf in jax.tree.leaves(out)]
    second = [leaf[0] for leaf in jax.tree.leaves(other)]
    apart = max(float(jnp.abs(a - b).max()) for a, b in zip(first, second, strict=True))
    assert (apart < 1e-5) == net.alone


def test_batch_normalization_is_flaxs():
    x = 3 + 2 * normal(1, BATCH, 5, 6, 7)
    theirs = nn.BatchNorm(use_running_average=False, epsilon=1e-5)
    expected, _ = theirs.apply(theirs.init(KEY, x), x, mutable=["batch_stats"])
    ours = BatchNorm()
    np.testing.assert_allclose(ours.apply(ours.init(KEY, x), x), expected, atol=1e-5)


def test_dropout_keeps_the_mean_and_may_be_traced():
    x = jnp.ones((100, 100))
    dropped = jax.jit(lambda rate: Dropout(rate).apply({}, x, rngs={"dropout": KEY}))
    assert set(np.unique(dropped(0.75))) == {0.0, 4.0}
    assert dropped(0.75).mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(dropped(0.0), x)


@pytest.mark.parametrize("family", ["mlp", "fully-connected"])
def test_units_are_dropped_by_discriminators_and_nowhere_else(family):
    sizes = Sizes((2,), LATENT, 64, 3, normalized=False, dropout=0.5)
    for role, net in zoo(family, sizes).items():
        x = given(role, sizes)
        params, aux = net.init(KEY, x)
        one, two = (net.apply(params, aux, x, key=jax.random.key(i)) for i in (1, 2))
        alike = all(
            bool((a == b).all())
            for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
        )
        assert alike == (role not in ("discriminator", "autoencoder"))


@pytest.mark.parametrize(
    ("family", "sizes", "message"),
    [
        ("dcgan", Sizes((2,), 5, 4, 1), "nets dcgan takes images"),
        ("dcgan", Sizes((8, 8, 1), 5, 4, 4), "4 strides of 2 are too many for images of 8x8"),
        ("dcgan-small", Sizes((2,), 5, 4, 1), "nets dcgan-small takes images"),
        ("resnet", Sizes((8, 8, 1), 5, 4, 4), "at least 16 pixels a side at depth 4"),
        ("recurrent", Sizes((2,), 5, 4, 1), "takes images"),
        ("conv", Sizes((8, 8, 1), 5, 4, 1, normalized=True), "nets conv takes no normalized"),
        ("dcgan", Sizes((8, 8, 1), 5, 4, 1, dropout=0.5), "nets dcgan takes no dropout"),
        ("points", Sizes((2,), 1, 1, 1, normalized=False), "nets points takes no normalized"),
        ("toy", Sizes((2,), 1, 1, 1, dropout=0.5), "nets toy takes no dropout"),
    ],
)
def test_bad_input_is_named(family, sizes, message):
    with pytest.raises(BadInput, match=message):
        zoo(family, sizes)


@pytest.mark.parametrize("method", ["r1", "r1r2", "r3gan", "wgan-gp", "dragan", "roth"])
def test_a_penalty_on_single_samples_refuses_a_normalised_discriminator(method):
    made = setting()
    nets = zoo("mlp", Sizes(made.task.shape, 2, 8, 2, normalized=True))
    for normal_d in (True, False):
        discriminator = nets["discriminator"] if normal_d else made.zoo["discriminator"]
        own = made._replace(zoo={**nets, "discriminator": discriminator})
        written = recipe(method, resolve(method, {}), own)
        if normal_d:
            with pytest.raises(ProtocolError, match="slope at a single sample, which batch norm"):
                build(written, data(own))
        else:
            build(written, data(own))


def test_every_family_is_tested():
    elsewhere = {"mlp", "conv", "channels", "points", "toy"}
    assert {family for family, _ in DEEP.values()} == set(NETS) - elsewhere
