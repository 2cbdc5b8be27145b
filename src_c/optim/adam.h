/* Adam (Kingma and Ba, 2014) in one pass: m += (g - m)·(1 - beta_1), v += (g² - v)·(1 - beta_2),
 * w -= m / (sqrt(v) + epsilon)·alpha; with amsgrad the largest v so far takes the place of v.
 * Rounded after every operation, as NumPy does it: the same bits.
 */
#ifndef FR_OPTIM_ADAM_H
#define FR_OPTIM_ADAM_H

#include "api/fr_api.h"
#include "base/pool.h"
#include "base/real.h"
#include "base/share.h"

#define NUMBERS_OF_A_THREAD 65536.0 /* for fewer, a thread is not worth waking */

static FR_INLINE void adam_range(const int amsgrad, const fr_adam *u, ptrdiff_t begin,
                                 ptrdiff_t end)
{
    REAL *restrict w = u->value, *restrict m = u->m, *restrict v = u->v, *restrict most = u->v_hat;
    const REAL *restrict g = u->gradient;
    const REAL rest_1 = (REAL)(1 - u->beta_1), rest_2 = (REAL)(1 - u->beta_2);
    const REAL epsilon = (REAL)u->epsilon, alpha = (REAL)u->alpha;
    for (ptrdiff_t j = begin; j < end; j++) {
        m[j] += (g[j] - m[j]) * rest_1;
        v[j] += (g[j] * g[j] - v[j]) * rest_2;
        REAL scale = v[j];
        if (amsgrad)
            scale = most[j] = scale > most[j] || scale != scale ? scale : most[j];
        w[j] -= m[j] / (SQUARE_ROOT(scale) + epsilon) * alpha;
    }
}

typedef struct {
    const fr_adam *update;
    int threads;
} fr_adam_run;

static void adam_thread(void *context, int rank)
{
    const fr_adam_run *run = context;
    const fr_adam *u = run->update;
    const ptrdiff_t begin = share(u->size, rank, run->threads);
    const ptrdiff_t end = share(u->size, rank + 1, run->threads);
    if (u->v_hat)
        adam_range(1, u, begin, end);
    else
        adam_range(0, u, begin, end);
}

static void run_adam(const fr_adam *u)
{
    const double useful = (double)u->size / NUMBERS_OF_A_THREAD;
    const int wanted = useful < u->threads ? (int)useful : u->threads;
    fr_adam_run run = {u, fr_pool_acquire(wanted > 1 ? wanted : 1)};
    fr_pool_run(run.threads, adam_thread, &run);
    fr_pool_release(run.threads);
}

#endif
