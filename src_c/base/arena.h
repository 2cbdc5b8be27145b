/* Memory that one owner gives, in aligned pieces. */
#ifndef FR_BASE_ARENA_H
#define FR_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* Hands out aligned arena of a buffer, or only adds up their sizes where the buffer is NULL. */
typedef struct {
    char *base;
    size_t used;
    int overflow;
} fr_arena;

static void *take(fr_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4) {
        arena->overflow = 1;
        return NULL;
    }
    const size_t start = arena->used;
    arena->used += (bytes + 63) / 64 * 64;
    arena->overflow |= arena->used > SIZE_MAX / 4;
    return arena->base ? arena->base + start : NULL;
}

#define ARENA_TAKE(arena, count, type) ((type *)take(&(arena), (size_t)(count), sizeof(type)))

#endif
