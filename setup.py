"""Builds the compiled engines; everything else about the package stands in pyproject.toml.

In a checkout Cython translates the engines to C. An sdist has the C files: it needs a C compiler.
"""

import os
import platform
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FUSED_SOURCES = ["src_c/fr_crew.c", "src_c/fr_dispatch.c", "src_c/fr_pool.c"]
TRANSLATED = ("fastrnn/engines/blas/engine", "fastrnn/engines/fused/engine")
# What translates them: module and requirement. The blas engine cimports from scipy.
TRANSLATORS = {"Cython": "cython>=3.1", "scipy": "scipy>=1.11"}
HAS_C_FILES = Path("PKG-INFO").is_file() and all(Path(f"{n}.c").is_file() for n in TRANSLATED)

# Loops over the activations vectorise only when math functions need not set errno and
# floating-point exceptions are not observed. Neither changes a result.
UNIX_FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-std=c11"]
MSVC_FLAGS = ["/O2", "/std:c11"]
CLANG_CL_TARGETS = {"amd64": "x86_64-pc-windows-msvc", "arm64": "arm64-pc-windows-msvc"}

# Each variant is a file of its own with flags of its own. Products are fused with sums where the
# source says so and nowhere else, so that results do not depend on how work is divided.
# On ARM, GCC would load all rows' numbers before the first product of a step, which leaves too few
# registers for the sums: neon does without that scheduling (the CPU reorders by itself).
VARIANT_FLAGS = {
    "generic": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma"],
    # Of AVX-512, and without the rest of the engine: the 8-bit products of CPUs that have VNNI.
    "avx512_vnni": ["-mavx512f", "-mavx512bw", "-mavx512vnni"],
    "neon": ["-fno-schedule-insns"],
}
VARIANTS_BY_MACHINE = {
    "x86_64": ("generic", "avx2", "avx512", "avx512_vnni"),
    "amd64": ("generic", "avx2", "avx512", "avx512_vnni"),
    "aarch64": ("generic", "neon"),
    "arm64": ("generic", "neon"),
}


class BuildExt(build_ext):
    """Adds the flags that suit the compiler at hand, and the variants of the fused engine."""

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
        """Compile the variants first, each with its flags, and link their objects."""
        if extension.name == "fastrnn.engines.fused.engine":
            for name in VARIANTS_BY_MACHINE.get(self.machine, ("generic",)):
                flags = ["-ffp-contract=off", *VARIANT_FLAGS[name]]
                if self.compiler.compiler_type == "msvc":
                    flags = [clang(flag) for flag in flags]
                extension.extra_objects += self.compiler.compile(
                    [f"src_c/variants/kernels_{name}.c"],
                    output_dir=self.build_temp,
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

    The variants of the fused engine belong to one: wheels for both are joined afterwards.

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
        sources=[f"fastrnn/engines/blas/engine{suffix}", "src_c/fr_activations.c"],
        depends=[*parts("blas"), *headers],
        include_dirs=["src_c"],
    )
    fused = Extension(
        "fastrnn.engines.fused.engine",
        sources=[f"fastrnn/engines/fused/engine{suffix}", *FUSED_SOURCES],
        depends=[*parts("fused"), *headers],
        include_dirs=["src_c", numpy.get_include()],
    )
    if HAS_C_FILES or missing_translators():
        return [blas, fused]
    from Cython.Build import cythonize

    return list(cythonize([blas, fused]))


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
