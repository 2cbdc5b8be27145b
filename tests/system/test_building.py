"""What is built, from what, and with which flags: setup.py and the configuration of wheels."""

import importlib.util
import re
import shutil
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import setuptools
from repository import REPOSITORY

from fastrnn import config

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def building(monkeypatch):
    """setup.py as a module, in the folder that it stands in."""
    monkeypatch.chdir(REPOSITORY)
    spec = importlib.util.spec_from_file_location("building", REPOSITORY / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_checkout_is_translated(building):
    assert not building.HAS_C_FILES
    building.find_spec = lambda name: None if name == "Cython" else object()
    assert building.missing_translators() == ["cython>=3.1"]


def test_an_sdist_needs_headers_and_a_c_compiler_alone(building):
    building.HAS_C_FILES = True
    building.find_spec = lambda name: None
    assert building.missing_translators() == []
    sources = [source for extension in building.extensions() for source in extension.sources]
    assert {"fastrnn/engines/blas/engine.c", "fastrnn/engines/fused/engine.c"} <= set(sources)
    assert all(source.endswith(".c") for source in sources)
    needs = [re.match(r"\w+", r)[0] for r in PROJECT["build-system"]["requires"]]
    assert needs == ["setuptools", "numpy"]


class FakeCompiler:
    """Keeps what it is asked to compile."""

    def __init__(self, compiler_type):
        self.compiler_type, self.initialized, self.cc, self.compiled = (
            compiler_type,
            False,
            "cl",
            {},
        )

    def initialize(self, plat_name=None):
        self.initialized = True

    def compile(self, sources, output_dir, macros, extra_postargs=(), **options):
        define = "/D" if self.compiler_type == "msvc" else "-D"
        defines = [f"{define}{name}={value}" for name, value in macros]
        assert all(Path(source).is_file() for source in sources)
        self.compiled[Path(output_dir).name] = [self.cc, *extra_postargs, *defines]
        return []


def compiled(building, monkeypatch, compiler_type, plat_name, clang_cl=None):
    """Return the command line of each instance, by name, and the names of the extensions."""
    building.HAS_C_FILES = True
    monkeypatch.setattr(shutil, "which", lambda name: clang_cl)
    monkeypatch.setattr(building.build_ext, "build_extension", lambda self, extension: None)
    command = building.BuildExt(setuptools.Distribution({"ext_modules": building.extensions()}))
    command.plat_name, command.compiler = plat_name, FakeCompiler(compiler_type)
    command.extensions, command.build_temp = building.extensions(), "build"
    command.build_extensions()
    names = [extension.name for extension in command.extensions]
    return command.compiler.compiled, names


X86 = {"generic", "avx2", "avx512"}


@pytest.mark.parametrize(
    "plat_name, isas, capabilities",
    [
        ("linux-x86_64", X86, {"vnni"}),
        ("linux-aarch64", {"generic", "neon"}, set()),
        ("macosx-11.0-arm64", {"generic", "neon"}, set()),
        ("macosx-10.13-x86_64", X86, {"vnni"}),
        ("linux-riscv64", {"generic"}, set()),
    ],
)
def test_each_machine_has_its_instruction_sets(
    building, monkeypatch, plat_name, isas, capabilities
):
    commands, _ = compiled(building, monkeypatch, "unix", plat_name)
    assert set(commands) == capabilities | {f"{isa}_{bits}" for isa in isas for bits in (32, 64)}
    for name, command in commands.items():
        assert "-ffp-contract=off" in command and "-std=c11" in command
        assert f"-DFR_ISA={name[:-3]}" in command or name in capabilities
        wide = any(flag.startswith("-mavx") for flag in command)
        assert wide == (name in capabilities or "avx" in name)


def test_the_list_of_instruction_sets_is_the_one_of_the_settings(building):
    rows = building.ISA_ROW.findall(Path(building.ISAS).read_text("utf-8"))
    names = [name for kind, name, *_ in rows if kind == "ISA"]
    assert ("auto", *names) == config.ISAS


def test_cl_builds_the_blas_engine_alone(building, monkeypatch):
    commands, names = compiled(building, monkeypatch, "msvc", "win-amd64")
    assert names == ["fastrnn.engines.blas.engine"] and not commands


@pytest.mark.parametrize("machine, target", [("amd64", "x86_64"), ("arm64", "arm64")])
def test_clang_cl_builds_both_engines(building, monkeypatch, machine, target):
    commands, names = compiled(building, monkeypatch, "msvc", f"win-{machine}", "clang-cl.exe")
    assert names == ["fastrnn.engines.blas.engine", "fastrnn.engines.fused.engine"]
    assert len(commands) >= 2
    for command in commands.values():
        assert command[0] == "clang-cl.exe"
        assert f"--target={target}-pc-windows-msvc" in command
        assert "/clang:-ffp-contract=off" in command
        assert all(flag.startswith(("/", "--target")) for flag in command[1:])


@pytest.mark.parametrize(
    "platform_name, arch_flags, machine, expected",
    [
        ("linux-x86_64", "", "x86_64", None),
        ("macosx-11.0-arm64", "-arch arm64", "arm64", None),
        ("macosx-10.13-universal2", "", "arm64", ("-arch arm64", "macosx-11.0-arm64")),
        ("macosx-10.13-universal2", "", "x86_64", ("-arch x86_64", "macosx-10.13-x86_64")),
        ("macosx-10.13-universal2", "-arch x86_64", "arm64",
         ("-arch x86_64", "macosx-10.13-x86_64")),
    ],
)  # fmt: skip
def test_a_universal_python_builds_one_architecture(
    building, platform_name, arch_flags, machine, expected
):
    environment = building.one_architecture(platform_name, arch_flags, machine)
    if expected is None:
        assert environment == {}
    else:
        assert (environment["ARCHFLAGS"], environment["_PYTHON_HOST_PLATFORM"]) == expected
        assert environment["MACOSX_DEPLOYMENT_TARGET"] == expected[1].split("-")[1]


def test_two_architectures_at_once_are_refused(building):
    with pytest.raises(SystemExit, match="ARCHFLAGS"):
        building.one_architecture("macosx-10.13-universal2", "-arch arm64 -arch x86_64", "arm64")


def test_wheels_are_built_for_every_python_that_is_allowed():
    pythons = re.findall(r"cp3(\d+)(t?)-\*", PROJECT["tool"]["cibuildwheel"]["build"])
    lowest = int(re.search(r">=3\.(\d+)", PROJECT["project"]["requires-python"])[1])
    ordinary = [int(minor) for minor, threads in pythons if not threads]
    assert ordinary == list(range(lowest, ordinary[-1] + 1))
    assert [int(minor) for minor, threads in pythons if threads]


def test_the_engines_say_that_they_need_no_lock():
    """In a free-threaded Python, a module that does not say so switches the lock on for all."""
    for name in ("blas", "fused"):
        source = (REPOSITORY / "fastrnn" / "engines" / name / "engine.pyx").read_text(
            encoding="utf-8"
        )
        assert "freethreading_compatible=True" in source.split('"""')[0]
    importlib.import_module("fastrnn.engines.blas.engine")
    importlib.import_module("fastrnn.engines.fused.engine")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not sys._is_gil_enabled()


WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned_and_may_read_alone(path):
    """A tag can be moved to another commit, a commit's name cannot."""
    text = path.read_text(encoding="utf-8")
    actions = re.findall(r"uses: (.*)", text)
    assert actions
    for action in actions:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    assert re.findall(r"^permissions:\n((?:  .*\n)+)", text, re.M) == ["  contents: read\n"]
    assert "permissions:" not in text.split("jobs:")[1]
    assert text.count("runs-on:") == text.count("timeout-minutes:")
    assert "concurrency:" in text


def test_every_push_and_pull_request_runs_the_checks():
    text = (REPOSITORY / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8")
    assert "\n  push:\n" in text and "\n  pull_request:\n" in text
    assert "run: bash .ci/run\n" in text


def test_one_commit_for_one_version_of_an_action():
    texts = [path.read_text(encoding="utf-8") for path in WORKFLOWS]
    uses = set(re.findall(r"uses: (\S+)@(\S+) # (\S+)", "".join(texts)))
    assert len({(action, version) for action, _, version in uses}) == len(uses)
