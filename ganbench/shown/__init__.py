"""Tables for a terminal: what it has room for; the CSV files hold the rest."""

from ganbench.shown.analyses import informativeness as informativeness
from ganbench.shown.analyses import robustness as robustness
from ganbench.shown.analyses import tournament as tournament
from ganbench.shown.board import leaderboard as leaderboard
from ganbench.shown.board import scores as scores
from ganbench.shown.comparison import comparison as comparison
from ganbench.shown.training import status as status
