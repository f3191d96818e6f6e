"""Environment variables: what each means, and what is refused."""

from __future__ import annotations

import pytest

from numflow import config
from numflow.kernels import settings


def test_defaults() -> None:
    """Nothing set, or set to nothing: all cores, the user's cache folder, the machine at hand."""
    for environment in ({"HOME": "/home/u"}, {"HOME": "/home/u", "NUMFLOW_TARGET": ""}):
        read = settings.read(environment)
        assert read.threads >= 1
        assert read.cache_dir == "/home/u/.cache/numflow"
        assert (read.codegen, read.target) == ("simd", "native")


def test_each_variable() -> None:
    """A value from outside wins; a relative XDG folder is no folder."""
    read = settings.read(
        {
            "NUMFLOW_NUM_THREADS": "3",
            "NUMFLOW_CACHE_DIR": "/tmp/c",
            "NUMFLOW_CODEGEN": "numba",
            "NUMFLOW_TARGET": "avx2",
            "NUMFLOW_WINOGRAD": "0",
        }
    )
    assert read == settings.Settings(3, "/tmp/c", "numba", "avx2", winograd=False)
    home = {"HOME": "/home/u"}
    assert settings.read({"XDG_CACHE_HOME": "/x"}).cache_dir == "/x/numflow"
    assert settings.read(home | {"XDG_CACHE_HOME": "x"}).cache_dir == "/home/u/.cache/numflow"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("NUMFLOW_NUM_THREADS", "0", "1 to 1024 is wanted. Received: '0'"),
        ("NUMFLOW_NUM_THREADS", "many", "1 to 1024 is wanted. Received: 'many'"),
        ("NUMFLOW_WINOGRAD", "off", "one of 1, 0 is wanted. Received: 'off'"),
        ("NUMFLOW_CODEGEN", "c", "one of simd, numba is wanted. Received: 'c'"),
        (
            "NUMFLOW_TARGET",
            "sse",
            "one of native, baseline, avx2, avx512 is wanted. Received: 'sse'",
        ),
    ],
)
def test_a_value_that_means_nothing(variable: str, value: str, message: str) -> None:
    """The message names the variable, what it may be, and what it was."""
    with pytest.raises(ValueError) as caught:
        settings.read({variable: value})
    assert str(caught.value) == f"{variable}: {message}"


def test_config_is_the_same_object() -> None:
    """One reading for kernels and framework."""
    assert config.settings is settings.settings
