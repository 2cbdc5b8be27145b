/* Threads that belong to one stream, for steps that are over before a sleeping thread would wake.
 *
 * The caller takes chunks of the work from the front and the helpers from the back, so that each
 * reads the same weights at every step, out of its own cache. Nobody waits for a helper that has not
 * begun a chunk: one that is late, sleeps, or was lost in a fork is done without. Helpers watch for
 * work while steps follow upon each other, and sleep when there has been none for a millisecond.
 */
#ifndef FR_CREW_H
#define FR_CREW_H

#include <stddef.h>

typedef struct fr_crew fr_crew;

size_t fr_crew_size(void);
/* Make helpers, in memory of that size, aligned to 64 bytes; returns how many there are. */
int fr_crew_start(fr_crew *crew, int helpers);
/* work(context, chunk) for each chunk from 0 on; they may run at the same time. */
void fr_crew_run(fr_crew *crew, void (*work)(void *context, int chunk), void *context, int chunks);
/* End the helpers. */
void fr_crew_stop(fr_crew *crew);

#endif
