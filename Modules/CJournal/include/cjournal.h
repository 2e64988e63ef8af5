#pragma once

// What a ring in shared memory needs and Swift does not give: atomic access to words of a mapping,
// and the checksum that processors compute by themselves.

#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli) of bytes, going on from an earlier value; 0 to begin with.
uint32_t cjournal_crc32c(uint32_t crc, const void *bytes, size_t count);

// The same without the processor's help, for the others and for tests.
uint32_t cjournal_crc32c_table(uint32_t crc, const void *bytes, size_t count);

// What a difference of two checksums becomes by so many bytes (less than 2^32) that follow both.
uint32_t cjournal_crc32c_after(uint32_t crc, size_t count);

// What one thread has published to another: acquire and release.
static inline uint64_t cjournal_load(const void *word) {
  return __atomic_load_n((const uint64_t *)word, __ATOMIC_ACQUIRE);
}

static inline void cjournal_store(void *word, uint64_t value) {
  __atomic_store_n((uint64_t *)word, value, __ATOMIC_RELEASE);
}

// Orders a store before a later load, which release and acquire do not.
static inline void cjournal_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
