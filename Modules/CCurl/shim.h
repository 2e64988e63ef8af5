#pragma once

// Typed wrappers for libcurl's variadic functions, which Swift cannot call, and for CURLMsg's union.
// Each passes exactly the C type that the option's manual page names: through varargs a 32-bit
// integer where a long is expected is undefined behaviour.

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode ccurl_easy_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_easy_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_easy_set_string(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_easy_set_pointer(CURL *easy, CURLoption option, const void *value) {
  return curl_easy_setopt(easy, option, value);
}

typedef size_t (*ccurl_data_function)(char *data, size_t size, size_t count, void *context);
static inline CURLcode ccurl_easy_set_data_function(CURL *easy, CURLoption option,
                                                    ccurl_data_function function) {
  return curl_easy_setopt(easy, option, function);
}

typedef int (*ccurl_prerequest_function)(void *context, char *primary, char *local,
                                         int primary_port, int local_port);
static inline CURLcode ccurl_easy_set_prerequest(CURL *easy, ccurl_prerequest_function function) {
  return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, function);
}

typedef curl_socket_t (*ccurl_open_function)(void *context, curlsocktype purpose,
                                             struct curl_sockaddr *address);
static inline CURLcode ccurl_easy_set_open_socket(CURL *easy, ccurl_open_function function) {
  return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
}

typedef int (*ccurl_close_function)(void *context, curl_socket_t socket);
static inline CURLcode ccurl_easy_set_close_socket(CURL *easy, ccurl_close_function function) {
  return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, function);
}

typedef CURLcode (*ccurl_tls_function)(CURL *easy, void *context, void *user);
static inline CURLcode ccurl_easy_set_tls_context(CURL *easy, ccurl_tls_function function) {
  return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, function);
}

static inline void *ccurl_easy_private(CURL *easy) {
  void *value = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
  return value;
}

static inline long ccurl_easy_info_long(CURL *easy, CURLINFO info) {
  long value = 0;
  curl_easy_getinfo(easy, info, &value);
  return value;
}

static inline curl_off_t ccurl_easy_info_offset(CURL *easy, CURLINFO info) {
  curl_off_t value = 0;
  curl_easy_getinfo(easy, info, &value);
  return value;
}

typedef int (*ccurl_socket_function)(CURL *easy, curl_socket_t socket, int what, void *context,
                                     void *socket_context);
static inline CURLMcode ccurl_multi_set_socket(CURLM *multi, ccurl_socket_function function,
                                               void *context) {
  CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, function);
  return code != CURLM_OK ? code : curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
}

typedef int (*ccurl_timer_function)(CURLM *multi, long milliseconds, void *context);
static inline CURLMcode ccurl_multi_set_timer(CURLM *multi, ccurl_timer_function function,
                                              void *context) {
  CURLMcode code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, function);
  return code != CURLM_OK ? code : curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

// The next finished transfer, copied out: the message's memory dies with curl_multi_remove_handle.
static inline CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
    if (message->msg == CURLMSG_DONE) {
      *result = message->data.result;
      return message->easy_handle;
    }
  }
  return NULL;
}

static inline CURLSHcode ccurl_share_set_long(CURLSH *share, CURLSHoption option, long value) {
  return curl_share_setopt(share, option, value);
}
