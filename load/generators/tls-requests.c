/**
 * Load over TLS 1.3, from one thread: `connections` at a time, each asking for `path` again and again, on kept connections
 * or with a connection a request, whose handshake is full or resumed by the ticket of the one before. wrk does not let
 * that be chosen. Certificates are not verified: that would be work of ours, not of who is measured.
 *
 *     tls-requests <port> <hostname> <path> <connections> <seconds> kept|full|resumed [<names> <exponent>]
 *
 * With `names` each connection is for another hostname: `site<number>` before the given one, numbered below `names`, drawn
 * from a Zipf distribution with this exponent (0: all alike). The same in every run.
 *
 * Writes one line of JSON: requests, seconds, p50Us, p99Us, maxUs, errors, badAnswers, handshakes, resumed. A request is
 * timed from its first octet, or from the start of its connection, to the last octet of the answer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define READ_BYTES 65536
#define HEAD_BYTES 4096
#define OPEN_FILES 65536
#define NAME_BYTES 256
#define REQUEST_BYTES 1024
/* Answers slower than that count as errors. */
#define TIMEOUT_US 10000000
#define SWEEP_US 500000
/* Latencies are counted in steps of 1/64 of their power of two. */
#define STEPS 64
#define BUCKETS (STEPS * 40)

enum mode { KEPT, FULL, RESUMED };
enum state { CONNECTING, ASKING, ANSWERED };

struct slot {
  int fd;
  SSL *ssl;
  SSL_SESSION *session;
  enum state state;
  uint64_t begun;
  char head[HEAD_BYTES + 1];
  size_t head_length;
  int64_t body_left; /* -1: the head has not ended */
  uint32_t interest;
  char name[NAME_BYTES];
  char request[REQUEST_BYTES];
  size_t request_length;
};

static enum mode mode;
static struct sockaddr_in address;
static const char *hostname, *path;
/* Of the names: how often one up to this number is drawn, of 1. NULL: there is one name. */
static double *shares;
static size_t names;
static uint64_t chance = 88172645463325252u;
static SSL_CTX *context;
static int epoll_fd;
static uint64_t buckets[BUCKETS], requests, errors, bad_answers, handshakes, resumed, max_us;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static unsigned bucket_of(uint64_t us) {
  if (us < STEPS) return (unsigned)us;
  unsigned power = 63 - (unsigned)__builtin_clzll(us) - 6;
  return STEPS * (power + 1) + (unsigned)((us >> power) - STEPS);
}

static uint64_t value_of(unsigned bucket) {
  if (bucket < STEPS) return bucket;
  unsigned power = bucket / STEPS - 1;
  return (uint64_t)(bucket % STEPS + STEPS) << power;
}

static uint64_t percentile(double percent) {
  uint64_t rank = (uint64_t)(percent / 100 * (double)requests), seen = 0;
  for (unsigned i = 0; i < BUCKETS; i++) {
    seen += buckets[i];
    if (seen > rank) return value_of(i);
  }
  return max_us;
}

/* The newest ticket of a slot serves its next connection. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct slot *slot = SSL_get_app_data(ssl);
  if (slot->session) SSL_SESSION_free(slot->session);
  slot->session = session;
  return 1;
}

static void interest(struct slot *slot, uint32_t events) {
  if (slot->interest == events) return;
  struct epoll_event event = {.events = events, .data.ptr = slot};
  epoll_ctl(epoll_fd, slot->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, slot->fd, &event);
  slot->interest = events;
}

/* xorshift64 (Marsaglia 2003). */
static size_t draw(void) {
  chance ^= chance << 13;
  chance ^= chance >> 7;
  chance ^= chance << 17;
  double at = (double)(chance >> 11) / 9007199254740992.0;
  size_t low = 0, high = names - 1;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (shares[middle] > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

static void name_slot(struct slot *slot) {
  if (shares) snprintf(slot->name, sizeof slot->name, "site%zu%s", draw(), hostname);
  else snprintf(slot->name, sizeof slot->name, "%s", hostname);
  slot->request_length = (size_t)snprintf(slot->request, sizeof slot->request, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path,
                                          slot->name, mode == KEPT ? "" : "Connection: close\r\n");
}

static void open_slot(struct slot *slot) {
  if (shares || !slot->request_length) name_slot(slot);
  slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (slot->fd < 0) {
    perror("socket");
    exit(1);
  }
  int on = 1;
  setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  slot->begun = now_us();
  slot->state = CONNECTING;
  slot->interest = 0;
  if (connect(slot->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) errors++;
  slot->ssl = SSL_new(context);
  SSL_set_app_data(slot->ssl, slot);
  SSL_set_fd(slot->ssl, slot->fd);
  SSL_set_tlsext_host_name(slot->ssl, slot->name);
  if (mode == RESUMED && slot->session) {
    /* OpenSSL spoils a session by its use, and some servers send a new ticket with full handshakes only. */
    SSL_SESSION *copy = SSL_SESSION_dup(slot->session);
    SSL_set_session(slot->ssl, copy);
    SSL_SESSION_free(copy);
  }
  SSL_set_connect_state(slot->ssl);
  interest(slot, EPOLLOUT);
}

static void close_slot(struct slot *slot) {
  SSL_shutdown(slot->ssl);
  SSL_free(slot->ssl);
  close(slot->fd);
}

static void reopen(struct slot *slot) {
  close_slot(slot);
  open_slot(slot);
}

static void fail(struct slot *slot) {
  errors++;
  SSL_set_quiet_shutdown(slot->ssl, 1);
  reopen(slot);
}

static void answered(struct slot *slot) {
  uint64_t us = now_us() - slot->begun;
  if (us > max_us) max_us = us;
  buckets[bucket_of(us)]++;
  requests++;
  if (strncmp(slot->head, "HTTP/1.1 2", 10) != 0) bad_answers++;
}

static int ask(struct slot *slot) {
  if (mode == KEPT) slot->begun = now_us();
  slot->head_length = 0;
  slot->body_left = -1;
  slot->state = ASKING;
  return SSL_write(slot->ssl, slot->request, (int)slot->request_length) == (int)slot->request_length;
}

/* Takes octets of the answer. False: it is none that we understand. */
static int take(struct slot *slot, const char *data, size_t length) {
  if (slot->body_left < 0) {
    size_t room = HEAD_BYTES - slot->head_length, part = length < room ? length : room;
    memcpy(slot->head + slot->head_length, data, part);
    slot->head[slot->head_length + part] = 0;
    char *end = strstr(slot->head, "\r\n\r\n");
    if (!end) {
      slot->head_length += part;
      return slot->head_length < HEAD_BYTES;
    }
    size_t used = (size_t)(end + 4 - slot->head) - slot->head_length;
    end[2] = 0;
    const char *field = strcasestr(slot->head, "\r\ncontent-length:");
    if (!field) return 0;
    slot->body_left = atoll(field + 17);
    data += used;
    length -= used;
  }
  slot->body_left -= (int64_t)length;
  return slot->body_left >= 0;
}

static void advance(struct slot *slot) {
  static char buffer[READ_BYTES];
  if (slot->state == CONNECTING) {
    int done = SSL_do_handshake(slot->ssl);
    if (done != 1) {
      int why = SSL_get_error(slot->ssl, done);
      if (why == SSL_ERROR_WANT_READ) return interest(slot, EPOLLIN);
      if (why == SSL_ERROR_WANT_WRITE) return interest(slot, EPOLLOUT);
      return fail(slot);
    }
    handshakes++;
    if (SSL_session_reused(slot->ssl)) resumed++;
    interest(slot, EPOLLIN);
    if (!ask(slot)) return fail(slot);
  }
  for (;;) {
    int length = SSL_read(slot->ssl, buffer, sizeof buffer);
    if (length <= 0) {
      int why = SSL_get_error(slot->ssl, length);
      if (why == SSL_ERROR_WANT_READ) return;
      if (slot->state == ANSWERED) return reopen(slot);
      return fail(slot);
    }
    if (slot->state == ANSWERED || !take(slot, buffer, (size_t)length)) return fail(slot);
    if (slot->body_left != 0) continue;
    answered(slot);
    if (mode != KEPT) slot->state = ANSWERED; /* it closes */
    else if (!ask(slot)) return fail(slot);
  }
}

static void share_names(double exponent) {
  shares = calloc(names, sizeof *shares);
  double total = 0;
  for (size_t i = 0; i < names; i++) shares[i] = total += pow((double)(i + 1), -exponent);
  for (size_t i = 0; i < names; i++) shares[i] /= total;
}

int main(int count, char **values) {
  if (count != 7 && count != 9)
    return fprintf(stderr, "usage: tls-requests port hostname path connections seconds kept|full|resumed [names exponent]\n"), 2;
  hostname = values[2];
  path = values[3];
  int connections = atoi(values[4]);
  uint64_t length_us = (uint64_t)(atof(values[5]) * 1e6);
  mode = strcmp(values[6], "kept") == 0 ? KEPT : strcmp(values[6], "full") == 0 ? FULL : RESUMED;
  if (count == 9) {
    names = (size_t)atol(values[7]);
    share_names(atof(values[8]));
  }
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(values[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct rlimit files = {OPEN_FILES, OPEN_FILES};
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (mode == RESUMED) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  }
  epoll_fd = epoll_create1(0);
  struct slot *slots = calloc((size_t)connections, sizeof *slots);
  uint64_t begun = now_us(), swept = begun;
  for (int i = 0; i < connections; i++) open_slot(&slots[i]);
  struct epoll_event events[EVENTS];
  while (now_us() - begun < length_us) {
    int ready = epoll_wait(epoll_fd, events, EVENTS, 100);
    for (int i = 0; i < ready; i++) advance(events[i].data.ptr);
    if (now_us() - swept < SWEEP_US) continue;
    swept = now_us();
    for (int i = 0; i < connections; i++)
      if (swept > slots[i].begun + TIMEOUT_US) fail(&slots[i]);
  }
  double seconds = (double)(now_us() - begun) / 1e6;
  printf("{\"requests\":%lu,\"seconds\":%.6f,\"p50Us\":%lu,\"p99Us\":%lu,\"maxUs\":%lu,\"errors\":%lu,\"badAnswers\":%lu,"
         "\"handshakes\":%lu,\"resumed\":%lu}\n",
         requests, seconds, requests ? percentile(50) : 0, requests ? percentile(99) : 0, max_us, errors, bad_answers,
         handshakes, resumed);
  return 0;
}
