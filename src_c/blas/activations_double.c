/* The table of activations for double. */
#define FR_REAL_BITS 64
#include "blas/activations_impl.h"
