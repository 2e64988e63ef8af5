#define _GNU_SOURCE
#include "csqlite.h"

#include <cjournal.h>
#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// SQLite maps the index of its log, in regions, and shares it with other processes; a process that
// touches a region of a file that was cut off gets SIGBUS. Here each region is guarded as long as a
// connection of this process has it mapped. The guard makes the file long enough again, all zero at
// its head, and by that SQLite knows that it has to make the index anew before the next transaction.
// A transaction that has begun could find less than there was: it reads and writes no more. Where
// the cut is within a page, no signal comes; the length is looked at when a transaction begins.

enum { regions_max = 256, nodes_max = 4096, write_lock = 0, checkpoint_lock = 1 };

// The index of one database, as this process has it mapped.
struct node {
  char *start; // of its first region; NULL: none
  int references;
  uint32_t losses; // how often its file was cut off
  int slots_count;
  int slots[regions_max];
  struct cjournal_file files[regions_max];
};

// What stands behind a file's own memory.
struct extra {
  const char *name;
  struct node *node;
  uint32_t losses; // of the node, when the connection began to read or to write
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct node *nodes[nodes_max];
static sqlite3_vfs vfs;
static sqlite3_vfs *base;
static const sqlite3_io_methods *main_base, *log_base;
static sqlite3_io_methods main_methods, log_methods;
// What this thread reads or writes by now.
static __thread struct node *current;
static __thread uint32_t current_losses;

static struct extra *extra(sqlite3_file *file) {
  return (struct extra *)((char *)file + base->szOsFile);
}

static int is_lost(const struct node *node, uint32_t losses) {
  return node && __atomic_load_n(&node->losses, __ATOMIC_ACQUIRE) != losses;
}

// SQLite's own descriptor of a file: closing another one would give up the locks of all.
static int own_descriptor(const struct stat *wanted) {
  DIR *folder = opendir("/proc/self/fd");
  if (!folder) return -1;
  int found = -1;
  struct dirent *entry;
  while (found < 0 && (entry = readdir(folder))) {
    int descriptor = atoi(entry->d_name);
    struct stat status;
    if (descriptor > 2 && fstat(descriptor, &status) == 0 && status.st_ino == wanted->st_ino &&
        status.st_dev == wanted->st_dev) {
      found = descriptor;
    }
  }
  closedir(folder);
  return found;
}

static int find(const char *name, struct cjournal_file *file) {
  char path[4096];
  struct stat status;
  int length = name ? snprintf(path, sizeof path, "%s-shm", name) : -1;
  if (length < 0 || length >= (int)sizeof path || stat(path, &status) != 0) return 0;
  file->device = status.st_dev;
  file->number = status.st_ino;
  file->descriptor = own_descriptor(&status);
  return file->descriptor >= 0;
}

// The node of a first region, with one more reference; NULL where there is no room.
static struct node *node_at(char *start) {
  int empty = -1;
  for (int index = 0; index < nodes_max; index++) {
    if (nodes[index] && nodes[index]->start == start) {
      nodes[index]->references++;
      return nodes[index];
    }
    if (empty < 0 && (!nodes[index] || !nodes[index]->start)) empty = index;
  }
  if (empty < 0) return NULL;
  // Never freed, because a guard may still read it.
  if (!nodes[empty]) nodes[empty] = calloc(1, sizeof(struct node));
  if (!nodes[empty]) return NULL;
  nodes[empty]->start = start;
  nodes[empty]->references = 1;
  nodes[empty]->slots_count = 0;
  return nodes[empty];
}

// Guards the region behind those that are guarded already.
static void add(struct node *node, const char *name, int region, int bytes, char *start) {
  if (region != node->slots_count || region >= regions_max) return;
  struct cjournal_file *file = &node->files[region];
  if (region > 0) {
    *file = node->files[0];
  } else if (!find(name, file)) {
    return;
  }
  file->end = (off_t)(region + 1) * bytes;
  int slot = cjournal_guard_file(start, (size_t)bytes, file, &node->losses);
  if (slot >= 0) node->slots[node->slots_count++] = slot;
}

static void leave(sqlite3_file *file) {
  struct node *node = extra(file)->node;
  if (!node) return;
  extra(file)->node = NULL;
  pthread_mutex_lock(&mutex);
  if (--node->references == 0) {
    for (int index = 0; index < node->slots_count; index++) cjournal_unguard(node->slots[index]);
    node->slots_count = 0;
    node->start = NULL;
  }
  pthread_mutex_unlock(&mutex);
}

static int map(sqlite3_file *file, int region, int bytes, int extends, void volatile **start) {
  int code = main_base->xShmMap(file, region, bytes, extends, start);
  if (code != SQLITE_OK || !*start) return code;
  struct extra *own = extra(file);
  pthread_mutex_lock(&mutex);
  if (!own->node && region == 0) own->node = node_at((char *)*start);
  if (own->node) add(own->node, own->name, region, bytes, (char *)*start);
  pthread_mutex_unlock(&mutex);
  return code;
}

static int lock(sqlite3_file *file, int offset, int count, int flags) {
  struct extra *own = extra(file);
  struct node *node = own->node;
  int is_exclusive = flags & SQLITE_SHM_EXCLUSIVE;
  if (flags & SQLITE_SHM_UNLOCK) {
    // A change that was written when the index went: what is in the index now is not all.
    if (is_exclusive && offset == write_lock && is_lost(node, own->losses)) {
      memset(node->start, 0, cjournal_file_head);
    }
    return main_base->xShmLock(file, offset, count, flags);
  }
  int code = main_base->xShmLock(file, offset, count, flags);
  // After each of these SQLite compares the head with what it has read of it before.
  if (code == SQLITE_OK && node && (!is_exclusive || offset <= checkpoint_lock)) {
    if (node->slots_count > 0) cjournal_restore(node->slots[node->slots_count - 1]);
    current = node;
    current_losses = own->losses = __atomic_load_n(&node->losses, __ATOMIC_ACQUIRE);
  }
  return code;
}

static int read_main(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  if (is_lost(extra(file)->node, extra(file)->losses)) return SQLITE_IOERR_SHMMAP;
  return main_base->xRead(file, bytes, count, offset);
}

static int unmap(sqlite3_file *file, int deletes) {
  leave(file);
  return main_base->xShmUnmap(file, deletes);
}

static int close_main(sqlite3_file *file) {
  leave(file);
  return main_base->xClose(file);
}

static int read_log(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  if (is_lost(current, current_losses)) return SQLITE_IOERR_SHMMAP;
  return log_base->xRead(file, bytes, count, offset);
}

static int write_log(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  if (is_lost(current, current_losses)) return SQLITE_IOERR_SHMMAP;
  return log_base->xWrite(file, bytes, count, offset);
}

// Copies the methods of the first file of a kind; those of other ones stay as they are.
static int adopt(sqlite3_file *file, const sqlite3_io_methods **known, sqlite3_io_methods *own) {
  pthread_mutex_lock(&mutex);
  if (!*known) {
    *own = *file->pMethods;
    if (own == &main_methods) {
      own->xRead = read_main;
      own->xShmMap = map;
      own->xShmLock = lock;
      own->xShmUnmap = unmap;
      own->xClose = close_main;
    } else {
      own->xRead = read_log;
      own->xWrite = write_log;
    }
    *known = file->pMethods;
  }
  int is_same = *known == file->pMethods;
  pthread_mutex_unlock(&mutex);
  if (is_same) file->pMethods = own;
  return is_same;
}

static int open_file(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                     int *out_flags) {
  int code = base->xOpen(self, name, file, flags, out_flags);
  if (code != SQLITE_OK || !file->pMethods) return code;
  *extra(file) = (struct extra){name, NULL, 0};
  if ((flags & SQLITE_OPEN_MAIN_DB) && file->pMethods->iVersion >= 2 && file->pMethods->xShmMap) {
    adopt(file, &main_base, &main_methods);
  } else if (flags & SQLITE_OPEN_WAL) {
    adopt(file, &log_base, &log_methods);
  }
  return code;
}

int csqlite_guard_index(void) {
  base = sqlite3_vfs_find(NULL);
  if (!base) return SQLITE_ERROR;
  vfs = *base;
  vfs.pNext = NULL;
  vfs.zName = "weir";
  vfs.szOsFile = base->szOsFile + (int)sizeof(struct extra);
  vfs.xOpen = open_file;
  return sqlite3_vfs_register(&vfs, 1);
}
