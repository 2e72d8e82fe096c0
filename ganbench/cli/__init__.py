"""The command line."""

import sys

import typer
from typer.exceptions import Abort, TyperException

from ganbench.cli import comparing, listing, making, preparing, reading, training
from ganbench.errors import BadInput

LONGEST = 1000  # characters of a message

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Benchmark the training stability of generative adversarial networks.",
)
for part in (training, listing, reading, comparing, making):
    app.add_typer(part.app)
app.add_typer(making.new, name="new")
app.add_typer(preparing.judges, name="judge")
app.add_typer(preparing.sets, name="data")


def _line(message: str) -> str:
    """A message as one line: what it quotes of a stranger's file may be a terminal's commands."""
    plain = (c if c.isprintable() else ascii(c)[1:-1] for c in message[:LONGEST])
    return "".join(plain) + "..." * (len(message) > LONGEST)


def main() -> None:
    """Runs the command line; bad input is one line on standard error and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except BadInput as error:
        print(f"error: {_line(str(error))}", file=sys.stderr)
        sys.exit(2)
    except TyperException as error:
        if error.format_message():  # without arguments the help says it all
            print(f"error: {error.format_message()}", file=sys.stderr)
        sys.exit(2)
    except Abort:
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
