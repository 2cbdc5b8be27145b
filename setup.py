"""Builds the compiled engine; everything else about the package stands in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Loops over the activations vectorise only when math functions need not set errno and
# floating-point exceptions are not observed. Neither changes a result.
UNIX_FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-std=c11"]
MSVC_FLAGS = ["/O2", "/std:c11"]


class BuildExt(build_ext):
    """Adds the flags that suit the compiler at hand."""

    def build_extensions(self) -> None:
        """Build all extensions with those flags."""
        flags = MSVC_FLAGS if self.compiler.compiler_type == "msvc" else UNIX_FLAGS
        for extension in self.extensions:
            extension.extra_compile_args += flags
        super().build_extensions()


BLAS_ENGINE = Extension(
    "fastrnn._blas",
    sources=["fastrnn/_blas.pyx", "src_c/fr_activations.c"],
    depends=[
        "fastrnn/_blas_cells.pxi",
        "src_c/fr_activations.h",
        "src_c/fr_activations_impl.h",
        "src_c/fr_math_impl.h",
    ],
    include_dirs=["src_c"],
)

setup(ext_modules=cythonize([BLAS_ENGINE]), cmdclass={"build_ext": BuildExt})
