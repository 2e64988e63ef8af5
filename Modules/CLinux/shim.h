#pragma once

// What Swift's Glibc overlay does not export: epoll, eventfd, signalfd, accept4 and affinity.
//
// _GNU_SOURCE must not be defined here: it would redefine fd_set against the overlay's own view of
// the C library and fail to compile. GNU-only functions are declared by hand instead, with the
// prototypes of their manual pages.

#include <errno.h>
#include <link.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/socket.h>
#include <unistd.h>

extern int malloc_trim(size_t keep);
extern long syscall(long number, ...);
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);

// What <link.h> calls dl_phdr_info, as far as it is read here.
struct clinux_object {
  ElfW(Addr) address;
  const char *name;
  const ElfW(Phdr) *parts;
  ElfW(Half) count;
};
extern int dl_iterate_phdr(int (*body)(struct clinux_object *, size_t, void *), void *context);

// Gives the pages of an object's unwritable parts back: each is read from its file again when it is
// needed. Tables that the linker wrote to are in writable parts, whatever is forbidden later.
static inline int clinux_release_object(struct clinux_object *object, size_t size, void *context) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  for (int index = 0; index < object->count; index++) {
    const ElfW(Phdr) *part = &object->parts[index];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
    uintptr_t start = (object->address + part->p_vaddr + page) & ~page;
    uintptr_t end = (object->address + part->p_vaddr + part->p_memsz) & ~page;
    if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

static inline void clinux_release_code(void) { dl_iterate_phdr(clinux_release_object, 0); }

// epoll_event.data is a union, which Swift imports without usable members on a packed struct.
static inline int clinux_epoll_ctl(int epoll, int operation, int fd, uint32_t events,
                                   uint64_t data) {
  struct epoll_event event;
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(epoll, operation, fd, &event);
}

static inline uint32_t clinux_epoll_events(const struct epoll_event *list, int index) {
  return list[index].events;
}

static inline uint64_t clinux_epoll_data(const struct epoll_event *list, int index) {
  return list[index].data.u64;
}

static inline int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline int clinux_signalfd(const sigset_t *set) {
  return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static inline int clinux_accept(int fd, struct sockaddr_storage *address) {
  socklen_t length = sizeof *address;
  return accept4(fd, (struct sockaddr *)address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// Number of processors this process may run on, or 1 when the kernel does not say.
static inline int clinux_processors(void) {
  // 1024 processors at a time: larger machines answer EINVAL, and 1,024 workers are enough.
  unsigned long mask[1024 / (8 * sizeof(unsigned long))];
  memset(mask, 0, sizeof mask);
  if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) != 0) {
    return 1;
  }
  int count = 0;
  for (size_t i = 0; i < sizeof mask / sizeof mask[0]; i++) {
    count += __builtin_popcountl(mask[i]);
  }
  return count > 0 ? count : 1;
}

// TCP_INFO is not needed; these two are macros whose integer types differ between headers.
static inline int clinux_set_int(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

static inline void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// Asks for turns of so many microseconds on a processor that is shared, policy and nice value left
// as they are. Who asks for short turns gets them soon (EEVDF, Linux 6.12); a kernel that does not
// know of it changes nothing.
static inline void clinux_ask_for_turns(unsigned microseconds) {
  // struct sched_attr, in its first version.
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes;
  if (sched_getscheduler(0) != SCHED_OTHER) return;
  memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.nice = getpriority(PRIO_PROCESS, 0);
  attributes.runtime = microseconds * 1000ull;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// Whether the kernel keeps the clock to another's; 0 also where it cannot be asked.
static inline int clinux_is_clock_synchronized(void) {
  struct timex state = {0};
  int result = adjtimex(&state);
  return result >= 0 && result != TIME_ERROR && !(state.status & STA_UNSYNC);
}

// Who is at the other end of a socket in the file system.
static inline int clinux_peer(int fd, pid_t *process, uid_t *user) {
  // struct ucred, which is declared for GNU programs only.
  struct {
    pid_t process;
    uid_t user;
    gid_t group;
  } peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
  *process = peer.process;
  *user = peer.user;
  return 0;
}

// The kernel passes so many descriptors with one message.
#define CLINUX_DESCRIPTORS_MAX 253

union clinux_control {
  char bytes[CMSG_SPACE(CLINUX_DESCRIPTORS_MAX * sizeof(int))];
  struct cmsghdr align;
};

// Sends a message with descriptors beside it.
static inline ssize_t clinux_send(int fd, const void *bytes, size_t count, const int *descriptors,
                                  size_t descriptor_count) {
  union clinux_control control;
  struct iovec piece = {(void *)bytes, count};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (descriptor_count > CLINUX_DESCRIPTORS_MAX) {
    errno = EINVAL;
    return -1;
  }
  if (descriptor_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
    memcpy(CMSG_DATA(head), descriptors, descriptor_count * sizeof(int));
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

// Receives a message, and the descriptors beside it: at most CLINUX_DESCRIPTORS_MAX.
static inline ssize_t clinux_receive(int fd, void *bytes, size_t room, int *descriptors,
                                     size_t *descriptor_count) {
  union clinux_control control;
  struct iovec piece = {bytes, room};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control;
  *descriptor_count = 0;
  ssize_t count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  if (count < 0) return count;
  for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    size_t found = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(descriptors + *descriptor_count, CMSG_DATA(head), found * sizeof(int));
    *descriptor_count += found;
  }
  return count;
}

// Memory without a name, which another process can be given; not inherited.
static inline int clinux_memory(const char *name) {
  return (int)syscall(SYS_memfd_create, name, 1u);
}
