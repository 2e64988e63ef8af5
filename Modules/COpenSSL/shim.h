#pragma once

// The parts of OpenSSL that Weir uses beside libcurl, which brings the library into the process.

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

// A macro in OpenSSL 3.
static inline int copenssl_load_bundle(X509_STORE *store, const char *path) {
  return X509_STORE_load_file(store, path);
}
