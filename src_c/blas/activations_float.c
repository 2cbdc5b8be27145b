/* The table of activations for float. */
#define FR_REAL_BITS 32
#include "blas/activations_impl.h"
