#pragma once

// Of hiredis: the reader and the formatter, and none of its connections.

#include <hiredis/hiredis.h>

// A reader of replies that refuses arrays of more elements than a reply of ours may have: hiredis
// would ask for the memory of as many as the other side names. NULL without memory.
redisReader *chiredis_reader(void);

// The elements that an array of a reply may have.
enum { chiredis_elements_max = 65536 };
