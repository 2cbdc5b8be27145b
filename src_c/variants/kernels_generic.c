/* Every other CPU: vectors of 4 floats, for which the compiler finds what there is. */
#define FR_VARIANT generic
#define FR_GENERIC_VECTORS /* no intrinsics, on ARM either */
#define FR_VECTOR_BYTES 16
#define FR_MAX_ROWS 3
#include "../fr_kernels.h"
