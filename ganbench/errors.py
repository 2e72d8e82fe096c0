"""The one exception that a person is meant to read."""


class BadInput(ValueError):
    """Something the user typed or wrote in a file is wrong.

    The message is one line that names the file or flag, the key, and what is allowed. The command
    line prints it and exits with code 2; nothing has been written by then.
    """


def choices(names) -> str:
    """The allowed values of a key, as a message lists them: sorted and comma-separated."""
    return ", ".join(sorted(names))
