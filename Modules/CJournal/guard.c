#define _GNU_SOURCE
#include "cjournal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// A file that is mapped may be cut off by any process that may write to it, and its disk may fail.
// The next touch of a page that is gone raises SIGBUS, which ends the process. The handler puts
// empty memory where such pages of known mappings were, and says so; all else goes on as before.
//
// Memory that other processes share may not be this process's alone afterwards: then the file is
// made as long again as the mapping needs.
//
// It makes plain system calls of Linux only, takes no lock of the library and touches no guarded
// memory itself.

enum { mappings_max = 8192, restores_max = 64 };

struct mapping {
  uintptr_t start; // 0: no mapping
  uintptr_t end;
  uintptr_t covered; // from here on there is empty memory; `end` while there is none
  const uint64_t *words;
  size_t words_count;
  uint32_t *lost;
  uint32_t busy;
  uint32_t restores; // in vain, one after the other
  const struct cjournal_file *file; // NULL: covered with memory of this process's own
};

static struct mapping mappings[mappings_max];
static uint32_t changing;
static struct sigaction previous;
static uintptr_t page_bytes;

static void take(uint32_t *flag) {
  while (__atomic_exchange_n(flag, 1, __ATOMIC_ACQUIRE)) sched_yield();
}

static void give(uint32_t *flag) { __atomic_store_n(flag, 0, __ATOMIC_RELEASE); }

// Puts empty memory from a page on to the end of a mapping; 0 where that fails.
static int cover(struct mapping *mapping, uintptr_t page) {
  size_t size = mapping->covered - page;
  char *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fresh == MAP_FAILED) return 0;
  // Filled before it takes its address: no thread sees it without.
  if (mapping->words && page == mapping->start) {
    for (size_t index = 0; index < mapping->words_count; index++) {
      uint64_t word = __atomic_load_n(mapping->words + index, __ATOMIC_ACQUIRE);
      memcpy(fresh + 8 * index, &word, 8);
    }
  }
  if (mremap(fresh, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)page) == MAP_FAILED) {
    munmap(fresh, size);
    return 0;
  }
  mapping->covered = page;
  __atomic_store_n(mapping->lost, 1, __ATOMIC_RELEASE);
  return 1;
}

// Makes a file that was cut off as long again; 0 where that fails, or is not what is wrong.
static int restore(struct mapping *mapping) {
  const struct cjournal_file *file = mapping->file;
  struct stat status;
  // A descriptor that was closed meanwhile may be another file's.
  if (fstat(file->descriptor, &status) != 0 || status.st_ino != file->number ||
      status.st_dev != file->device) {
    return 0;
  }
  // Another thread, or process, may have made it long enough.
  if (status.st_size >= file->end) return mapping->restores++ < restores_max;
  // What is left of its head would speak of what is gone.
  char nothing[cjournal_file_head] = {0};
  if (pwrite(file->descriptor, nothing, sizeof nothing, 0) != sizeof nothing) return 0;
  // Neither makes it shorter where another process was faster; the first takes the room, too.
  if (fallocate(file->descriptor, 0, 0, file->end) != 0 &&
      pwrite(file->descriptor, nothing, 1, file->end - 1) != 1) {
    return 0;
  }
  mapping->restores = 0;
  __atomic_add_fetch(mapping->lost, 1, __ATOMIC_ACQ_REL);
  return 1;
}

static int is_covered(uintptr_t address) {
  for (int index = 0; index < mappings_max; index++) {
    struct mapping *mapping = &mappings[index];
    uintptr_t start = __atomic_load_n(&mapping->start, __ATOMIC_ACQUIRE);
    if (start == 0 || address < start || address >= mapping->end) continue;
    take(&mapping->busy);
    uintptr_t page = address & ~(page_bytes - 1);
    // Another thread may have met the same page.
    int is_done = mapping->file ? restore(mapping)
                                : page >= mapping->covered || cover(mapping, page);
    give(&mapping->busy);
    return is_done;
  }
  return 0;
}

static void on_fault(int number, siginfo_t *info, void *context) {
  int code = errno;
  // Not what another process sent, and no memory that broke.
  int is_fault = info->si_code == BUS_ADRERR || info->si_code == BUS_OBJERR;
  if (is_fault && is_covered((uintptr_t)info->si_addr)) {
    errno = code;
    return;
  }
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    signal(number, SIG_DFL);
    raise(number);
  }
  errno = code;
}

// Under `changing`; once.
static void install(void) {
  if (page_bytes) return;
  page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

static int guard(void *start, size_t size, const uint64_t *words, size_t words_count,
                 uint32_t *lost, const struct cjournal_file *file) {
  take(&changing);
  install();
  int slot = -1;
  for (int index = 0; slot < 0 && index < mappings_max; index++) {
    if (mappings[index].start == 0) slot = index;
  }
  if (slot >= 0) {
    struct mapping *mapping = &mappings[slot];
    mapping->end = (uintptr_t)start + size;
    mapping->covered = mapping->end;
    mapping->words = words;
    mapping->words_count = words_count;
    mapping->lost = lost;
    mapping->restores = 0;
    mapping->file = file;
    __atomic_store_n(&mapping->start, (uintptr_t)start, __ATOMIC_RELEASE);
  }
  give(&changing);
  return slot;
}

int cjournal_guard(void *start, size_t size, const uint64_t *words, size_t words_count,
                   uint32_t *lost) {
  return guard(start, size, words, words_count, lost, NULL);
}

int cjournal_guard_file(void *start, size_t size, const struct cjournal_file *file,
                        uint32_t *lost) {
  return guard(start, size, NULL, 0, lost, file);
}

int cjournal_restore(int slot) {
  if (slot < 0) return 0;
  struct mapping *mapping = &mappings[slot];
  struct stat status;
  if (fstat(mapping->file->descriptor, &status) != 0 || status.st_size >= mapping->file->end) {
    return 0;
  }
  take(&mapping->busy);
  int is_done = restore(mapping);
  give(&mapping->busy);
  return is_done;
}

void cjournal_unguard(int slot) {
  if (slot < 0) return;
  take(&changing);
  __atomic_store_n(&mappings[slot].start, 0, __ATOMIC_RELEASE);
  give(&changing);
}

void cjournal_touch(const void *start, size_t count) {
  const volatile char *bytes = start;
  for (size_t offset = 0; offset < count; offset += 4096) (void)bytes[offset];
  if (count > 0) (void)bytes[count - 1];
}
