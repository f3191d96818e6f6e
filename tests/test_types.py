"""nf.types.experimental and nf.autograph.experimental."""

from typing import Any

import numflow as nf


def test_kinds_of_functions() -> None:
    types: Any = nf.types.experimental
    f = nf.function(lambda x: x)
    c = f.get_concrete_function(nf.TensorSpec([]))
    assert isinstance(f, types.GenericFunction) and isinstance(f, types.Callable)
    assert isinstance(c, types.ConcreteFunction) and isinstance(c, types.Callable)
    assert not isinstance(f, types.ConcreteFunction) and not isinstance(len, types.Callable)
    public = [n for n in vars(types.ConcreteFunction) if not n.startswith("_")]
    assert all(hasattr(c, n) for n in public)
    assert all(hasattr(f, n) for n in vars(types.GenericFunction) if not n.startswith("_"))


def test_a_function_that_is_not_converted_stays_what_it_is() -> None:
    @nf.autograph.experimental.do_not_convert
    def f(x: Any, k: int = 2) -> Any:
        """Doc."""
        return x * k

    assert f(3) == 6 and f(3, k=3) == 9 and f.__doc__ == "Doc."
    assert nf.autograph.experimental.do_not_convert()(len)([1]) == 1
    assert float(nf.function(f)(nf.constant(1.5))) == 3.0
