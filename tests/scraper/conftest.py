"""What tests under this folder may ask for."""

import gc

import pytest


@pytest.fixture
def unpaused():
    """No garbage is collected meanwhile: it would stand between a start and its measuring."""
    gc.disable()
    yield
    gc.enable()
