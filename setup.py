"""Builds the compiled engines; everything else about the package stands in pyproject.toml."""

import os
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Loops over the activations vectorise only when math functions need not set errno and
# floating-point exceptions are not observed. Neither changes a result.
UNIX_FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-std=c11"]
MSVC_FLAGS = ["/O2", "/std:c11"]

# Each variant is a file of its own with flags of its own. Products are fused with sums where the
# source says so and nowhere else, so that results do not depend on how work is divided.
# On ARM, GCC would load all rows' numbers before the first product of a step, which leaves too few
# registers for the sums: neon does without that scheduling (the CPU reorders by itself).
VARIANT_FLAGS = {
    "generic": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma"],
    "neon": ["-fno-schedule-insns"],
}
VARIANTS_BY_MACHINE = {
    "x86_64": ("generic", "avx2", "avx512"),
    "amd64": ("generic", "avx2", "avx512"),
    "aarch64": ("generic", "neon"),
    "arm64": ("generic", "neon"),
}


class BuildExt(build_ext):
    """Adds the flags that suit the compiler at hand, and the variants of the fused engine."""

    def build_extensions(self) -> None:
        """Build all extensions."""
        msvc = self.compiler.compiler_type == "msvc"
        if msvc:  # has no vector types: the blas engine computes everything
            self.extensions = [e for e in self.extensions if e is not FUSED_ENGINE]
        flags = MSVC_FLAGS if msvc else UNIX_FLAGS
        if not msvc and "-g" not in os.environ.get("CFLAGS", "").split():
            # Python's own flags ask for debugging symbols: two thirds of the wheel.
            flags = [*flags, "-g0"]
        for extension in self.extensions:
            extension.extra_compile_args += flags
        super().build_extensions()

    def build_extension(self, extension: Extension) -> None:
        """Compile the variants first, each with its flags, and link their objects."""
        if extension is FUSED_ENGINE:
            machine = self.plat_name.rpartition("-")[2].lower()
            for name in VARIANTS_BY_MACHINE.get(machine, ("generic",)):
                extension.extra_objects += self.compiler.compile(
                    [f"src_c/variants/kernels_{name}.c"],
                    output_dir=self.build_temp,
                    include_dirs=extension.include_dirs,
                    debug=self.debug,
                    extra_postargs=[
                        *extension.extra_compile_args,
                        "-ffp-contract=off",
                        *VARIANT_FLAGS[name],
                    ],
                    depends=extension.depends,
                )
        super().build_extension(extension)


C_FILES = sorted(str(path) for path in Path("src_c").rglob("*.h"))

BLAS_ENGINE = Extension(
    "fastrnn._blas",
    sources=["fastrnn/_blas.pyx", "src_c/fr_activations.c"],
    depends=["fastrnn/_blas_cells.pxi", "fastrnn/_blas_backward.pxi", *C_FILES],
    include_dirs=["src_c"],
)
FUSED_ENGINE = Extension(
    "fastrnn._fused",
    sources=["fastrnn/_fused.pyx", "src_c/fr_crew.c", "src_c/fr_dispatch.c", "src_c/fr_pool.c"],
    depends=[
        "fastrnn/_fused.pxd",
        "fastrnn/_fused_buffers.pxi",
        "fastrnn/_fused_stream.pxi",
        *C_FILES,
    ],
    include_dirs=["src_c", numpy.get_include()],
)

extensions = cythonize([BLAS_ENGINE, FUSED_ENGINE])
BLAS_ENGINE, FUSED_ENGINE = extensions

setup(ext_modules=extensions, cmdclass={"build_ext": BuildExt})
