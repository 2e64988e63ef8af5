#pragma once

#include <stddef.h>

// A file of the page.
typedef struct {
  const unsigned char *bytes;
  size_t count;
} cpage_asset_t;

// The file of an index: see page.c for the list.
cpage_asset_t cpage_asset(int index);
