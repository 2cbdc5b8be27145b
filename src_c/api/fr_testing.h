/* Hooks for tests. They hold for the whole process, and change no result. */
#ifndef FR_TESTING_H
#define FR_TESTING_H

#include "api/fr_api.h"

enum fr_sharing { FR_SHARE_BY_SIZE, FR_SHARE_ROWS, FR_SHARE_UNITS };

/* Use all threads that a call allows however small the work is; what recurrent passes share then. */
void fr_force_parallel(enum fr_sharing sharing);
/* Use the capability where the CPU has it (the beginning), or do without. */
void fr_allow_capability(enum fr_capability capability, int allowed);

#endif
