"""Draws of a test's module-level generator are the same whichever tests ran before it."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def same_draws(request: pytest.FixtureRequest) -> Iterator[None]:
    generator = getattr(request.module, "RNG", None)
    state = None if generator is None else generator.bit_generator.state
    if generator is not None:
        generator.bit_generator.state = np.random.default_rng(17).bit_generator.state
    yield
    if generator is not None:
        generator.bit_generator.state = state
