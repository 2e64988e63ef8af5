#pragma once

// Debian's node-llhttp ships llhttp's C sources and header.
#if __has_include("/usr/share/include/llhttp/llhttp.h")
#include "/usr/share/include/llhttp/llhttp.h"
#else
#error "llhttp's header is missing: bin/packages build installs Debian's node-llhttp"
#endif
