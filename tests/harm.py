"""What befalls files, and the process that writes them."""


class Killed(BaseException):
    """What no `except Exception` swallows, as a kill would."""


def cut(path, rng):
    data = path.read_bytes()
    path.write_bytes(data[: rng.integers(len(data))])


def flipped(path, rng):
    data = bytearray(path.read_bytes())
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    path.write_bytes(bytes(data))


def gone(path, rng):
    path.unlink()
