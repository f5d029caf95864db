/* Slots of the monitor's memory, see arena.h.
 *
 * The monitor made it and sealed it; that it can't shrink is checked before it is mapped, for a page that is missing
 * ends the program that touches it. Pages are asked for a slot at a time, when it is first used. The first free slot is
 * taken, so that mostly one is in use, and in the caches.
 */

#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#define F_SEAL_SHRINK 2
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; before, EINVAL */
#endif

static size_t stride(const jdk_arena *arena) { return JDK_SLOT_SIZE + arena->slot_bytes; }

static _Atomic uint64_t *word(const jdk_arena *arena, int slot, size_t offset) {
    /* slots are a multiple of 64 bytes in page-aligned memory, the offsets multiples of 8 */
    return (_Atomic uint64_t *)(void *)(arena->memory + (size_t)slot * stride(arena) + offset);
}

const char *jdk_arena_map(jdk_arena *arena, int descriptor, size_t slots, size_t slot_bytes) {
    struct stat status;
    size_t size = slots * (JDK_SLOT_SIZE + slot_bytes);
    int seals = fcntl(descriptor, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK)) return "it isn't sealed against shrinking";
    if (fstat(descriptor, &status) < 0 || status.st_size < 0 || (uint64_t)status.st_size < size)
        return "it is smaller than the monitor says";
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) return strerror(errno);
    madvise(memory, size, MADV_DONTFORK); /* a child has no business there */
    memset(arena, 0, sizeof *arena);
    arena->memory = memory;
    arena->slots = slots;
    arena->slot_bytes = slot_bytes;
    return NULL;
}

void jdk_arena_unmap(jdk_arena *arena) {
    if (arena->memory) munmap(arena->memory, arena->slots * stride(arena));
    arena->memory = NULL;
    arena->slots = arena->slot_bytes = 0;
}

/* True once the slot's pages are there. Its first page may be its neighbour's last: that one is there as well then. */
static bool is_there(jdk_arena *arena, size_t slot) {
    if (!arena->is_there[slot]) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = slot * stride(arena) & ~(page - 1);
        size_t end = (slot + 1) * stride(arena);
        if (madvise(arena->memory + begin, end - begin, MADV_POPULATE_WRITE) < 0 && errno != EINVAL) {
            arena->is_out[slot] = true;
            return false;
        }
        arena->is_there[slot] = true;
    }
    return true;
}

int jdk_arena_free_slot(jdk_arena *arena) {
    for (size_t slot = 0; slot < arena->slots; slot++) {
        if (arena->is_out[slot] || !is_there(arena, slot)) continue;
        uint64_t released = atomic_load_explicit(word(arena, (int)slot, JDK_SLOT_AT_RELEASED), memory_order_acquire);
        if (released == arena->last[slot]) return (int)slot;
    }
    return -1;
}

unsigned char *jdk_arena_data(const jdk_arena *arena, int slot) {
    return arena->memory + (size_t)slot * stride(arena) + JDK_SLOT_SIZE;
}

void jdk_arena_begin(const jdk_arena *arena, int slot, uint64_t number) {
    atomic_store_explicit(word(arena, slot, JDK_SLOT_AT_BEGUN), number, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

void jdk_arena_end(const jdk_arena *arena, int slot, uint64_t number) {
    atomic_store_explicit(word(arena, slot, JDK_SLOT_AT_ENDED), number, memory_order_release);
}
