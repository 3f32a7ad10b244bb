"""How many examples a property is tried on: all with the slow tests, a fifth of them without."""

from __future__ import annotations

from hypothesis import settings

WHOLE = 100


def load_draws(*, all_of_them: bool) -> None:
    """Before the tests are imported; the same examples every time, however long one takes."""
    number = WHOLE if all_of_them else WHOLE // 5
    settings.register_profile("flopprof", deadline=None, derandomize=True, max_examples=number)
    settings.load_profile("flopprof")


def draws(number: int) -> settings:
    """Of a property that deserves another number of examples than WHOLE."""
    return settings(max_examples=max(1, number * settings.default.max_examples // WHOLE))
