"""The doctor says which kernel runs, what is missing, and what to type."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest
import torch

from ascribe.cli import command, doctor, main
from ascribe.maths.kernels.native import REMEDY, load


def told(capsys: pytest.CaptureFixture[str], *tokens: str) -> str:
    assert main(["doctor", *tokens]) == 0
    out, err = capsys.readouterr()
    assert not err
    return out


def asked(*tokens: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, where the environment is read afresh."""
    return subprocess.run(
        [sys.executable, "-c", "import sys; from ascribe.cli import main; sys.exit(main())", "doctor", *tokens],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_words_and_json_say_the_same(capsys: pytest.CaptureFixture[str]):
    words, facts = told(capsys), json.loads(told(capsys, "--json"))
    assert facts["ascribe"] == version("ascribe")
    assert facts["torch"] == torch.__version__
    assert facts["threads"] == torch.get_num_threads()
    assert facts["cuda"] == [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    assert set(facts["extras"]) == {"table", "plot", "sklearn", "report", "cli", "pykan", "remote"}
    for word in (facts["ascribe"], facts["torch"], facts["kernel"]["instructions"] or "plain torch", *facts["extras"]):
        assert word in words


def test_an_extra_that_is_missing_is_named_with_what_brings_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def without_tables(library: str) -> str:
        if library in ("pyarrow", "sympy", "openai"):
            raise PackageNotFoundError(library)
        return version(library)

    monkeypatch.setattr(doctor, "version", without_tables)
    assert json.loads(told(capsys, "--json"))["extras"] == {
        "cli": ["pyarrow", "sympy"],
        "plot": [],
        "pykan": ["sympy"],
        "report": ["pyarrow", "sympy"],
        "remote": ["openai"],
        "sklearn": [],
        "table": ["pyarrow"],
    }
    lines = told(capsys).splitlines()
    assert 'table    without pyarrow; type: pip install "ascribe[table]"' in lines
    assert "plot     installed" in lines


def test_without_a_kernel_it_says_why_and_what_to_type(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("ASCRIBE_KERNEL", raising=False)
    monkeypatch.setattr(doctor, "load", lambda: "the compiled kernel was not built when ascribe was installed")
    words = told(capsys)
    assert "plain torch, as the compiled kernel was not built" in words
    assert "slower" in words
    assert REMEDY in words


def test_plain_torch_by_choice():
    words = asked(ASCRIBE_KERNEL="torch").stdout
    assert "plain torch, as ASCRIBE_KERNEL=torch asks for it" in words
    assert "unset ASCRIBE_KERNEL" in words


@pytest.mark.parametrize(("name", "value"), [("ASCRIBE_KERNEL", "fast"), ("ASCRIBE_ISA", "z80")])
def test_an_unknown_choice_is_one_clear_sentence(name: str, value: str):
    if name == "ASCRIBE_ISA" and isinstance(load(), str):
        pytest.skip("there is no compiled kernel to choose from")
    done = asked(**{name: value})
    assert done.returncode == 2
    assert not done.stdout
    assert done.stderr.startswith(f"ascribe: {name}")
    assert value in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_it_comes_without_the_library_of_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def find_spec(name: str) -> object:
        return None if name == "cyclopts" else importlib.util.find_spec(name)

    monkeypatch.setattr(command, "find_spec", find_spec)
    monkeypatch.setitem(sys.modules, "cyclopts", None)
    assert "kernel" in told(capsys)
    assert json.loads(told(capsys, "--json"))["python"]
    assert main(["explain", "houses.csv"]) == 2
    assert 'pip install "ascribe[cli]"' in capsys.readouterr().err


def test_a_wrong_option_names_its_help(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--frob"]) == 2
    assert "ascribe doctor --help" in capsys.readouterr().err
