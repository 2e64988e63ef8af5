#pragma once

// What a ring in shared memory needs and Swift does not give: atomic access to words of a mapping,
// and the checksum that processors compute by themselves.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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

static inline uint32_t cjournal_load_short(const uint32_t *word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

// Orders a store before a later load, which release and acquire do not.
static inline void cjournal_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// Has the process survive that a mapping of a file loses pages, because the file was cut off or its
// disk fails: empty memory stands at their address, and `lost` becomes 1. If it is the mapping's
// beginning that is lost, the words stand there that `words` holds at that moment.
//
// Returns a number for `cjournal_unguard`, or -1 where the mapping is not guarded: there are 8192.
// Both must outlive the guard, and the mapping, too.
int cjournal_guard(void *start, size_t size, const uint64_t *words, size_t words_count,
                   uint32_t *lost);

// A file that other processes have mapped, too.
struct cjournal_file {
  int descriptor;
  dev_t device;
  ino_t number;
  off_t end; // how long it must be for this mapping
};

// The bytes at its beginning that become zero when it is made longer.
enum { cjournal_file_head = 96 };

// The same for a mapping that is shared: the file is made long enough again, what was cut off
// is zero, and so is its head; `lost` grows by one. `file` must outlive the guard.
int cjournal_guard_file(void *start, size_t size, const struct cjournal_file *file,
                        uint32_t *lost);

// Does that at once where the file of a guard has been cut off; whether it did.
int cjournal_restore(int slot);

void cjournal_unguard(int slot);

// Reads a byte of each page: where the kernel only fails to read what is lost, this covers it.
void cjournal_touch(const void *start, size_t count);
