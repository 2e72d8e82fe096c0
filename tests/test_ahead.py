"""One result ahead: when each call is made, whose error is whose, and what an end leaves undone."""

import threading
import time

import pytest

from ganbench.ahead import Ahead


def recorded(number, begun, gate=None):
    def call():
        begun.append(number)
        if gate is not None:
            assert gate.wait(10)
        if number == 1:
            raise ValueError("the second")
        return number

    return call


def test_the_next_call_is_made_while_a_result_is_used_and_no_other():
    begun, gate = [], threading.Event()
    calls = [recorded(0, begun), *(recorded(i, begun, gate) for i in (2, 3))]
    with Ahead(calls) as ahead:
        assert begun == []
        assert ahead.take() == 0
        gate.set()
        assert ahead.take() == 2
        assert ahead.take() == 3
        assert begun == [0, 2, 3]
        with pytest.raises(IndexError):
            ahead.take()


def test_an_error_is_that_of_its_own_call():
    begun = []
    with Ahead(recorded(i, begun) for i in range(3)) as ahead:
        assert ahead.take() == 0
        with pytest.raises(ValueError, match="the second"):
            ahead.take()
        assert ahead.take() == 2


def test_an_end_begins_nothing():
    begun, gate = [], threading.Event()
    calls = [recorded(0, begun), recorded(2, begun, gate), recorded(3, begun)]
    with Ahead(calls) as ahead:
        assert ahead.take() == 0
        deadline = time.monotonic() + 10
        while begun != [0, 2] and time.monotonic() < deadline:
            time.sleep(0.001)
        threading.Timer(0.05, gate.set).start()  # the second is in flight when the context ends
    assert begun == [0, 2]
