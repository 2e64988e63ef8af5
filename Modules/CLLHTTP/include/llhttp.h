#pragma once

// Debian's node-llhttp ships llhttp's C sources and header; other distributions install a shared
// library and its header under the plain name.
#if __has_include("/usr/share/include/llhttp/llhttp.h")
#include "/usr/share/include/llhttp/llhttp.h"
#else
#include_next <llhttp.h>
#endif
