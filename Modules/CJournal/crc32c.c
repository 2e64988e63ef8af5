#include "cjournal.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

static uint32_t table[8][256];

static void fill_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    table[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; byte++) {
    for (int slice = 1; slice < 8; slice++) {
      uint32_t before = table[slice - 1][byte];
      table[slice][byte] = before >> 8 ^ table[0][before & 0xFF];
    }
  }
}

// Eight bytes a step, a table for each.
uint32_t cjournal_crc32c_table(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *next = bytes;
  crc = ~crc;
  while (count >= 8) {
    uint32_t low = crc ^ (next[0] | next[1] << 8 | next[2] << 16 | (uint32_t)next[3] << 24);
    crc = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^
          table[4][low >> 24] ^ table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^
          table[0][next[7]];
    next += 8;
    count -= 8;
  }
  while (count-- > 0) {
    crc = crc >> 8 ^ table[0][(crc ^ *next++) & 0xFF];
  }
  return ~crc;
}

// A checksum is a polynomial, its highest bit the constant, and a zero byte behind what it is of
// multiplies it by x^8. after_zeros[n][byte] is x^8 to the power of byte * 256^n.
static uint32_t after_zeros[4][256];

static uint32_t product(uint32_t one, uint32_t other) {
  uint32_t sum = 0;
  for (int bit = 31; bit >= 0; bit--) {
    sum ^= other & -(one >> bit & 1);
    other = other >> 1 ^ (0x82F63B78u & -(other & 1));
  }
  return sum;
}

static void fill_after_zeros(void) {
  uint32_t step = (uint32_t)1 << (31 - 8);
  for (int digit = 0; digit < 4; digit++) {
    after_zeros[digit][0] = (uint32_t)1 << 31;
    for (int byte = 1; byte < 256; byte++) {
      after_zeros[digit][byte] = product(after_zeros[digit][byte - 1], step);
    }
    step = product(after_zeros[digit][255], step);
  }
}

uint32_t cjournal_crc32c_after(uint32_t crc, size_t count) {
  for (int digit = 0; digit < 4; digit++) {
    uint32_t byte = count >> 8 * digit & 0xFF;
    if (byte != 0) {
      crc = product(crc, after_zeros[digit][byte]);
    }
  }
  return crc;
}

#if defined(__x86_64__)
#define HARDWARE __attribute__((target("sse4.2")))
#define STEP8(crc, word) (uint32_t)_mm_crc32_u64(crc, word)
#define STEP1(crc, byte) _mm_crc32_u8(crc, byte)
static int has_hardware(void) { return __builtin_cpu_supports("sse4.2") != 0; }
#elif defined(__aarch64__)
#define HARDWARE __attribute__((target("crc")))
#define STEP8(crc, word) __crc32cd(crc, word)
#define STEP1(crc, byte) __crc32cb(crc, byte)
static int has_hardware(void) { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#endif

#ifdef HARDWARE
// The instruction takes three cycles and can begin in each, so three runs side by side take the time
// of one. Their checksums are put together by what so many zero bytes make of a checksum: each of its
// four bytes looked up by itself.
#define LONG_RUN 1024
#define SHORT_RUN 128

static uint32_t after_long[4][256], after_short[4][256];

static void fill_after(uint32_t after[4][256], int zeros) {
  for (int bit = 0; bit < 32; bit++) {
    uint32_t crc = (uint32_t)1 << bit;
    for (int zero = 0; zero < zeros; zero++) {
      crc = crc >> 8 ^ table[0][crc & 0xFF];
    }
    // A checksum of two bits is that of each, put together.
    uint32_t *part = after[bit / 8];
    uint32_t own = (uint32_t)1 << bit % 8;
    for (uint32_t below = 0; below < own; below++) {
      part[own | below] = crc ^ part[below];
    }
  }
}

static uint32_t go_on(uint32_t after[4][256], uint32_t crc) {
  return after[0][crc & 0xFF] ^ after[1][crc >> 8 & 0xFF] ^ after[2][crc >> 16 & 0xFF] ^
         after[3][crc >> 24];
}

HARDWARE static inline uint32_t three_runs(
    uint32_t crc, const unsigned char *next, size_t run, uint32_t after[4][256]) {
  uint32_t second = 0, third = 0;
  for (size_t offset = 0; offset < run; offset += 8) {
    uint64_t words[3];
    memcpy(&words[0], next + offset, 8);
    memcpy(&words[1], next + run + offset, 8);
    memcpy(&words[2], next + 2 * run + offset, 8);
    crc = STEP8(crc, words[0]);
    second = STEP8(second, words[1]);
    third = STEP8(third, words[2]);
  }
  crc = go_on(after, crc) ^ second;
  return go_on(after, crc) ^ third;
}

HARDWARE static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *next = bytes;
  crc = ~crc;
  while (count >= 3 * LONG_RUN) {
    crc = three_runs(crc, next, LONG_RUN, after_long);
    next += 3 * LONG_RUN;
    count -= 3 * LONG_RUN;
  }
  while (count >= 3 * SHORT_RUN) {
    crc = three_runs(crc, next, SHORT_RUN, after_short);
    next += 3 * SHORT_RUN;
    count -= 3 * SHORT_RUN;
  }
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, next, 8);
    crc = STEP8(crc, word);
    next += 8;
    count -= 8;
  }
  while (count-- > 0) {
    crc = STEP1(crc, *next++);
  }
  return ~crc;
}

static int hardware;
#endif

__attribute__((constructor)) static void prepare(void) {
  fill_table();
  fill_after_zeros();
#ifdef HARDWARE
  hardware = has_hardware();
  fill_after(after_long, LONG_RUN);
  fill_after(after_short, SHORT_RUN);
#endif
}

uint32_t cjournal_crc32c(uint32_t crc, const void *bytes, size_t count) {
#ifdef HARDWARE
  if (hardware) {
    return crc32c_hardware(crc, bytes, count);
  }
#endif
  return cjournal_crc32c_table(crc, bytes, count);
}
