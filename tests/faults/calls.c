/* Counts system calls on files below a folder, and fails or kills at the one that is asked for.
 *
 * Loaded by LD_PRELOAD.  Nothing happens until fault_arm() is called.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { FSYNC, RENAME, LINK, UNLINK, MKDIR, OPEN, WRITE, READ, KINDS };
enum action { NONE, KILL_BEFORE, KILL_AFTER, FAIL_ONCE, FAIL_FROM, FULL_AFTER };

static char prefix[4096];
static int action = NONE, armed_kind = -1, error_number = 0;
static long nth = 0, room = 0;
static long counts[KINDS];

void fault_arm(int kind, long n, int what, int error, const char *folder) {
    memset(counts, 0, sizeof counts);
    strncpy(prefix, folder, sizeof prefix - 1);
    armed_kind = kind;
    nth = n;
    room = n;
    error_number = error;
    action = what;
}

long fault_count(int kind) { return counts[kind]; }

static int is_ours(const char *path) {
    return prefix[0] && path && strncmp(path, prefix, strlen(prefix)) == 0;
}

static int is_ours_at(int folder, const char *path) {
    if (!prefix[0] || !path) return 0;
    if (path[0] == '/') return is_ours(path);
    char name[64], where[4096];
    if (folder == AT_FDCWD) {
        if (!getcwd(where, sizeof where)) return 0;
        return is_ours(where);
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(name, where, sizeof where - 1);
    if (length < 0) return 0;
    where[length] = 0;
    return is_ours(where);
}

static int is_ours_fd(int fd) {
    char name[64], where[4096];
    if (!prefix[0]) return 0;
    int before = errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, where, sizeof where - 1);
    errno = before;
    if (length < 0) return 0;
    where[length] = 0;
    return is_ours(where);
}

/* Returns whether the call must fail; kills when that is what was asked for. */
static int enter(int kind) {
    long n = __sync_add_and_fetch(&counts[kind], 1);
    if (kind != armed_kind) return 0;
    if (action == KILL_BEFORE && n == nth) kill(getpid(), SIGKILL);
    if ((action == FAIL_ONCE && n == nth) || (action == FAIL_FROM && n >= nth)) {
        errno = error_number;
        return 1;
    }
    return 0;
}

static void leave(int kind) {
    if (kind == armed_kind && action == KILL_AFTER && counts[kind] == nth) kill(getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define CALL(kind, ours, expression)                 \
    do {                                             \
        int counts_here = (ours);                    \
        if (counts_here && enter(kind)) return -1;   \
        __typeof__(expression) result = expression;  \
        if (counts_here) leave(kind);                \
        return result;                               \
    } while (0)

int fsync(int fd) { CALL(FSYNC, is_ours_fd(fd), REAL(fsync)(fd)); }
int fdatasync(int fd) { CALL(FSYNC, is_ours_fd(fd), REAL(fdatasync)(fd)); }

int rename(const char *from, const char *to) {
    CALL(RENAME, is_ours(to) || is_ours(from), REAL(rename)(from, to));
}
int renameat(int a, const char *from, int b, const char *to) {
    CALL(RENAME, is_ours_at(b, to) || is_ours_at(a, from), REAL(renameat)(a, from, b, to));
}

int link(const char *from, const char *to) { CALL(LINK, is_ours(to), REAL(link)(from, to)); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    CALL(LINK, is_ours_at(b, to), REAL(linkat)(a, from, b, to, flags));
}

int unlink(const char *path) { CALL(UNLINK, is_ours(path), REAL(unlink)(path)); }
int unlinkat(int folder, const char *path, int flags) {
    CALL(UNLINK, is_ours_at(folder, path), REAL(unlinkat)(folder, path, flags));
}
int rmdir(const char *path) { CALL(UNLINK, is_ours(path), REAL(rmdir)(path)); }

int mkdir(const char *path, mode_t mode) { CALL(MKDIR, is_ours(path), REAL(mkdir)(path, mode)); }
int mkdirat(int folder, const char *path, mode_t mode) {
    CALL(MKDIR, is_ours_at(folder, path), REAL(mkdirat)(folder, path, mode));
}

#define MODE(flags)                            \
    mode_t mode = 0;                           \
    if ((flags) & (O_CREAT | O_TMPFILE)) {     \
        va_list rest;                          \
        va_start(rest, flags);                 \
        mode = va_arg(rest, mode_t);           \
        va_end(rest);                          \
    }

int open(const char *path, int flags, ...) {
    MODE(flags);
    CALL(OPEN, is_ours(path), REAL(open)(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
    MODE(flags);
    CALL(OPEN, is_ours(path), REAL(open64)(path, flags, mode));
}
int openat(int folder, const char *path, int flags, ...) {
    MODE(flags);
    CALL(OPEN, is_ours_at(folder, path), REAL(openat)(folder, path, flags, mode));
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags);
    CALL(OPEN, is_ours_at(folder, path), REAL(openat64)(folder, path, flags, mode));
}

/* A disk with so many bytes left takes what fits, and then nothing. */
static ssize_t take(int fd, size_t *size) {
    if (action != FULL_AFTER) return 0;
    (void)fd;
    if (room <= 0) {
        errno = ENOSPC;
        return -1;
    }
    if ((long)*size > room) *size = (size_t)room;
    room -= (long)*size;
    return 0;
}

ssize_t write(int fd, const void *data, size_t size) {
    int mine = fd > 2 && is_ours_fd(fd);
    if (mine && take(fd, &size) < 0) return -1;
    CALL(WRITE, mine, REAL(write)(fd, data, size));
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    int mine = is_ours_fd(fd);
    if (mine && take(fd, &size) < 0) return -1;
    CALL(WRITE, mine, REAL(pwrite)(fd, data, size, at));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    int mine = is_ours_fd(fd);
    if (mine && take(fd, &size) < 0) return -1;
    CALL(WRITE, mine, REAL(pwrite64)(fd, data, size, at));
}

ssize_t read(int fd, void *data, size_t size) { CALL(READ, is_ours_fd(fd), REAL(read)(fd, data, size)); }
ssize_t pread(int fd, void *data, size_t size, off_t at) {
    CALL(READ, is_ours_fd(fd), REAL(pread)(fd, data, size, at));
}
ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
    CALL(READ, is_ours_fd(fd), REAL(pread64)(fd, data, size, at));
}
