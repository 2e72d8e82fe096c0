"""Nets: the families that suites name, and how a module of one's own becomes a net."""

from ganbench.zoo.catalogue import NETS as NETS
from ganbench.zoo.catalogue import Family as Family
from ganbench.zoo.catalogue import Sizes as Sizes
from ganbench.zoo.linen import from_linen as from_linen
from ganbench.zoo.nnx import from_nnx as from_nnx
