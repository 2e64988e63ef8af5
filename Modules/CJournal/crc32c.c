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

__attribute__((constructor)) static void fill_table(void) {
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
HARDWARE static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *next = bytes;
  crc = ~crc;
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
__attribute__((constructor)) static void find_hardware(void) { hardware = has_hardware(); }
#endif

uint32_t cjournal_crc32c(uint32_t crc, const void *bytes, size_t count) {
#ifdef HARDWARE
  if (hardware) {
    return crc32c_hardware(crc, bytes, count);
  }
#endif
  return cjournal_crc32c_table(crc, bytes, count);
}
