/**
 * An upstream that costs next to nothing: WebSockets (RFC 6455) whose messages of up to 125 octets come back as they are,
 * and 200 for every other request. One thread; ends with its parent's signal.
 *
 *     echo-upstream <port>…
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS 256
#define ROOM 4096
#define BACKLOG 4096
#define OPEN_FILES 65536
#define MASKED_HEAD 6
#define CLOSE 0x88
static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
static const char PLAIN[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct peer {
  int fd;
  int listens;
  int upgraded;
  size_t length;
  uint8_t *octets; /* of what is not whole yet; null: nothing is left over */
};

static int epoll_fd;

static void watch(struct peer *peer) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, peer->fd, &event);
}

static struct peer *add(int fd, int listens) {
  struct peer *peer = calloc(1, sizeof *peer);
  peer->fd = fd;
  peer->listens = listens;
  watch(peer);
  return peer;
}

static void end(struct peer *peer) {
  close(peer->fd);
  free(peer->octets);
  free(peer);
}

static int say(struct peer *peer, const void *data, size_t length) {
  return send(peer->fd, data, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static int upgrade(struct peer *peer, const char *head) {
  const char *field = strcasestr(head, "\r\nsec-websocket-key:");
  if (!field) return 0;
  field += 20;
  while (*field == ' ') field++;
  char key[128];
  int length = snprintf(key, sizeof key, "%.24s%s", field, GUID);
  uint8_t digest[SHA_DIGEST_LENGTH], accept[64];
  SHA1((uint8_t *)key, (size_t)length, digest);
  EVP_EncodeBlock(accept, digest, sizeof digest);
  char answer[256];
  length = snprintf(answer, sizeof answer,
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: %s\r\n\r\n",
                    accept);
  peer->upgraded = 1;
  return say(peer, answer, (size_t)length);
}

/* Answers what is whole; how much of it there was, or -1 when the peer is to go. */
static ssize_t heads(struct peer *peer, uint8_t *data, size_t length) {
  data[length] = 0;
  char *stop = strstr((char *)data, "\r\n\r\n");
  if (!stop) return 0;
  stop[2] = 0;
  int isUpgrade = strcasestr((char *)data, "\r\nupgrade: websocket") != NULL;
  int ok = isUpgrade ? upgrade(peer, (char *)data) : say(peer, PLAIN, sizeof PLAIN - 1);
  return ok ? (uint8_t *)stop + 4 - data : -1;
}

static ssize_t frames(struct peer *peer, uint8_t *data, size_t length) {
  static uint8_t out[ROOM];
  size_t at = 0, written = 0;
  while (length - at >= MASKED_HEAD) {
    size_t size = data[at + 1] & 0x7f;
    if (size > 125 || !(data[at + 1] & 0x80)) return -1;
    if (length - at < MASKED_HEAD + size) break;
    if (data[at] == CLOSE) return -1;
    out[written++] = data[at];
    out[written++] = (uint8_t)size;
    for (size_t i = 0; i < size; i++) out[written++] = data[at + MASKED_HEAD + i] ^ data[at + 2 + i % 4];
    at += MASKED_HEAD + size;
  }
  if (written > 0 && !say(peer, out, written)) return -1;
  return (ssize_t)at;
}

static void serve(struct peer *peer) {
  static uint8_t data[ROOM + 1];
  memcpy(data, peer->octets ? peer->octets : (uint8_t *)"", peer->length);
  ssize_t got = recv(peer->fd, data + peer->length, ROOM - peer->length, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return end(peer);
  size_t length = peer->length + (size_t)got, at = 0;
  for (;;) {
    ssize_t used = peer->upgraded ? frames(peer, data + at, length - at) : heads(peer, data + at, length - at);
    if (used < 0) return end(peer);
    if (used == 0) break;
    at += (size_t)used;
  }
  peer->length = length - at;
  if (peer->length == ROOM) return end(peer);
  if (peer->length == 0) return;
  if (!peer->octets) peer->octets = malloc(ROOM);
  memcpy(peer->octets, data + at, peer->length);
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0) {
    perror("listen");
    exit(1);
  }
  return fd;
}

int main(int count, char **ports) {
  struct rlimit files = {OPEN_FILES, OPEN_FILES};
  setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  epoll_fd = epoll_create1(0);
  for (int i = 1; i < count; i++) add(listen_on(atoi(ports[i])), 1);
  struct epoll_event events[EVENTS];
  for (;;) {
    int ready = epoll_wait(epoll_fd, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct peer *peer = events[i].data.ptr;
      if (!peer->listens) {
        serve(peer);
        continue;
      }
      int fd, on = 1;
      while ((fd = accept4(peer->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add(fd, 0);
      }
    }
  }
}
