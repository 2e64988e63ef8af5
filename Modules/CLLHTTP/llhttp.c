#if __has_include("/usr/share/llhttp/llhttp.c")
#include "/usr/share/llhttp/llhttp.c"
#else
// An empty object would be kept, and the link would go on failing once the package is there.
#error "llhttp's C sources are missing: bin/packages build installs Debian's node-llhttp"
#endif
