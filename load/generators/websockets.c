/**
 * WebSocket clients from one thread. `echo`: on each connection one message of 64 octets after the other, the next as soon
 * as the last is back. `idle`: opens them all, says so, and from then on sends each one message for every line on stdin.
 *
 *     websockets <port> <hostname> <connections> echo <seconds>
 *     websockets <port> <hostname> <connections> idle
 *
 * echo writes one line of JSON at its end: messages, seconds, p50Us, p99Us, maxUs, errors. idle writes one when all are
 * open and one for each line: open, echoed, errors, maxUs; it ends with stdin.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
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
#define ROOM 1024
#define OPEN_FILES 65536
/* Opened but not answered yet: no more than a backlog holds. */
#define OPENING 256
#define BYTES 64
#define SENT_BYTES (6 + BYTES)
#define BACK_BYTES (2 + BYTES)
/* For all to be open, and for all messages of a line to be back. */
#define PATIENCE_US 60000000
#define STEPS 64
#define BUCKETS (STEPS * 40)

struct client {
  int fd;
  int open;
  size_t length; /* of an answer's head, then of the message that comes back */
  uint64_t begun;
  char *head;
};

static struct sockaddr_in address;
static const char *hostname;
static int epoll_fd, echoes, opened, opening, errors, back;
static uint64_t buckets[BUCKETS], messages, max_us;
static uint8_t frame[SENT_BYTES];

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

static uint64_t percentile(double percent) {
  uint64_t rank = (uint64_t)(percent / 100 * (double)messages), seen = 0;
  for (unsigned i = 0; i < BUCKETS; i++) {
    seen += buckets[i];
    if (seen <= rank) continue;
    return i < STEPS ? i : (uint64_t)(i % STEPS + STEPS) << (i / STEPS - 1);
  }
  return max_us;
}

static void lose(struct client *client) {
  errors++;
  if (client->open) opened--;
  else opening--;
  close(client->fd);
  free(client->head);
  client->fd = -1;
  client->open = 0;
}

static void dial(struct client *client) {
  static char request[512];
  client->fd = socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  client->head = malloc(ROOM + 1);
  opening++;
  /* On the loopback this waits for nobody but the kernel. */
  if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0) return lose(client);
  int length = snprintf(request, sizeof request,
                        "GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        hostname);
  if (send(client->fd, request, (size_t)length, MSG_NOSIGNAL) != length) return lose(client);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event);
}

static void say(struct client *client) {
  client->begun = now_us();
  client->length = 0;
  if (send(client->fd, frame, SENT_BYTES, MSG_NOSIGNAL | MSG_DONTWAIT) != SENT_BYTES) lose(client);
}

static void on_open(struct client *client) {
  free(client->head);
  client->head = NULL;
  client->length = 0;
  client->open = 1;
  opening--;
  opened++;
  if (echoes) say(client);
}

static void hear(struct client *client) {
  if (client->fd < 0) return; /* lost in the same turn */
  static uint8_t data[ROOM];
  size_t room = client->open ? sizeof data : ROOM - client->length;
  ssize_t got = recv(client->fd, client->open ? data : (uint8_t *)client->head + client->length, room, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return lose(client);
  client->length += (size_t)got;
  if (!client->open) {
    client->head[client->length] = 0;
    if (strstr(client->head, "\r\n\r\n") == NULL) return client->length < ROOM ? (void)0 : lose(client);
    return strncmp(client->head, "HTTP/1.1 101", 12) == 0 ? on_open(client) : lose(client);
  }
  if (client->length < BACK_BYTES) return;
  if (client->length > BACK_BYTES) return lose(client);
  uint64_t us = now_us() - client->begun;
  if (us > max_us) max_us = us;
  buckets[bucket_of(us)]++;
  messages++;
  back++;
  client->length = 0;
  if (echoes) say(client);
}

static void turn(int timeout_ms) {
  struct epoll_event events[EVENTS];
  int ready = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);
  for (int i = 0; i < ready; i++) hear(events[i].data.ptr);
}

/* One message on each, all of them back or late. */
static void check(struct client *clients, int count) {
  uint64_t until = now_us() + PATIENCE_US;
  back = 0;
  max_us = 0;
  for (int i = 0; i < count; i++)
    if (clients[i].open) {
      say(&clients[i]);
      turn(0);
    }
  while (back < opened && now_us() < until) turn(100);
  printf("{\"open\":%d,\"echoed\":%d,\"errors\":%d,\"maxUs\":%lu}\n", opened, back, errors, max_us);
  fflush(stdout);
}

static void idle(struct client *clients, int count) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll_fd, events, EVENTS, -1), asked = 0;
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr != NULL) hear(events[i].data.ptr);
      else asked = 1;
    }
    if (!asked) continue;
    char line[64];
    if (read(STDIN_FILENO, line, sizeof line) <= 0) exit(0);
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    check(clients, count);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  }
}

int main(int count, char **values) {
  if (count < 5) return fprintf(stderr, "usage: websockets port hostname connections echo seconds | idle\n"), 2;
  int connections = atoi(values[3]);
  echoes = strcmp(values[4], "echo") == 0;
  hostname = values[2];
  address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(values[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct rlimit files = {OPEN_FILES, OPEN_FILES};
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  epoll_fd = epoll_create1(0);
  frame[0] = 0x82; /* FIN, binary */
  frame[1] = 0x80 | BYTES;
  memset(frame + 2, 0x5a, SENT_BYTES - 2);
  struct client *clients = calloc((size_t)connections, sizeof *clients);
  uint64_t begun = now_us(), length_us = echoes ? (uint64_t)(atof(count > 5 ? values[5] : "5") * 1e6) : PATIENCE_US;
  for (int i = 0; i < connections;) {
    while (opening < OPENING && i < connections) dial(&clients[i++]);
    turn(opening < OPENING ? 0 : 10);
  }
  if (!echoes) {
    while (opening > 0 && now_us() - begun < length_us) turn(100);
    printf("{\"open\":%d,\"echoed\":0,\"errors\":%d,\"maxUs\":0}\n", opened, errors);
    fflush(stdout);
    idle(clients, connections);
  }
  begun = now_us();
  messages = 0;
  memset(buckets, 0, sizeof buckets);
  max_us = 0;
  while (now_us() - begun < length_us) turn(100);
  double seconds = (double)(now_us() - begun) / 1e6;
  printf("{\"messages\":%lu,\"seconds\":%.6f,\"p50Us\":%lu,\"p99Us\":%lu,\"maxUs\":%lu,\"errors\":%d}\n", messages, seconds,
         messages ? percentile(50) : 0, messages ? percentile(99) : 0, max_us, errors);
  return 0;
}
