"""Fresh processes: the cache of compiled code, settings, fork; the same bits wherever promised."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.robust.training import finish, run, start


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A cache folder as two processes leave it that started at once on an empty one; the result."""
    folder = tmp_path_factory.mktemp("cache")
    processes = [start("train()", NUMFLOW_CACHE_DIR=str(folder)) for _ in range(2)]
    (first, first_err), (second, second_err) = [finish(p) for p in processes]
    assert first["digest"] == second["digest"] and first["compiles"] > 0
    assert first_err == second_err == ""
    return folder, first


def test_a_second_process_compiles_nothing(warm: tuple[Path, Any]) -> None:
    folder, first = warm
    again, err = run("train()", NUMFLOW_CACHE_DIR=str(folder))
    assert again["compiles"] == 0 and not again["numba"] and err == ""
    if sys.platform == "linux" and platform.machine() == "x86_64":  # where kernels/elf.py loads
        assert not again["llvm"]
    assert again["digest"] == first["digest"]


@pytest.mark.parametrize("threads", ["1", "5"])
def test_the_same_bits_for_any_number_of_threads(warm: tuple[Path, Any], threads: str) -> None:
    """Units of sums and their order follow from the shapes alone."""
    folder, first = warm
    got, _ = run("train()", NUMFLOW_CACHE_DIR=str(folder), NUMFLOW_NUM_THREADS=threads)
    assert got["digest"] == first["digest"]
    assert got["compiles"] == 0


def _has_avx2() -> bool:
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and " avx2 " in cpu.read_text()


@pytest.mark.parametrize("target", ["baseline", "avx2"])
def test_narrower_machines_train_alike(warm: tuple[Path, Any], target: str) -> None:
    """Other vector widths sum in another order: equal but for rounding."""
    if target == "avx2" and not _has_avx2():
        pytest.skip("this machine has no AVX2")
    folder, first = warm
    got, _ = run("train()", NUMFLOW_CACHE_DIR=str(folder), NUMFLOW_TARGET=target)
    np.testing.assert_allclose(got["losses"], first["losses"], rtol=1e-3)


def test_the_readable_tier_trains_alike(warm: tuple[Path, Any]) -> None:
    """NUMFLOW_CODEGEN=numba: clusters go through Numba."""
    folder, _ = warm
    got, _ = run("train(4)", NUMFLOW_CACHE_DIR=str(folder), NUMFLOW_CODEGEN="numba")
    simd, _ = run("train(4)", NUMFLOW_CACHE_DIR=str(folder))
    assert got["numba"]
    np.testing.assert_allclose(got["losses"], simd["losses"], rtol=1e-3)


def test_a_forked_child_goes_on_training() -> None:
    status, child, parent = run("fork()")[0]
    assert status == 0
    assert child == parent


# --- folders that cannot be used as they are ---------------------------------


def _objects(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nfo"))


def test_damaged_files_are_compiled_anew(warm: tuple[Path, Any], tmp_path: Path) -> None:
    """Bits flipped, cut short, emptied, or in another's place: never looked at by LLVM."""
    folder, first = warm
    files = _objects(folder)
    assert len(files) > 8
    for k, file in enumerate(files):
        data = bytearray(file.read_bytes())
        if k % 4 == 0:
            data[len(data) // 2] ^= 1
        elif k % 4 == 1:
            data = data[: len(data) // 3]
        elif k % 4 == 2:
            data = bytearray(files[k - 1].read_bytes())
        else:
            data = bytearray()
        target = tmp_path / file.relative_to(folder)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)
    tmp_path.chmod(0o700)
    got, err = run("train()", NUMFLOW_CACHE_DIR=str(tmp_path))
    assert got["digest"] == first["digest"] and err == ""
    assert got["compiles"] >= first["compiles"]
    mended, _ = run("train()", NUMFLOW_CACHE_DIR=str(tmp_path))
    assert mended["compiles"] == 0 and mended["digest"] == first["digest"]


def test_a_folder_that_others_may_write_is_refused(warm: tuple[Path, Any], tmp_path: Path) -> None:
    _, first = warm
    tmp_path.chmod(0o777)
    got, err = run("train()", NUMFLOW_CACHE_DIR=str(tmp_path))
    assert got["digest"] == first["digest"] and got["compiles"] > 0
    assert err.count("CacheWarning") == 1 and "is refused" in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_done_without(
    warm: tuple[Path, Any], tmp_path: Path
) -> None:
    _, first = warm
    file = tmp_path / "file"
    file.write_text("here already")
    got, err = run("train()", NUMFLOW_CACHE_DIR=str(file / "below"))
    assert got["digest"] == first["digest"]
    assert err.count("CacheWarning") == 1 and "cannot be used" in err


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="modes do not bind the superuser"
)
def test_a_read_only_folder_is_read(warm: tuple[Path, Any], tmp_path: Path) -> None:
    _, first = warm
    tmp_path.chmod(0o500)
    got, err = run("train()", NUMFLOW_CACHE_DIR=str(tmp_path))
    assert got["digest"] == first["digest"]
    assert err.count("CacheWarning") == 1 and "cannot be written" in err


def test_a_missing_folder_is_made(warm: tuple[Path, Any], tmp_path: Path) -> None:
    _, first = warm
    got, err = run("train()", NUMFLOW_CACHE_DIR=str(tmp_path / "a" / "b"))
    assert got["digest"] == first["digest"] and err == ""
    assert _objects(tmp_path / "a" / "b")


# --- memory ------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_steps_leave_memory_where_it_was() -> None:
    assert run("growth_over_steps(200_000)")[0] < 2 << 20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_models_made_and_dropped_leave_little() -> None:
    assert run("growth_over_models(50)")[0] < 20 << 20
