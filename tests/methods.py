"""Every registered method and stack, built small."""

from ganbench import registry
from ganbench.conformance.trial import BATCH as BATCH
from ganbench.conformance.trial import KEY as KEY
from ganbench.conformance.trial import doubled as doubled
from ganbench.conformance.trial import made as made
from ganbench.conformance.trial import setting as setting
from ganbench.conformance.trial import small as small
from ganbench.game import touched
from ganbench.registry import METHODS, kinds, parameters

BASES, MODIFIERS = kinds("base"), kinds("modifier")


def slots_of(modifier):
    """What of the recipe the modifier replaces or wraps."""
    own = {p.name: p.default for p in parameters(modifier)}
    before = registry.recipe("nonsaturating", {}, setting())
    return touched(METHODS[modifier].factory(**own), before)
