"""The compiled kernel is where the build put it, runs with every instruction set it offers, and can be absent."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ascribe.errors import SlowKernelWarning
from ascribe.maths.kernels import native as room

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "src")
NO_COMPILER = {"CC": "/bin/false", "CXX": "/bin/false"}
compiled = pytest.mark.skipif(isinstance(room.load(), str), reason="there is no compiled kernel")


def python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, where nothing has been imported."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_was_compiled_here_loads():
    if not (ROOT / "build/editable/libkernels_base.a").exists():
        pytest.skip("nothing was compiled in this checkout")
    assert not isinstance(room.load(), str), room.load()


@compiled
def test_every_instruction_set_can_be_chosen_by_name():
    kernel = room.load()
    assert not isinstance(kernel, str)
    assert kernel.available()[0] == "base"
    program = "from ascribe.maths.kernels.native import native; print(native().isa())"
    for isa in kernel.available():
        done = python(program, ASCRIBE_ISA=isa, ASCRIBE_KERNEL="")
        assert done.stdout.strip() == isa, done.stderr


@compiled
def test_the_best_instruction_set_is_the_default():
    done = python(
        "from ascribe.maths.kernels.native import native; print(native().isa() == native().available()[-1])",
        ASCRIBE_ISA="",
        ASCRIBE_KERNEL="",
    )
    assert done.stdout.strip() == "True", done.stderr


@compiled
def test_an_instruction_set_is_taken_from_now_on_and_an_unknown_one_is_refused():
    kernel = room.load()
    assert not isinstance(kernel, str)
    before = kernel.isa()
    try:
        for isa in kernel.available():
            kernel.use(isa)
            assert kernel.isa() == isa
        with pytest.raises(
            ValueError, match=rf"'z80' cannot be used here; pass one of {', '.join(kernel.available())}"
        ):
            kernel.use("z80")
        assert kernel.isa() == isa
    finally:
        kernel.use(before)


@compiled
def test_the_stub_has_the_functions_of_the_module_and_their_arguments():
    kernel = room.load()
    assert not isinstance(kernel, str)
    stub = ast.parse((ROOT / "src/ascribe/maths/kernels/_native.pyi").read_text())
    assert written(stub) == bound(kernel)


def written(scope: ast.Module | ast.ClassDef, prefix: str = "") -> dict[str, list[str]]:
    """The arguments of every function and method of a stub."""
    found: dict[str, list[str]] = {}
    for part in scope.body:
        if isinstance(part, ast.ClassDef):
            found |= written(part, f"{part.name}.")
        elif isinstance(part, ast.FunctionDef):
            found[prefix + part.name] = [a.arg for a in part.args.posonlyargs + part.args.args if a.arg != "self"]
    return found


def bound(scope: object, prefix: str = "") -> dict[str, list[str]]:
    """The same of a module: the documentation of what nanobind binds begins with its signature."""
    found: dict[str, list[str]] = {}
    for name, part in vars(scope).items():
        if isinstance(part, type):
            found |= bound(part, f"{name}.")
        elif type(part).__name__ in ("nb_func", "nb_method"):
            found[prefix + name] = re.findall(r"[(,] ?(\w+): ", part.__doc__.splitlines()[0])
    return found


@pytest.mark.skipif(shutil.which("nm") is None, reason="the tools of a compiler")
@pytest.mark.parametrize("isa", ["avx2", "avx512"])
def test_code_for_one_instruction_set_cannot_be_taken_for_another(isa: str):
    """What the linker may merge by name is named after its instruction set: no other processor can then run it."""
    archive = ROOT / f"build/editable/libkernels_{isa}.a"
    if not archive.exists():
        pytest.skip("nothing was compiled in this checkout")
    listing = subprocess.run(["nm", "-C", "--defined-only", archive], capture_output=True, text=True, check=True).stdout
    functions = re.findall(r"^[0-9a-f]+ [Wu] (.+)$", listing, re.MULTILINE)
    assert [name for name in functions if f"ascribe::{isa}::" not in name] == []


@compiled
@pytest.mark.skipif(shutil.which("readelf") is None, reason="the format of Linux")
def test_the_kernel_needs_no_library_but_the_systems():
    kernel = room.load()
    assert not isinstance(kernel, str)
    assert kernel.__file__
    listing = subprocess.run(["readelf", "-d", kernel.__file__], capture_output=True, text=True, check=True).stdout
    needed = {line.split(".so")[0] for line in re.findall(r"\(NEEDED\).*\[(.+)\]", listing)}
    assert needed <= {"libc", "libm", "libgcc_s", "libstdc++", "libpthread", "ld-linux-x86-64", "ld-linux-aarch64"}


def test_importing_ascribe_neither_loads_the_kernel_nor_warns():
    done = python("import sys, ascribe; print('ascribe.maths.kernels._native' in sys.modules)")
    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_without_a_kernel_one_warning_says_why_and_what_to_type(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ASCRIBE_KERNEL", raising=False)
    monkeypatch.setattr(room, "load", lambda: "the compiled kernel was not built when ascribe was installed")
    room.native.cache_clear()
    try:
        with pytest.warns(SlowKernelWarning, match=f"slower, as .* was not built .* type: {room.REMEDY}$"):
            assert room.native() is None
        # A second warning would be an error here.
        assert room.native() is None
    finally:
        room.native.cache_clear()


def test_plain_torch_by_choice_is_silent():
    done = python("from ascribe.maths.kernels.native import native; print(native())", ASCRIBE_KERNEL="torch")
    assert (done.stdout.strip(), done.stderr) == ("None", "")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The sources, where a build may write."""
    pytest.importorskip("scikit_build_core", reason="what builds ascribe is installed by `make`")
    folder = tmp_path / "checkout"
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder)
    return folder


def build(checkout: Path, what: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What pip does to build ascribe, with what is installed here."""
    return subprocess.run(
        [sys.executable, "-c", f"from scikit_build_core.build import build_{what} as build; build('out')"],
        cwd=checkout,
        env=os.environ | {"ASCRIBE_BUILD_KERNEL": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("environment", [NO_COMPILER, {"ASCRIBE_BUILD_KERNEL": "0"}], ids=["no compiler", "by choice"])
def test_a_wheel_without_the_kernel_fits_every_python_and_machine(checkout: Path, environment: dict[str, str]):
    done = build(checkout, "wheel", **environment)
    assert done.returncode == 0, done.stderr
    (wheel,) = (checkout / "out").iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "ascribe/maths/kernels/native.py" in names
    assert "ascribe/report/template/page.css" in names
    assert [name for name in names if "csrc" in name or name.endswith((".so", ".pyd"))] == []


def test_a_kernel_that_was_asked_for_and_cannot_be_built_is_an_error(checkout: Path):
    done = build(checkout, "wheel", ASCRIBE_BUILD_KERNEL="1", **NO_COMPILER)
    assert done.returncode != 0
    assert "CMake configuration failed" in done.stdout + done.stderr


def test_the_source_distribution_can_build_the_kernel(checkout: Path):
    done = build(checkout, "sdist")
    assert done.returncode == 0, done.stderr
    (sdist,) = (checkout / "out").iterdir()
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "src/ascribe/maths/kernels/csrc").iterdir()}
    assert sources | {"CMakeLists.txt", "pyproject.toml", "src/ascribe/maths/kernels/_native.pyi"} <= names
    assert [name for name in names if name.endswith((".so", ".pyd", ".pyc"))] == []
