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

typedef struct fr_team fr_team;

size_t fr_team_size(void);
/* Make helpers, in memory of that size, aligned to 64 bytes; returns how many there are. */
int fr_team_start(fr_team *team, int helpers);
/* work(context, chunk) for each chunk from 0 on; they may run at the same time. */
void fr_team_run(fr_team *team, void (*work)(void *context, int chunk), void *context, int chunks);
/* End the helpers. */
void fr_team_stop(fr_team *team);

#endif
