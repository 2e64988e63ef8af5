#if __has_include("/usr/share/llhttp/http.c")
#include "/usr/share/llhttp/http.c"
#else
// Without the sources there is a shared library, or this fails here: an empty object would be kept,
// and the link would go on failing after the package had been installed.
#include <llhttp.h>
#endif
