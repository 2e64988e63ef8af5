#include "chiredis.h"

#include <pthread.h>

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static redisReplyObjectFunctions bounded;
static void *(*create_array)(const redisReadTask *, element_count);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *create_bounded_array(const redisReadTask *task, element_count count) {
  return count > chiredis_elements_max ? NULL : create_array(task, count);
}

// hiredis has its functions in a table that only a reader of its own leads to.
static void read_functions(void) {
  redisReader *reader = redisReaderCreate();
  if (reader == NULL) return;
  bounded = *reader->fn;
  create_array = bounded.createArray;
  bounded.createArray = create_bounded_array;
  redisReaderFree(reader);
}

redisReader *chiredis_reader(void) {
  pthread_once(&once, read_functions);
  return create_array == NULL ? NULL : redisReaderCreateWithFunctions(&bounded);
}
