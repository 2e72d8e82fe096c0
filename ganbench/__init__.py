"""ganbench: the training stability of generative adversarial networks, measured."""

from ganbench.assembly import build as build
from ganbench.errors import BadInput as BadInput
from ganbench.game import Critic as Critic
from ganbench.game import Data as Data
from ganbench.game import Game as Game
from ganbench.game import Method as Method
from ganbench.game import Net as Net
from ganbench.game import Optimizer as Optimizer
from ganbench.game import Players as Players
from ganbench.game import ProtocolError as ProtocolError
from ganbench.game import Recipe as Recipe
from ganbench.game import Rule as Rule
from ganbench.game import Stabilizer as Stabilizer
from ganbench.game import TrainState as TrainState
from ganbench.game import compose as compose
from ganbench.metrics.catalogue import SampleMetric as SampleMetric
from ganbench.plugins import Plugin as Plugin
from ganbench.registry import Entry as Entry
from ganbench.results import Results as Results
from ganbench.results import load as load
from ganbench.sweep import run as run
from ganbench.tasks.base import Task as Task
from ganbench.zoo.catalogue import Family as Family
