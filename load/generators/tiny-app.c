/**
 * An app that is up at once: answers every request on port 8080 with 200, one connection at a time, and `/work?ms=N` after N
 * ms, as many at a time as ask. Linked statically, it is an image by itself; what is measured with it is not the app's own
 * start.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 8080
#define BACKLOG 1024
#define ROOM 8192
#define WORK "GET /work?ms="
#define US_PER_MS 1000
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

static void end(int signal) { _exit(signal == SIGTERM ? 0 : 1); }

static void answer(int peer) { (void)!write(peer, ANSWER, strlen(ANSWER)); }

/** In a process of its own, which ends with it. */
static void work(int listener, int peer, int ms) {
  if (fork() != 0) return;
  close(listener);
  signal(SIGTERM, SIG_IGN);
  usleep(ms * US_PER_MS);
  answer(peer);
  _exit(0);
}

int main(void) {
  char request[ROOM];
  int yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGTERM, end);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return 1;
  if (listen(listener, BACKLOG) != 0) return 1;
  for (;;) {
    int peer = accept(listener, NULL, NULL);
    if (peer < 0) continue;
    ssize_t length = read(peer, request, sizeof request - 1);
    if (length > 0) {
      request[length] = 0;
      if (strncmp(request, WORK, strlen(WORK)) == 0) work(listener, peer, atoi(request + strlen(WORK)));
      else answer(peer);
    }
    close(peer);
  }
}
