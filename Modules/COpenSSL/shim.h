#pragma once

// The parts of OpenSSL that Weir uses beside libcurl, which brings the library into the process.

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// A macro in OpenSSL 3.
static inline int copenssl_load_bundle(X509_STORE *store, const char *path) {
  return X509_STORE_load_file(store, path);
}

// What follows are macros, too, or take arguments of no fixed type.

static inline int copenssl_set_min_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int copenssl_set_groups(SSL_CTX *context, const char *names) {
  return (int)SSL_CTX_set1_groups_list(context, names);
}

// The errno inside of an error of the system's, else 0.
static inline int copenssl_system_error(unsigned long code) {
  return ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) : 0;
}

// As RFC 2253 writes a name, with everything escaped that is no printable ASCII.
static const unsigned long copenssl_name_flags = XN_FLAG_RFC2253;

// The name that a server is asked for, and whose certificate it has to show; an address is asked for
// by none. Returns 1, or 0 where OpenSSL refuses.
static inline int copenssl_expect_host(SSL *ssl, const char *host, int is_address) {
  if (is_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

// Whether a context trusts a certificate that has not ended: the others vouch for none.
static inline int copenssl_trusts_any(SSL_CTX *context) {
  STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int index = 0; index < sk_X509_OBJECT_num(all); index++) {
    X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, index));
    if (certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0) return 1;
  }
  return 0;
}

static inline void copenssl_set_modes(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // Without it each record takes two reads of the socket, one of them for its five bytes of header.
  SSL_CTX_set_read_ahead(context, 1);
}

static inline void copenssl_set_server_options(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
}

static inline void copenssl_set_servername_callback(SSL_CTX *context,
                                                    int (*callback)(SSL *, int *, void *),
                                                    void *argument) {
  SSL_CTX_set_tlsext_servername_callback(context, callback);
  SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline void copenssl_set_ticket_callback(SSL_CTX *context,
                                                int (*callback)(SSL *, unsigned char *,
                                                                unsigned char *, EVP_CIPHER_CTX *,
                                                                EVP_MAC_CTX *, int),
                                                void *keys) {
  SSL_CTX_set_app_data(context, keys);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

static inline void *copenssl_ticket_keys(SSL *ssl) {
  return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static inline void copenssl_set_message_callback(SSL *ssl,
                                                 void (*callback)(int, int, int, const void *,
                                                                  size_t, SSL *, void *),
                                                 void *argument) {
  SSL_set_msg_callback(ssl, callback);
  SSL_set_msg_callback_arg(ssl, argument);
}

// Ends a read of the socket as if nothing were there, once so many reads were allowed and made: from
// inside of one call OpenSSL reads on for as long as messages come that are no content. The number is
// kept where the callback's argument is.
static inline long copenssl_count_read(BIO *socket, int operation, const char *bytes, size_t length,
                                       int number, long more, int result, size_t *processed) {
  (void)bytes, (void)length, (void)number, (void)more, (void)processed;
  if (operation & BIO_CB_RETURN) return result;
  if (operation != BIO_CB_READ) return 1;
  intptr_t left = (intptr_t)BIO_get_callback_arg(socket);
  if (left > 0) {
    BIO_set_callback_arg(socket, (char *)(left - 1));
    return 1;
  }
  BIO_set_retry_read(socket);
  return -1;
}

// Writes go through a BIO of their own, because OpenSSL calls a BIO's callback before and after each
// write, too. Returns 1, or 0 where there is no memory for it.
static inline int copenssl_count_reads(SSL *ssl) {
  BIO *socket = BIO_new_socket((int)BIO_get_fd(SSL_get_rbio(ssl), NULL), BIO_NOCLOSE);
  if (socket == NULL) return 0;
  SSL_set0_wbio(ssl, socket);
  BIO_set_callback_ex(SSL_get_rbio(ssl), copenssl_count_read);
  return 1;
}

// Empties the queue of errors where there are any: to empty it costs some hundred instructions even
// where it is empty, and each read and write begins with it.
static inline void copenssl_clear_errors(void) {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

static inline void copenssl_allow_reads(SSL *ssl, int count) {
  BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)(intptr_t)count);
}

// Readies a ticket's cipher and code of authentication: AES-256-CBC and HMAC-SHA256, as RFC 5077
// recommends. Returns 1, or 0 where OpenSSL refuses.
static inline int copenssl_use_ticket_key(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                                          const unsigned char *key, const unsigned char *mac_key,
                                          const unsigned char *iv, int encrypts) {
  OSSL_PARAM params[3];
  params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)mac_key, 32);
  params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0);
  params[2] = OSSL_PARAM_construct_end();
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key, iv, encrypts) == 1 &&
         EVP_MAC_CTX_set_params(mac, params) == 1;
}
