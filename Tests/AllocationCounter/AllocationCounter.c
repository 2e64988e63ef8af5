// Counts a process's heap allocations from outside of it.
//
// Loaded with LD_PRELOAD it stands in front of the C library's allocator and adds to a counter in the
// file that ALLOCATION_COUNTER names: eight bytes, mapped and shared, so that a test reads them while
// the process runs and is not disturbed. Frees are not counted: what was allocated will be freed.
// Only the workers' threads count, by their names: what others do is on no request's way.
//
// WORSE_SEND makes each of their sends worse, so that a test can show that it would notice: by an
// "allocation", or by a system "call".

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Atomic(unsigned long) ignored;
static _Atomic(unsigned long) *counter = &ignored;

// A thread is named a moment after it starts, so it is asked until it has a name of ours.
static int is_worker(void) {
  static _Thread_local int known;
  if (known == 0) {
    char name[16] = "";
    prctl(PR_GET_NAME, name, 0, 0, 0);
    known = strncmp(name, "weir-worker", 11) == 0 ? 1 : strncmp(name, "weir-", 5) == 0 ? -1 : 0;
  }
  return known > 0;
}

static void count(void) {
  if (is_worker()) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
  }
}

__attribute__((constructor)) static void map_counter(void) {
  const char *path = getenv("ALLOCATION_COUNTER");
  if (path == NULL) {
    return;
  }
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) {
    return;
  }
  void *page = mmap(NULL, sizeof(unsigned long), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (page != MAP_FAILED) {
    counter = page;
  }
}

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  count();
  return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  count();
  *result = __libc_memalign(alignment, size);
  return *result == NULL ? 12 : 0;
}

ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
  static int worse = -1;
  if (worse < 0) {
    const char *text = getenv("WORSE_SEND");
    worse = text == NULL ? 0 : strcmp(text, "allocation") == 0 ? 1 : strcmp(text, "call") == 0 ? 2 : 0;
  }
  if (worse == 1 && is_worker()) {
    void *volatile wasted = malloc(16);
    free(wasted);
  } else if (worse == 2 && is_worker()) {
    syscall(SYS_getppid);
  }
  return syscall(SYS_sendto, descriptor, bytes, count, flags, NULL, 0);
}
