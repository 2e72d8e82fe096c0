"""Methods by name: the one table that a new stabilizer is added to, and stacks read from it."""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import jax
import pydantic

from ganbench import references
from ganbench.assembly import build
from ganbench.errors import BadInput, choices
from ganbench.game import Data, Method, Recipe, compose
from ganbench.setting import Setting, data, plain, turns
from ganbench.stabilizers.autoencoding import vae, vaegan
from ganbench.stabilizers.bidirectional import ali, bigan, veegan
from ganbench.stabilizers.calibrated import egan_ent_nn, egan_ent_vi
from ganbench.stabilizers.dfm import dfm
from ganbench.stabilizers.diffusion_gan import diffusion_gan
from ganbench.stabilizers.dragan import dragan
from ganbench.stabilizers.ebgan import ebgan, ebgan_pt
from ganbench.stabilizers.ema import ema
from ganbench.stabilizers.entropy_sgd import entropy_sgd
from ganbench.stabilizers.eve import eve
from ganbench.stabilizers.gap import gap
from ganbench.stabilizers.gradient_noise import gradient_noise
from ganbench.stabilizers.hinge import hinge
from ganbench.stabilizers.improved import (
    feature_matching,
    historical_averaging,
    label_smoothing,
    minibatch_discrimination,
)
from ganbench.stabilizers.infogan import infogan
from ganbench.stabilizers.instance_noise import instance_noise
from ganbench.stabilizers.least_squares import lsgan
from ganbench.stabilizers.lookahead import lookahead
from ganbench.stabilizers.mode_regularized import mdgan, reg_gan
from ganbench.stabilizers.nonsaturating import minimax, nonsaturating
from ganbench.stabilizers.optimistic import optimistic_adam
from ganbench.stabilizers.pacgan import pacgan
from ganbench.stabilizers.pelu import pelu
from ganbench.stabilizers.relativistic import r3gan, ragan, rpgan
from ganbench.stabilizers.roth import roth
from ganbench.stabilizers.spectral_norm import spectral_norm
from ganbench.stabilizers.together import consensus, extragradient, simultaneous
from ganbench.stabilizers.ttur import ttur
from ganbench.stabilizers.unrolled import unrolled
from ganbench.stabilizers.vgan import vgan
from ganbench.stabilizers.wgan import wasserstein, wgan, wgan_gp
from ganbench.stabilizers.zero_centred import r1, r1r2, r2, wgan_gp0

Values = Mapping[str, Any]


class Entry(NamedTuple):
    """A registered name.

    kind "base" and "modifier": `factory(**hyperparameters)` is a stabilizer; "method":
    `factory(setting, **hyperparameters)` is a finished `Method`, which stacks with nothing;
    "reference": such a method that heads every task unranked. `base` is the base that a modifier's
    paper prescribes, used where a stack names none.
    """

    factory: Callable[..., Any]
    kind: str
    base: str | None = None
    version: int = 1  # raised when a change to the method moves its numbers
    stamp: str = ""  # of a plug-in, what its file holds: edited, its runs are trained anew


METHODS: dict[str, Entry] = {
    "real": Entry(references.real, "reference"),
    "held-out": Entry(references.held_out, "reference"),
    "noise": Entry(references.noise, "reference"),
    "nonsaturating": Entry(nonsaturating, "base"),
    "minimax": Entry(minimax, "base"),
    "lsgan": Entry(lsgan, "base"),
    "hinge": Entry(hinge, "base"),
    "rpgan": Entry(rpgan, "base"),
    "ragan": Entry(ragan, "base"),
    "r3gan": Entry(r3gan, "base"),
    "wasserstein": Entry(wasserstein, "base"),
    "wgan": Entry(wgan, "base", version=2),
    "wgan-gp": Entry(wgan_gp, "base"),
    "feature-matching": Entry(feature_matching, "base"),
    "reg-gan": Entry(reg_gan, "base"),
    "mdgan": Entry(mdgan, "base"),
    "ebgan": Entry(ebgan, "base"),
    "ebgan-pt": Entry(ebgan_pt, "base"),
    "vgan": Entry(vgan, "base"),
    "egan-ent-nn": Entry(egan_ent_nn, "base"),
    "egan-ent-vi": Entry(egan_ent_vi, "base"),
    "ali": Entry(ali, "base"),
    "bigan": Entry(bigan, "base"),
    "veegan": Entry(veegan, "base"),
    "vaegan": Entry(vaegan, "base"),
    "infogan": Entry(infogan, "base"),
    "vae": Entry(vae, "base"),
    "r1": Entry(r1, "modifier"),
    "r2": Entry(r2, "modifier"),
    "r1r2": Entry(r1r2, "modifier"),
    "wgan-gp0": Entry(wgan_gp0, "modifier"),
    "dragan": Entry(dragan, "modifier"),
    "roth": Entry(roth, "modifier"),
    "dfm": Entry(dfm, "modifier"),
    "label-smoothing": Entry(label_smoothing, "modifier"),
    "pacgan": Entry(pacgan, "modifier"),
    "minibatch-discrimination": Entry(minibatch_discrimination, "modifier"),
    "instance-noise": Entry(instance_noise, "modifier"),
    "diffusion-gan": Entry(diffusion_gan, "modifier"),
    "spectral-norm": Entry(spectral_norm, "modifier"),
    "pelu": Entry(pelu, "modifier"),
    "ttur": Entry(ttur, "modifier"),
    "optimistic-adam": Entry(optimistic_adam, "modifier"),
    "eve": Entry(eve, "modifier"),
    "historical-averaging": Entry(historical_averaging, "modifier"),
    "simultaneous": Entry(simultaneous, "modifier"),
    "extragradient": Entry(extragradient, "modifier"),
    "consensus": Entry(consensus, "modifier"),
    "unrolled": Entry(unrolled, "modifier", base="minimax"),
    "gradient-noise": Entry(gradient_noise, "modifier"),
    "entropy-sgd": Entry(entropy_sgd, "modifier"),
    "lookahead": Entry(lookahead, "modifier"),
    "ema": Entry(ema, "modifier"),
    "gap": Entry(gap, "modifier"),
}

#: (kind, name) -> why something that a plug-in adds cannot be used; see `plugins`.
BROKEN: dict[tuple[str, str], str] = {}

DEFAULT_BASE = "nonsaturating"
FINISHED = ("method", "reference")  # kinds that stack with nothing


class Parameter(NamedTuple):
    """One hyperparameter of a factory; `traced` if a column of values shares one compilation."""

    name: str
    annotation: Any
    default: Any
    traced: bool


def parameters(name: str) -> tuple[Parameter, ...]:
    """The hyperparameters of a registered name, read from its factory's signature.

    The annotation is the contract: `float` is traced, anything else is static.
    """
    made = []
    for p in inspect.signature(METHODS[name].factory, eval_str=True).parameters.values():
        if p.annotation is not Setting:
            annotated = get_origin(p.annotation) is Annotated
            bare = get_args(p.annotation)[0] if annotated else p.annotation
            made.append(Parameter(p.name, p.annotation, p.default, bare is float))
    return tuple(made)


def names_of(method: str) -> tuple[str, ...]:
    """The registered names of stack `method`, its base first, an implied base put in front.

    Raises:
        BadInput: an unknown or repeated name, two bases, modifiers whose papers prescribe different
            bases, or a name that stacks with nothing in a stack.
    """
    names = tuple(part.strip() for part in method.split("+"))
    for name in names:
        if name not in METHODS and ("stabilizers", name) in BROKEN:
            reason = BROKEN["stabilizers", name]
            raise BadInput(f"method {method!r}: {name!r} is a broken plug-in: {reason}")
        if name not in METHODS:
            raise BadInput(f"method {method!r}: unknown name {name!r}; known: {choices(METHODS)}")
        if names.count(name) > 1:
            raise BadInput(f"method {method!r}: {name!r} appears twice")
        if METHODS[name].kind in FINISHED and len(names) > 1:
            raise BadInput(f"method {method!r}: {name!r} stacks with nothing")
    bases = [name for name in names if METHODS[name].kind == "base"]
    if len(bases) > 1:
        raise BadInput(f"method {method!r}: {bases[0]} and {bases[1]} are both bases; name one")
    if METHODS[names[0]].kind in FINISHED:
        return names
    modifiers = tuple(name for name in names if name not in bases)
    return (bases[0] if bases else _implied_base(method, modifiers), *modifiers)


def canonical_name(method: str) -> str:
    """One text for one method: no spaces, the base first, a base that goes without saying left out.

    `nonsaturating+gap` is `gap`, `r1+wgan` is `wgan+r1`; modifiers keep their order.

    Raises:
        BadInput: see `names_of`.
    """
    names = names_of(method)
    implied = len(names) > 1 and names_of("+".join(names[1:])) == names
    return "+".join(names[1:] if implied else names)


def _implied_base(method: str, modifiers: tuple[str, ...]) -> str:
    prescribed = {METHODS[m].base: m for m in modifiers if METHODS[m].base is not None}
    if len(prescribed) > 1:
        raise BadInput(
            f"method {method!r}: {' and '.join(prescribed.values())} come from different bases "
            f"({choices(b for b in prescribed if b)}); name one"
        )
    return next((base for base in prescribed if base), DEFAULT_BASE)


def resolve(method: str, given: Values) -> dict[str, Any]:
    """All hyperparameters of stack `method` as {"name.parameter": value}, defaults filled in.

    Raises:
        BadInput: see `names_of`; or an unknown, wrongly typed or out-of-range hyperparameter.
    """
    known = {f"{n}.{p.name}": p for n in names_of(method) for p in parameters(n)}
    values = {}
    for key in given:
        if key not in known:
            allowed = choices(known) or "none"
            raise BadInput(f"method {method!r}: unknown hyperparameter {key!r}; known: {allowed}")
    for key, parameter in known.items():
        values[key] = _checked(method, key, parameter, given.get(key, parameter.default))
    return values


def _checked(method: str, key: str, parameter: Parameter, value: Any) -> Any:
    config = pydantic.ConfigDict(strict=True, allow_inf_nan=False)
    adapter: pydantic.TypeAdapter = pydantic.TypeAdapter(parameter.annotation, config=config)
    try:
        return adapter.validate_python(value)
    except pydantic.ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise BadInput(f"method {method!r}: {key} = {value!r}: {reason}") from None


def traced_names(method: str) -> frozenset[str]:
    """The full names of the hyperparameters of `method` that lanes of one compilation may vary."""
    names = names_of(method)
    return frozenset(f"{n}.{p.name}" for n in names for p in parameters(n) if p.traced)


def _own(name: str, hyperparameters: Values) -> dict[str, Any]:
    return {p.name: hyperparameters[f"{name}.{p.name}"] for p in parameters(name)}


def _made(name: str, *given: Any, **hyperparameters: Any) -> Any:
    try:
        return METHODS[name].factory(*given, **hyperparameters)
    except SystemExit:  # of a plug-in: nothing would be said of why all ended
        raise BadInput(f"method {name!r}: its factory ends the program") from None


def recipe(method: str, hyperparameters: Values, setting: Setting) -> Recipe:
    """The recipe that stack `method` writes, from the setting's plain one.

    Raises:
        BadInput: see `names_of`.
    """
    base, *modifiers = (_made(name, **_own(name, hyperparameters)) for name in names_of(method))
    return compose(base, turns(setting), *modifiers)(plain(setting))


def make(
    method: str,
    hyperparameters: Values,
    setting: Setting,
    build: Callable[[Recipe, Data], Method] = build,
) -> Method:
    """The method that stack `method` names, built in `setting`.

    Called inside the traced function: traced hyperparameters may be tracers.

    Args:
        build: `assembly.assemble` for what passed `check` before.

    Raises:
        BadInput: see `names_of`.
        ProtocolError: see `assembly.build`.
    """
    first = names_of(method)[0]
    if METHODS[first].kind in FINISHED:
        return _made(first, setting, **_own(first, hyperparameters))
    return build(recipe(method, hyperparameters, setting), data(setting))


def check(method: str, hyperparameters: Values, setting: Setting) -> None:
    """Finds what is wrong with `method` in `setting`: losses and samples are traced, no more.

    Raises:
        BadInput: see `names_of`.
        ProtocolError: see `assembly.build`; or the method refuses its batch.
    """

    def samples(key: jax.Array) -> jax.Array:
        made = make(method, hyperparameters, setting)
        return made.generate(made.init(key), key)

    jax.eval_shape(samples, jax.random.key(0))


def kinds(kind: str) -> tuple[str, ...]:
    """The registered names of one kind, in the registry's order."""
    return tuple(name for name, entry in METHODS.items() if entry.kind == kind)


def plays(method: str) -> bool:
    """Whether stack `method` is made of a recipe, with a game to look into."""
    return METHODS[names_of(method)[0]].kind not in FINISHED
