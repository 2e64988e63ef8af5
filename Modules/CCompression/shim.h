#pragma once

// The decoders that libcurl brings into the process already.

#include <brotli/decode.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

// Macros. The window's bits say which format: 15 zlib's, 31 gzip's, -15 none around the data.
static inline int ccompression_begin(z_stream *stream, int window) {
  memset(stream, 0, sizeof *stream);
  return inflateInit2(stream, window);
}

// 15 bits of window make zlib's format, 16 more gzip's. Level 1: time matters more than a few bytes.
static inline int ccompression_begin_deflate(z_stream *stream, int window) {
  memset(stream, 0, sizeof *stream);
  return deflateInit2(stream, 1, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
}

static inline BrotliDecoderState *ccompression_begin_brotli(void) {
  return BrotliDecoderCreateInstance(NULL, NULL, NULL);
}
