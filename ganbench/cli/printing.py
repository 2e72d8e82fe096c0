"""What the commands share. The command line is the only place that prints."""

from collections.abc import Callable, Iterable, Sequence

import pandas as pd
from rich.console import Console, RenderableType

from ganbench import shown
from ganbench.errors import BadInput


def names(text: str | None, flag: str) -> list[str] | None:
    """The names in a comma-separated option; None if it is not given."""
    if text is None:
        return None
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise BadInput(f"{flag}: {text!r} must be names separated by commas")
    return names


def show_board(
    board: pd.DataFrame, boxed: Sequence[str], robustness: Callable[[], pd.DataFrame]
) -> None:
    """Prints a leaderboard: a row a method, or what `robustness` makes of it, where tasks have a
    box, of which a row a point says little.
    """
    of_box = board["task"].isin(list(boxed))
    if not board[~of_box].empty:
        show(shown.leaderboard(board[~of_box]))
    if board[of_box]["rank"].notna().any():
        show(shown.robustness(robustness()))


def show(made: Iterable[RenderableType]) -> None:
    """Prints tables and lines, as wide as the terminal is."""
    console = Console(markup=False)  # what files call a method is no markup
    if not console.is_terminal:
        console.width = 140  # a file has no edge to wrap at
    for part in made:
        console.print(part, highlight=False)
