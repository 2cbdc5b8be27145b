"""Builds the compiled engines; everything else about the package stands in pyproject.toml.

In a checkout Cython translates the engines to C. An sdist has the C files: it needs a C compiler.
"""

import os
import platform
import re
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FUSED_SOURCES = ["base/pool.c", "base/team.c", "base/threads.c", "isa/dispatch.c"]
ISAS = "src_c/isa/isas.h"
BLAS_SOURCES = ["blas/activations_double.c", "blas/activations_float.c"]
TRANSLATED = ("fastrnn/engines/blas/engine", "fastrnn/engines/fused/engine")
# What translates them: module and requirement. The blas engine cimports from scipy.
TRANSLATORS = {"Cython": "cython>=3.1", "scipy": "scipy>=1.11"}
HAS_C_FILES = Path("PKG-INFO").is_file() and all(Path(f"{n}.c").is_file() for n in TRANSLATED)

# Loops over the activations vectorise only when math functions need not set errno and
# floating-point exceptions are not observed. Neither changes a result.
UNIX_FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-std=c11"]
MSVC_FLAGS = ["/O2", "/std:c11"]
CLANG_CL_TARGETS = {"amd64": "x86_64-pc-windows-msvc", "arm64": "arm64-pc-windows-msvc"}

# Products are fused with sums where the source says so and nowhere else, so that results do not
# depend on how work is divided.
ISA_FLAGS = ["-ffp-contract=off"]
# A line of src_c/isa/isas.h, the list of instruction sets and of what some CPUs have beside them.
ISA_ROW = re.compile(
    r'^ +(ISA|CAPABILITY)\((\w+), (\w+), (\w+), (\d+), (\d+), "(.*)"\)', re.MULTILINE
)
MACHINES = {"x86_64": "x86", "amd64": "x86", "i686": "x86", "aarch64": "arm", "arm64": "arm"}


class Instance(NamedTuple):
    """A file of src_c that is compiled with flags of its own, once for each way to compile it."""

    name: str
    source: str
    macros: dict[str, str]
    flags: list[str]


def instances(machine: str) -> list[Instance]:
    """Return what the fused engine compiles for a machine: the body for each ISA and type."""
    result = []
    for kind, name, code, own, size, rows, flags in ISA_ROW.findall(Path(ISAS).read_text("utf-8")):
        if own not in ("any", MACHINES.get(machine)):
            continue
        macros = {"FR_VECTOR_BYTES": size, "FR_MAX_ROWS": rows}
        if kind == "CAPABILITY":
            result.append(Instance(name, f"src_c/isa/{name}.c", macros, flags.split()))
            continue
        macros.update(FR_ISA=name, FR_ISA_CODE=f"FR_{code}")
        for bits in ("32", "64"):
            each = {**macros, "FR_REAL_BITS": bits}
            result.append(Instance(f"{name}_{bits}", "src_c/isa/body.c", each, flags.split()))
    return result


class BuildExt(build_ext):
    """Adds the flags that suit the compiler at hand, and the instances of the fused engine."""

    @property
    def machine(self) -> str:
        """The processor that is built for, as the platform's name spells it."""
        return self.plat_name.rpartition("-")[2].lower()

    def build_extensions(self) -> None:
        """Build all extensions."""
        if self.compiler.compiler_type == "msvc":
            flags = self._clang_cl_flags()
            if not flags:  # cl has no vector types: the blas engine computes everything
                self.extensions = [
                    e for e in self.extensions if e.name != "fastrnn.engines.fused.engine"
                ]
                flags = MSVC_FLAGS
        else:
            flags = UNIX_FLAGS
            if "-g" not in os.environ.get("CFLAGS", "").split():
                # Python's own flags ask for debugging symbols: two thirds of the wheel.
                flags = [*flags, "-g0"]
        for extension in self.extensions:
            extension.extra_compile_args += flags
        super().build_extensions()

    def _clang_cl_flags(self) -> list[str]:
        """Put clang-cl in the place of cl and return its flags; none where it is not found."""
        clang_cl = shutil.which("clang-cl")
        if clang_cl is None or self.machine not in CLANG_CL_TARGETS:
            return []
        if not self.compiler.initialized:
            self.compiler.initialize(self.plat_name)
        self.compiler.cc = clang_cl
        return [*MSVC_FLAGS, f"--target={CLANG_CL_TARGETS[self.machine]}", *map(clang, UNIX_FLAGS)]

    def build_extension(self, extension: Extension) -> None:
        """Compile what has flags of its own first, and link its objects."""
        if extension.name == "fastrnn.engines.fused.engine":
            for instance in instances(self.machine):
                flags = [*ISA_FLAGS, *instance.flags]
                if self.compiler.compiler_type == "msvc":
                    flags = [clang(flag) for flag in flags]
                extension.extra_objects += self.compiler.compile(
                    [instance.source],
                    output_dir=str(Path(self.build_temp, instance.name)),
                    macros=list(instance.macros.items()),
                    include_dirs=extension.include_dirs,
                    debug=self.debug,
                    extra_postargs=[*extension.extra_compile_args, *flags],
                    depends=extension.depends,
                )
        super().build_extension(extension)


def clang(flag: str) -> str:
    """Return the flag of a Unix compiler as clang-cl takes it."""
    return f"/clang:{flag}"


def one_architecture(platform_name: str, arch_flags: str, machine: str) -> dict[str, str]:
    """Return the environment in which a universal Python of macOS builds for one architecture.

    The instruction sets of the fused engine belong to one: wheels for both are joined afterwards.

    Args:
        platform_name: what is built for, ``sysconfig.get_platform()``.
        arch_flags: the variable ``ARCHFLAGS``.
        machine: what is built on, ``platform.machine()``.
    """
    if not platform_name.endswith("-universal2"):
        return {}
    wanted = [word for word in arch_flags.split() if word != "-arch"] or [machine]
    if len(wanted) > 1:
        raise SystemExit(f"ARCHFLAGS={arch_flags!r}: build a wheel for each, and join them.")
    system = "11.0" if wanted == ["arm64"] else platform_name.split("-")[1]
    return {
        "ARCHFLAGS": f"-arch {wanted[0]}",
        "_PYTHON_HOST_PLATFORM": f"macosx-{system}-{wanted[0]}",
        "MACOSX_DEPLOYMENT_TARGET": system,
    }


def extensions() -> list[Extension]:
    """Return the engines, translated where that is to be done and can be."""
    suffix = ".c" if HAS_C_FILES else ".pyx"
    headers = sorted(str(path) for path in Path("src_c").rglob("*.h"))
    blas = Extension(
        "fastrnn.engines.blas.engine",
        sources=[f"fastrnn/engines/blas/engine{suffix}", *in_src_c(BLAS_SOURCES)],
        depends=[*parts("blas"), *headers],
        include_dirs=["src_c"],
    )
    fused = Extension(
        "fastrnn.engines.fused.engine",
        sources=[f"fastrnn/engines/fused/engine{suffix}", *in_src_c(FUSED_SOURCES)],
        depends=[*parts("fused"), *headers],
        include_dirs=["src_c", numpy.get_include()],
    )
    if HAS_C_FILES or missing_translators():
        return [blas, fused]
    from Cython.Build import cythonize

    return list(cythonize([blas, fused]))


def in_src_c(names: list[str]) -> list[str]:
    """Return the paths of C sources."""
    return [f"src_c/{name}" for name in names]


def parts(engine: str) -> list[str]:
    """Return the files that an engine's Cython file includes."""
    return sorted(str(path) for path in Path("fastrnn/engines", engine).glob("*.px[di]"))


def missing_translators() -> list[str]:
    """Return the requirements of a build here that are not installed."""
    if HAS_C_FILES:
        return []
    return [need for module, need in TRANSLATORS.items() if find_spec(module) is None]


if __name__ == "__main__":
    os.environ.update(
        one_architecture(
            sysconfig.get_platform(), os.environ.get("ARCHFLAGS", ""), platform.machine()
        )
    )
    setup(
        ext_modules=extensions(),
        cmdclass={"build_ext": BuildExt},
        setup_requires=missing_translators(),
    )
